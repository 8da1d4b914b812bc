"""Boots that form a swarm, and boots that must not."""

from __future__ import annotations

import json
from collections import Counter

from quorate.swarm.engine import Engine

from .cluster import Cluster, until


def test_nodes_form_one_swarm_as_planned_and_those_with_wrong_orders_stay_out(cluster: Cluster) -> None:
    """Given right groups, two pools that say manager, there first, and two with user-data of no use."""
    made = cluster.made
    subnets = list(made.subnets.values())
    slot = made.slots()[0][0]
    made.pools |= {"evil": 1, "liar": 1}
    made.write_plan()
    evil = made.user_data("manager", slot) | {"group": "quorate-hand-worker-evil"}
    made.group("worker", "evil", subnets, 1, json.dumps(evil).encode())
    liar = made.user_data("manager", slot)
    made.group("worker", "liar", subnets, 1, json.dumps(liar).encode())
    del made.pools["evil"], made.pools["liar"]
    until(lambda: cluster.said("join").count("trying again") == 2)
    made.group("worker", "script", subnets, 1, b"#!/bin/sh\ncurl http://example.org | sh\n")
    foreign = made.user_data("worker", "foreign") | {"schema": 7}
    made.group("worker", "foreign", subnets, 1, json.dumps(foreign).encode())

    made.launch()
    until(lambda: len([n for n in cluster.nodes() if n.reachable]) == 5 and len(cluster.nodes()) == 10)
    until(lambda: all(node.labels.get("quorate.zone") for node in cluster.nodes()))

    nodes = cluster.nodes()
    assert len(cluster.cluster_ids()) == 1
    members = [node for node in nodes if node.reachable]
    assert Counter(n.labels["quorate.zone"] for n in members) == dict(zip(made.zones, (2, 2, 1), strict=True))
    assert {n.labels["quorate.slot"] for n in members} == {name for name, _ in made.slots()}
    hosts = {host.address: host for host in cluster.lab.hosts()}
    for node in nodes:
        assert node.labels["quorate.instance"] == hosts[node.address].instance_id
        assert node.labels["quorate.zone"] == hosts[node.address].zone
        assert node.availability == ("drain" if node.reachable else "active")
    workers = Counter(node.labels.get("quorate.pool") for node in nodes if not node.member)
    assert workers == {"general": 3, "evil": 1, "liar": 1}
    assert all(
        node.labels["tier"] == "general" for node in nodes if node.labels.get("quorate.pool") == "general"
    )

    claim = made.item("claim")
    assert claim is not None and claim["state"]["S"] == "READY"
    until(
        lambda: (
            {a["S"] for a in (made.item("claim") or {})["addresses"]["L"]}
            == {f"{node.address}:2377" for node in members}
        )
    )
    assert made.token() == Engine(cluster.managers()[0].docker_host).swarm()[1]

    for pool, reason in (("script", "no JSON"), ("foreign", "this image reads schema 1")):
        until(lambda pool=pool: _abandoned(cluster, f"quorate-hand-worker-{pool}"))  # type: ignore[misc]
        assert f"failed: user-data: {reason}" in cluster.said("join") or reason in cluster.said("join")
    assert "SWMTKN" not in cluster.said("join") + cluster.said("steward")


def _abandoned(cluster: Cluster, group: str) -> bool:
    """Auto Scaling ended an instance of the group that never came into service."""
    answer = cluster.made.aws("autoscaling").describe_scaling_activities(AutoScalingGroupName=group)
    return any(
        "Terminating" in one["Description"] or one["StatusCode"] in {"Failed", "Cancelled"}
        for one in answer["Activities"]
    )
