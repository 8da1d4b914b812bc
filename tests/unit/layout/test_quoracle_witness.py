"""quoracle (Whittaker et al., "Read-Write Quorum Systems Made Practical") answers the same question."""

from __future__ import annotations

from functools import reduce
from itertools import combinations
from operator import add, mul

import pytest
from quoracle import Node, QuorumSystem, choose

from quorate.layout import tolerance

pytestmark = pytest.mark.filterwarnings("ignore:PULP_CBC_CMD:DeprecationWarning")


def resilience_to_zones(spread):
    """Zones as quoracle's nodes: a read quorum is any set of zones that holds a majority."""
    names = [Node(f"zone{zone}") for zone in range(len(spread))]
    ways = [
        reduce(mul, [names[zone] for zone in chosen])
        for size in range(1, len(spread) + 1)
        for chosen in combinations(range(len(spread)), size)
        if 2 * sum(spread[zone] for zone in chosen) > sum(spread)
    ]
    return QuorumSystem(reads=reduce(add, ways)).read_resilience()


@pytest.mark.parametrize(
    "spread",
    [(1, 1, 1), (2, 2, 1), (3, 1, 1), (2, 1, 1), (3, 2, 2), (2, 2, 2, 1), (1, 1, 1, 1, 1), (2, 2, 1, 1, 1)],
)
def test_tolerated_zones_are_quoracles_resilience_over_zones(spread):
    assert tolerance(spread).zones == resilience_to_zones(spread)


@pytest.mark.parametrize("managers", range(1, 10))
def test_tolerated_nodes_are_quoracles_resilience_of_a_majority(managers):
    nodes = [Node(f"manager{m}") for m in range(managers)]
    assert (
        tolerance((managers,)).nodes == QuorumSystem(reads=choose(managers // 2 + 1, nodes)).read_resilience()
    )
