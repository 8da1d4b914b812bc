"""kill -9 of join and steward at every step, and the end of whoever holds the claim: one swarm each time."""

from __future__ import annotations

import os
import signal
import time

import pytest

from .cluster import Cluster, Meanwhile, until

STEPS = ("claimed the cluster's only init", "swarm made", "is ready to be joined", "joined swarm")
"""What join says as soon as it has done a step: the kill comes then."""


@pytest.mark.parametrize("step", STEPS)
def test_join_killed_on_every_manager_as_soon_as_it_has_done_a_step(cluster: Cluster, step: str) -> None:
    """Given five managers booting at once, when each join is killed once after this step, one swarm forms."""
    cluster.made.pools.clear()
    killed: set[str] = set()

    def reap() -> None:
        for host in cluster.managers():
            if host.instance_id in killed or step not in cluster.log(host.instance_id, "join"):
                continue
            if cluster.kill(host, "join"):
                killed.add(host.instance_id)

    with Meanwhile(reap, 0.01):
        cluster.form()
    assert killed
    assert len(cluster.cluster_ids()) == 1
    assert len(cluster.nodes()) == 5


def test_the_owner_of_the_claim_ends_before_ready_and_another_takes_over(cluster: Cluster) -> None:
    """Given an owner that cannot publish its swarm, when its instance ends and its claim expires."""
    made = cluster.made
    made.pools.clear()
    cluster.fault("error", action="ssm:PutParameter")
    made.launch()
    until(lambda: "swarm made" in cluster.said("join"))
    claim = made.item("claim")
    assert claim is not None and claim["state"]["S"] == "CREATING"
    owner = claim["owner"]["S"]
    cluster.terminate(owner)
    until(lambda: owner not in {host.instance_id for host in cluster.lab.hosts()})
    cluster.well()
    made.aws("dynamodb").put_item(TableName="quorate-hand", Item=claim | {"expiry": {"N": "1"}})

    until(cluster.is_whole)
    assert len(cluster.cluster_ids()) == 1
    assert f"took over the claim of {owner}" in cluster.said("join")
    assert owner not in {node.labels["quorate.instance"] for node in cluster.nodes()}


def test_an_init_that_a_power_cut_has_cut_short_is_thrown_away_and_made_anew(cluster: Cluster) -> None:
    """Given a founder whose engine dies between its certificate and its first committed write.

    It comes back as the leader of a swarm that nobody can join: its CA has no key.
    """
    made = cluster.made
    made.pools.clear()
    hold = cluster.fault("error", action="dynamodb:PutItem")
    made.launch()
    until(lambda: len(cluster.managers()) == 5)
    until(lambda: all("trying again" in cluster.log(h.instance_id, "join") for h in cluster.managers()))
    hosts = {cluster.certificate(host): host for host in cluster.managers()}
    engines = {path: cluster.processes(host, "dockerd") for path, host in hosts.items()}
    cluster.end_fault(hold)
    end = time.monotonic() + 60
    while not (begun := [path for path in hosts if path.exists()]):
        assert time.monotonic() < end, "nobody has begun to make a swarm"
    for engine in engines[begun[0]]:
        os.kill(engine, signal.SIGKILL)
    founder = hosts[begun[0]]
    cluster.lab.switches.host_kill(founder.instance_id)
    assert "swarm made" not in cluster.log(founder.instance_id, "join")
    cluster.lab.switches.host_start(founder.instance_id)

    until(cluster.is_whole)
    assert len(cluster.cluster_ids()) == 1
    assert "cut short: leaving, then init" in cluster.log(founder.instance_id, "join")


def test_an_expired_claim_is_left_alone_while_its_owner_lives(cluster: Cluster) -> None:
    """Given an owner that cannot publish, when its claim has expired, it goes on itself once AWS answers."""
    made = cluster.made
    made.pools.clear()
    cluster.fault("error", action="ssm:PutParameter")
    made.launch()
    until(lambda: "swarm made" in cluster.said("join"))
    claim = made.item("claim")
    assert claim is not None
    made.aws("dynamodb").put_item(TableName="quorate-hand", Item=claim | {"expiry": {"N": "1"}})
    time.sleep(6)
    cluster.well()

    until(cluster.is_whole)
    assert len(cluster.cluster_ids()) == 1
    assert "took over" not in cluster.said("join")
    assert cluster.said("join").count("swarm made") == 1, "what it had made was sound"
    assert claim["owner"]["S"] in {node.labels["quorate.instance"] for node in cluster.nodes()}


def test_stewards_killed_again_and_again_while_a_cluster_forms(cluster: Cluster) -> None:
    """Given five managers booting, when every steward is killed every two seconds, the work gets done."""
    kills = 0

    def reap() -> None:
        nonlocal kills
        for host in cluster.managers() if kills < 15 else ():
            kills += cluster.kill(host, "steward")

    with Meanwhile(reap, 2.0):
        cluster.form()
    assert len(cluster.cluster_ids()) == 1
