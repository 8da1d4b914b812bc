"""Services on the workers: the labels are there before a node may run anything."""

from __future__ import annotations

from collections import Counter

from .conftest import Witness, eventually


def by_zone(shared: Witness, service: str) -> Counter[str]:
    zone = {node["ID"]: node["Spec"]["Labels"]["quorate.zone"] for node in shared.nodes()}
    counted: Counter[str] = Counter()
    for node, tasks in shared.running(service).items():
        counted[zone[node]] += tasks
    return counted


def test_a_service_spreads_over_the_zones_also_over_a_node_that_joins_later(shared: Witness):
    image = shared.push_image()
    pool = "quorate-lab-worker-general"
    engine = shared.manager()
    words = "--placement-pref spread=node.labels.quorate.zone --endpoint-mode dnsrr --detach"
    try:
        shared.docker(
            *(engine, "service", "create", "--name", "spread", "--replicas", "6", *words.split()),
            *(image, "sleep", "100000"),
        )
        eventually(lambda: by_zone(shared, "spread") == {"use1-az1": 2, "use1-az2": 2, "use1-az4": 2})

        shared.aws("autoscaling").set_desired_capacity(AutoScalingGroupName=pool, DesiredCapacity=4)
        eventually(lambda: len([n for n in shared.nodes() if n["Spec"]["Availability"] == "active"]) == 4)
        shared.docker(engine, "service", "scale", "--detach", "spread=12")
        eventually(lambda: by_zone(shared, "spread") == {"use1-az1": 4, "use1-az2": 4, "use1-az4": 4})
        assert len(shared.running("spread")) == 4, "the node that joined later runs nothing"
    finally:
        shared.docker(engine, "service", "rm", "spread")
        shared.aws("autoscaling").set_desired_capacity(AutoScalingGroupName=pool, DesiredCapacity=3)
        eventually(lambda: len(shared.nodes()) == 8)
