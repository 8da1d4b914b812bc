"""Clean starts of five managers and three workers at once."""

from __future__ import annotations

import pytest

from quorate.lab.lab import Lab

from .conftest import Witness, eventually


@pytest.mark.parametrize("start", [1, 2, 3])
def test_a_clean_start_of_five_managers_at_once_makes_one_cluster_spread_2_2_1(empty: Lab, start: int):
    empty.up()
    seen = Witness(empty)
    assert len(seen.cluster_ids()) == 1
    assert seen.zones() == {"use1-az1": 2, "use1-az2": 2, "use1-az4": 1}
    assert all(node["ManagerStatus"]["Reachability"] == "reachable" for node in seen.managers())


def test_labels_say_what_aws_says_of_the_instance_at_a_nodes_address(shared: Witness):
    zones = {
        subnet["SubnetId"]: subnet["AvailabilityZoneId"]
        for subnet in shared.aws("ec2").describe_subnets()["Subnets"]
    }
    group_of = {
        instance["InstanceId"]: name
        for name, group in shared.groups().items()
        for instance in group["Instances"]
    }
    told = {
        i["PrivateIpAddress"]: (i["InstanceId"], zones[i["SubnetId"]], group_of[i["InstanceId"]])
        for i in shared.instances()
    }
    nodes = shared.nodes()
    assert len(nodes) == len(told) == 8
    for node in nodes:
        labels = node["Spec"]["Labels"]
        place = labels.get("quorate.slot") or f"worker-{labels['quorate.pool']}"
        assert (labels["quorate.instance"], labels["quorate.zone"], f"quorate-lab-{place}") == told[
            node["Status"]["Addr"]
        ]


def test_managers_are_drained_and_workers_active(shared: Witness):
    for node in shared.nodes():
        expected = "drain" if node["Spec"]["Role"] == "manager" else "active"
        assert node["Spec"]["Availability"] == expected


def test_overlays_come_from_the_declared_pool(shared: Witness):
    import ipaddress
    import json

    engine = shared.manager()
    shared.docker(engine, "network", "create", "--driver", "overlay", "probe")
    try:
        # the leader hands the range out a moment after it has taken the order
        config = eventually(
            lambda: json.loads(shared.docker(engine, "network", "inspect", "probe"))[0]["IPAM"]["Config"]
        )
        subnet = ipaddress.ip_network(config[0]["Subnet"])
        assert subnet.subnet_of(ipaddress.ip_network("10.128.0.0/12"))
    finally:
        shared.docker(engine, "network", "rm", "probe")


def test_every_launch_hook_is_completed_and_every_group_is_at_its_size(shared: Witness):
    for name, group in shared.groups().items():
        states = [instance["LifecycleState"] for instance in group["Instances"]]
        assert states == ["InService"] * group["DesiredCapacity"], name


def test_a_second_up_changes_nothing(shared: Witness):
    before = {instance["InstanceId"] for instance in shared.instances()}
    assert [c for c in shared.lab.preview() if c.custom and c.action != "same"] == []
    shared.lab.up()
    assert {instance["InstanceId"] for instance in shared.instances()} == before
