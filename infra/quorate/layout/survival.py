"""What a spread survives: any nodes, any zones, any zone and then some nodes; every outage counted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from quorate.layout.bounds import Spread, as_spread
from quorate.layout.majority import tolerated_nodes


class Tolerance(NamedTuple):
    """How many may be lost, whichever they are.

    `zone_plus_nodes`: managers that may fail on top of any one lost zone; 0 too where `zones` is 0.
    """

    nodes: int
    zones: int
    zone_plus_nodes: int

    def to_json(self) -> dict[str, int]:
        return {"nodes": self.nodes, "zones": self.zones, "zone_plus_nodes": self.zone_plus_nodes}


class Outage(NamedTuple):
    """Of all `total` ways to lose `zones_lost` zones at once, `survived` leave a quorum."""

    zones_lost: int
    survived: int
    total: int

    def to_json(self) -> dict[str, int]:
        return {"zones_lost": self.zones_lost, "survived": self.survived, "total": self.total}


def tolerance(spread: Spread) -> Tolerance:
    """The tolerance of `spread`: the worst choice of that many nodes or zones is always the one counted."""
    checked = as_spread(spread)
    nodes = tolerated_nodes(sum(checked))
    largest_first = sorted(checked, reverse=True)
    zones = sum(1 for lost in itertools.accumulate(largest_first) if lost <= nodes)
    return Tolerance(nodes, zones, nodes - largest_first[0] if zones else 0)


def outages(spread: Spread) -> tuple[Outage, ...]:
    """For 1, 2, … all zones lost: how many choices of zones the quorum survives."""
    checked = as_spread(spread)
    too_many = tolerated_nodes(sum(checked)) + 1
    # ways[k][m]: choices of k zones that hold m managers together, or too many
    ways = [[1] + [0] * too_many]
    for count in checked:
        ways.append([0] * (too_many + 1))
        for lost in range(len(ways) - 1, 0, -1):
            for held, choices in enumerate(ways[lost - 1]):
                ways[lost][min(held + count, too_many)] += choices
    return tuple(Outage(lost, sum(row[:too_many]), sum(row)) for lost, row in enumerate(ways) if lost)


def failing_sets(spread: Spread) -> Iterator[tuple[int, ...]]:
    """The smallest sets of zones (by index) whose loss takes the quorum: fewest zones first.

    Every larger set that contains one of them fails too, and no other set does.
    """
    checked = as_spread(spread)
    spare = tolerated_nodes(sum(checked))
    held = [zone for zone, count in enumerate(checked) if count]
    for size in range(1, len(held) + 1):
        for chosen in itertools.combinations(held, size):
            lost = sum(checked[zone] for zone in chosen)
            if lost > spare >= lost - min(checked[zone] for zone in chosen):
                yield chosen
