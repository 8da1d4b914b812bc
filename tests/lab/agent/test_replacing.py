"""Managers that end, the leader too: what is left of them is gone before another is promoted."""

from __future__ import annotations

from quorate.swarm.snapshot import Node

from .cluster import Cluster, Watch, until


def test_terminated_managers_are_replaced_in_their_zones_and_never_below_quorum(cluster: Cluster) -> None:
    """Given a whole cluster, when a follower's instance is terminated, and then the leader's."""
    before = cluster.form()
    follower = next(node for node in before if node.reachable and not node.leader)
    ended: list[Node] = []
    with Watch(cluster) as watch:
        for choose in (lambda: follower, cluster.leader):
            ended.append(until(choose))
            cluster.terminate(ended[-1].labels["quorate.instance"])
            until(lambda: _replaced(cluster, ended[-1]))
    assert watch.looks > 50
    assert watch.lost_quorum == []
    for victim in ended:
        successor = next(n for n in cluster.nodes() if _slot(n) == _slot(victim))
        joined = [members for _, members in watch.seen if successor.id in members]
        assert joined and all(victim.id not in members for members in joined)
        assert successor.labels["quorate.zone"] == victim.labels["quorate.zone"]
    assert len(cluster.cluster_ids()) == 1
    assert len(cluster.nodes()) == 8


def test_a_manager_whose_group_replaces_it_leaves_in_order(cluster: Cluster) -> None:
    """Given a group that ends an instance by its hook, its replacement stands steady before it is demoted."""
    cluster.made.pools.clear()
    before = cluster.form()
    victim = next(node for node in before if node.reachable and not node.leader)
    instance = victim.labels["quorate.instance"]
    cluster.made.aws("autoscaling").terminate_instance_in_auto_scaling_group(
        InstanceId=instance, ShouldDecrementDesiredCapacity=False
    )
    with Watch(cluster) as watch:
        until(lambda: _replaced(cluster, victim))
    assert watch.lost_quorum == []
    steward = cluster.said("steward")
    demoted, removed = f"demote {victim.id}", f"remove {victim.id}"
    completed = f"complete the termination hook of {instance}"
    assert steward.index(demoted) < steward.index(removed) < steward.index(completed)
    successor = next(n for n in cluster.nodes() if _slot(n) == _slot(victim))
    assert steward.index(f"label {successor.id}") < steward.index(demoted)
    assert steward.index(demoted) < steward.index(f"promote {successor.id}")


def test_two_workers_end_one_at_once_and_one_in_order_and_leave_no_ghost(cluster: Cluster) -> None:
    """Given three workers, when one is terminated and the pool shrinks by one, two are left in the end."""
    before = cluster.form()
    made = cluster.made
    workers = [node for node in before if not node.member]
    cluster.terminate(workers[0].labels["quorate.instance"])
    made.pools["general"] = 2
    made.scale("quorate-hand-worker-general", 2)
    until(lambda: cluster.is_whole() and len(cluster.nodes()) == 7)
    until(lambda: list(made.instances("quorate-hand-worker-general").values()) == ["InService"] * 2)


def _slot(node: Node) -> str | None:
    return node.labels.get("quorate.slot")


def _replaced(cluster: Cluster, victim: Node) -> bool:
    nodes = cluster.nodes()
    return victim.id not in {node.id for node in nodes} and cluster.is_whole()
