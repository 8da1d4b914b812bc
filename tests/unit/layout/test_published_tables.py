"""The tables that Docker, etcd and Raft publish, as they stand in their documents."""

from __future__ import annotations

import pytest

from quorate.layout import best_spread, even_spread, quorum, tolerance, tolerated_nodes

# https://docs.docker.com/engine/swarm/admin_guide/#maintain-the-quorum-of-managers
DOCKER = [(1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2), (6, 4, 2), (7, 4, 3), (8, 5, 3), (9, 5, 4)]

# https://etcd.io/docs/v3.5/faq/#what-is-failure-tolerance
ETCD = [(1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2), (6, 4, 2), (7, 4, 3), (8, 5, 3), (9, 5, 4)]

# https://docs.docker.com/engine/swarm/admin_guide/#distribute-manager-nodes
DOCKER_OVER_THREE_ZONES = [(3, (1, 1, 1)), (5, (2, 2, 1)), (7, (3, 2, 2)), (9, (3, 3, 3))]


@pytest.mark.parametrize(("managers", "majority", "tolerated"), sorted({*DOCKER, *ETCD}))
def test_majority_and_fault_tolerance_are_those_of_docker_and_etcd(managers, majority, tolerated):
    assert (quorum(managers), tolerated_nodes(managers)) == (majority, tolerated)


@pytest.mark.parametrize(("managers", "spread"), DOCKER_OVER_THREE_ZONES)
def test_the_spread_over_three_zones_is_the_one_that_docker_recommends(managers, spread):
    assert best_spread(managers, 3, "zone") == spread


def test_a_raft_cluster_of_five_tolerates_two_failures():
    # Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", section 5.1
    assert tolerance(even_spread(5, 5)).nodes == 2
