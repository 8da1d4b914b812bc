"""Boots on hosts that are not well: metadata, clock, user-data, and a claim with addresses of nobody."""

from __future__ import annotations

import json

import pytest

from .cluster import Cluster, until
from .handmade import CLUSTER

PATIENCE = 240.0


@pytest.fixture
def three(cluster: Cluster) -> Cluster:
    """One manager in each zone, and no workers yet."""
    cluster.made.spread = (1, 1, 1)
    cluster.made.pools = {"general": 0}
    cluster.made.write_plan()
    return cluster


def test_metadata_that_refuses_fails_or_is_silent_for_a_while_only_delays_a_boot(three: Cluster) -> None:
    """Given 401, 404, 5xx and cut connections, as often as asked, for managers and for workers."""
    three.made.pools["general"] = 2
    three.made.write_plan()
    ills = (
        {"kind": "error", "status": 401, "action": "metadata:GET *", "times": 6},
        {"kind": "error", "status": 404, "action": "metadata:GET */user-data", "times": 6},
        {"kind": "error", "status": 503, "action": "metadata:PUT *", "times": 6},
        {"kind": "error", "status": 500, "action": "metadata:GET */instance-id", "times": 6},
        {"kind": "cut", "action": "metadata:*", "times": 6},
        {"kind": "error", "status": 404, "action": "metadata:GET *security-credentials*", "times": 6},
        {"kind": "latency", "seconds": 5, "action": "metadata:GET */local-ipv4", "times": 3},
    )
    for ill in ills:
        three.fault(**ill)
    three.made.launch()
    until(three.is_whole, PATIENCE)
    assert three.faults() == []  # each has struck as often as it was to
    assert len(three.cluster_ids()) == 1
    assert "failed: " not in three.said("join")
    assert "Traceback" not in three.said("join") + three.said("steward")


def test_hosts_whose_clock_is_an_hour_off_join_once_it_is_right_and_say_why_not_before(
    three: Cluster,
) -> None:
    """Given managers booting, one an hour ahead and one behind: AWS refuses these two."""
    made = three.made
    three.fault("error", action="dynamodb:*")
    made.launch()
    until(lambda: three.said("join").count("fault on demand") >= 3)
    ahead, behind, right = three.managers()
    three.lab.switches.host_clock(ahead.name, 3600)
    three.lab.switches.host_clock(behind.name, -3600)
    three.well()
    for host, words in ((ahead, "Signature not yet current"), (behind, "Signature expired")):
        until(lambda host=host, words=words: words in three.log(host.instance_id, "join"))  # type: ignore[misc]
    until(lambda: len([node for node in three.nodes() if node.reachable]) == 1)
    assert "swarm made" in three.log(right.instance_id, "join")
    assert len(three.nodes()) == 1

    for host in (ahead, behind):
        three.lab.switches.host_clock(host.name, 0)
    until(three.is_whole)
    assert len(three.cluster_ids()) == 1
    assert three.said("join").count("swarm made") == 1


def test_a_claim_with_addresses_of_nobody_is_written_anew_and_a_waiting_node_joins(three: Cluster) -> None:
    """Given a whole cluster whose claim names managers that are long gone, when a worker boots."""
    made = three.made
    three.form()
    right = until(lambda: _names_all(three))
    three.fault("error", action="dynamodb:PutItem")  # the steward cannot mend it yet
    nobody = {"L": [{"S": f"10.20.0.{number}:2377"} for number in (240, 241, 242)]}
    made.aws("dynamodb").put_item(TableName=CLUSTER, Item=right | {"addresses": nobody})
    made.pools["general"] = 1
    made.write_plan()
    made.scale(f"{CLUSTER}-worker-general", 1)
    until(lambda: "waiting for a leader" in three.said("join"), PATIENCE)
    three.well()
    until(three.is_whole, PATIENCE)
    until(lambda: _names_all(three) == right)
    assert "failed: " not in three.said("join")


def test_user_data_beyond_the_bound_is_refused_and_the_launch_given_up(three: Cluster) -> None:
    """Given a pool whose user-data is longer than EC2 would take."""
    made = three.made
    body = json.dumps(made.user_data("worker", "general") | {"table": "x" * 17000}).encode()
    name = made.group("worker", "general", list(made.subnets.values()), 1, body)
    until(lambda: "launch hook abandoned: user-data: " in three.said("join"))
    assert "at most 16384" in three.said("join")
    until(lambda: _ended(three, name))


def _names_all(cluster: Cluster) -> dict[str, object] | None:
    """The claim, if it has the addresses of all members."""
    claim = cluster.made.item("claim") or {}
    named = {one["S"] for one in claim.get("addresses", {}).get("L", [])}
    return claim if named == {f"{node.address}:2377" for node in cluster.members()} else None


def _ended(cluster: Cluster, group: str) -> bool:
    answer = cluster.made.aws("autoscaling").describe_scaling_activities(AutoScalingGroupName=group)
    return any("Terminating" in one["Description"] for one in answer["Activities"])
