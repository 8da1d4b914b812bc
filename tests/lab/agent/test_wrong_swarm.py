"""Nodes that meet the wrong swarm, or a lost one: they leave or wait, say why, and make no other."""

from __future__ import annotations

import time

from .cluster import Cluster, until
from .handmade import CLUSTER


def test_a_node_that_ends_up_in_another_swarm_leaves_it_and_is_given_up(cluster: Cluster) -> None:
    """Given a claim that names another cluster id than the swarm at its addresses, when a worker boots."""
    made = cluster.made
    made.spread = (1, 0, 0)
    made.pools = {"general": 0}
    made.write_plan()
    cluster.form()
    right = made.item("claim")
    assert right is not None
    cluster.fault("error", action="dynamodb:PutItem")
    made.aws("dynamodb").put_item(
        TableName=CLUSTER, Item=right | {"cluster_id": {"S": "thisisnotthecluster"}}
    )
    made.scale(f"{CLUSTER}-worker-general", 1)
    until(lambda: "this cluster's is thisisnotthecluster: left it again" in cluster.said("join"))
    given_up = {host.instance_id for host in cluster.lab.hosts() if host.role == "worker"}
    until(lambda: "launch hook abandoned: joined swarm" in cluster.said("join"))

    made.aws("dynamodb").put_item(TableName=CLUSTER, Item=right)
    cluster.well()
    made.pools["general"] = 1
    until(lambda: cluster.is_whole() and _workers(cluster).isdisjoint(given_up | {""}))


def test_when_all_managers_are_gone_at_once_their_successors_wait_and_name_the_way_back(
    cluster: Cluster,
) -> None:
    """Given three managers, when all are terminated at once, no second swarm is made."""
    made = cluster.made
    made.spread = (1, 1, 1)
    made.pools.clear()
    made.write_plan()
    before = cluster.form()
    instances = [node.labels["quorate.instance"] for node in before]
    made.aws("ec2").terminate_instances(InstanceIds=instances)
    until(lambda: _new_managers(cluster, instances) == 3)
    until(lambda: cluster.said("join").count("Nobody will make a second swarm") == 3)
    waiting = {host.instance_id for host in cluster.managers()}
    time.sleep(30)
    assert {host.instance_id for host in cluster.managers()} == waiting
    assert "failed:" not in cluster.said("join")
    assert cluster.said("join").count("swarm made") == 1
    claim = made.item("claim")
    assert claim is not None and claim["state"]["S"] == "READY"


def _workers(cluster: Cluster) -> set[str]:
    """The instances whose nodes are workers; "" for one that has no labels yet."""
    return {node.labels.get("quorate.instance", "") for node in cluster.nodes() if not node.member}


def _new_managers(cluster: Cluster, former: list[str]) -> int:
    return len({host.instance_id for host in cluster.managers()} - set(former))
