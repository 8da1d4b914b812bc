"""Slots that leave the plan, and clusters that end."""

from __future__ import annotations

from itertools import pairwise

from quorate.errors import QuorateError

from .cluster import Cluster, Watch, until


def test_from_five_to_three_members_leave_one_at_a_time_before_their_instances_end(cluster: Cluster) -> None:
    """Given 2-2-1, when the plan becomes 1-1-1 and the groups of the others are emptied, leader or not."""
    made = cluster.made
    made.pools.clear()
    cluster.form()
    old = {name for name, _ in made.slots()}
    made.spread = (1, 1, 1)
    made.write_plan()
    leaving = sorted(old - {name for name, _ in made.slots()})
    with Watch(cluster) as watch:
        for slot in leaving:
            made.scale(f"quorate-hand-{slot}", 0)
        until(cluster.is_whole)
        until(lambda: not any(made.instances(f"quorate-hand-{slot}") for slot in leaving))
    assert watch.lost_quorum == []
    counts = [len(members) for _, members in watch.seen]
    assert counts[-1] == 3 and {5, 4, 3} >= set(counts)
    assert all(before - after <= 1 for before, after in pairwise(counts))
    assert len(cluster.nodes()) == 3
    assert len(cluster.cluster_ids()) == 1


def test_a_cluster_whose_groups_all_close_ends_at_once(cluster: Cluster) -> None:
    """Given a whole cluster, when every group is emptied, no hook is waited out."""
    cluster.form()
    _empty(cluster)
    until(lambda: _instances(cluster) == 0, seconds=90)


def test_a_leaderless_cluster_whose_groups_all_close_ends_too(cluster: Cluster) -> None:
    """Given a cluster without a quorum, when every group is emptied, its managers let go by themselves."""
    cluster.made.pools.clear()
    cluster.form()
    hosts = cluster.managers()
    for host in hosts[:3]:
        cluster.freeze(host)
    until(lambda: _has_no_leader(cluster))
    _empty(cluster)
    until(lambda: _instances(cluster) <= 3, seconds=120)


def test_a_manager_that_was_restarted_and_finds_no_quorum_ends_with_its_cluster(cluster: Cluster) -> None:
    """Given three managers without power, of which one boots again, when every group is emptied."""
    made = cluster.made
    made.spread = (1, 1, 1)
    made.pools.clear()
    made.write_plan()
    cluster.form()
    hosts = cluster.managers()
    for host in hosts:
        cluster.lab.switches.host_kill(host.instance_id)
    before = cluster.log(hosts[0].instance_id, "join").count("waiting for a leader")
    cluster.lab.switches.host_start(hosts[0].instance_id)
    until(lambda: cluster.log(hosts[0].instance_id, "join").count("waiting for a leader") > before)
    _empty(cluster)
    until(lambda: _instances(cluster) <= 2)
    assert "this instance may end" in cluster.log(hosts[0].instance_id, "join")


def _empty(cluster: Cluster) -> None:
    made = cluster.made
    for slot, _ in made.slots():
        made.scale(f"quorate-hand-{slot}", 0)
    for pool in made.pools:
        made.scale(f"quorate-hand-worker-{pool}", 0)


def _instances(cluster: Cluster) -> int:
    made = cluster.made
    groups = [f"quorate-hand-{slot}" for slot, _ in made.slots()]
    groups += [f"quorate-hand-worker-{pool}" for pool in made.pools]
    return sum(len(made.instances(group)) for group in groups)


def _has_no_leader(cluster: Cluster) -> bool:
    try:
        return not any(node.leader for node in cluster.nodes())
    except QuorateError:
        return True
