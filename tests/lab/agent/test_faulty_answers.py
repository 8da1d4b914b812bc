"""AWS that fails, answers nothing, or comes late; a token that changes under way."""

from __future__ import annotations

import time

from docker.api.client import APIClient

from quorate.swarm.engine import Engine

from .cluster import Cluster, until


def test_boots_while_table_and_parameter_store_fail_for_a_minute_join_once_they_answer(
    cluster: Cluster,
) -> None:
    """Given a first boot during which DynamoDB and SSM fail, when they answer again, one swarm forms."""
    cluster.fault("error", action="dynamodb:*")
    cluster.fault("error", action="ssm:*", code="AccessDeniedException", status=400)
    cluster.made.launch()
    until(lambda: cluster.said("join").count("trying again") >= 8)
    time.sleep(60)
    assert cluster.cluster_ids() == set()
    cluster.well()
    until(cluster.is_whole)
    assert len(cluster.cluster_ids()) == 1
    assert "failed:" not in cluster.said("join")


def test_a_living_cluster_is_not_changed_by_answers_that_are_empty_or_fail(cluster: Cluster) -> None:
    """Given a whole cluster, when EC2 and Auto Scaling answer nothing, then errors, no node is touched."""
    before = cluster.form()
    for fault in ({"kind": "empty"}, {"kind": "error"}, {"kind": "throttle"}):
        for action in ("ec2:*", "autoscaling:*"):
            cluster.fault(action=action, **fault)
        time.sleep(12)
        cluster.well()
    after = cluster.nodes()
    assert {n.id: (n.role, n.availability, dict(n.labels)) for n in after} == {
        n.id: (n.role, n.availability, dict(n.labels)) for n in before
    }
    assert "demote" not in cluster.said("steward") and "remove" not in cluster.said("steward")


def test_a_rotated_token_is_published_and_a_node_that_boots_meanwhile_joins_with_it(cluster: Cluster) -> None:
    """Given a whole cluster, when the worker token is rotated while a worker boots."""
    cluster.form()
    made = cluster.made
    host = until(cluster.leading_host)
    cluster.fault("latency", action="ssm:GetParameter", seconds=1.5)
    made.pools["general"] = 4
    made.scale("quorate-hand-worker-general", 4)
    api = APIClient(base_url=host.docker_host, version="auto")
    swarm = api.inspect_swarm()
    api.update_swarm(swarm["Version"]["Index"], swarm_spec=swarm["Spec"], rotate_worker_token=True)
    rotated = Engine(host.docker_host).swarm()[1]
    until(lambda: made.token() == rotated)
    cluster.well()
    until(cluster.is_whole)
    assert rotated not in cluster.said("join") + cluster.said("steward")
