"""The best layouts out of all, without looking at each.

A layout ranks before another if it meets the goal and the other does not; then by the smaller
unavailability (to 12 digits); then by the zones it tolerates, a zone plus nodes, nodes; then by fewer
managers; then by the fuller zones first, in the order given. Zones with the same outage probability are
alike, and of the layouts that differ only by an exchange of alike zones the one with the fuller first stands
for all.

Zones are filled one by one, and a beginning is left as soon as no end of it can be among the best: the
managers still to be placed fail at least as often as they would with their zones always up.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import comb

from quorate.layout.bounds import Spread
from quorate.layout.goals import Goal, meets, worst_loss
from quorate.layout.probability import with_zone, zone_chances
from quorate.layout.quorum import quorum, tolerated_nodes
from quorate.layout.tolerance import tolerance

ROUNDING = 1 + 1e-9
Key = tuple[object, ...]


def best_layouts(
    counts: Iterable[int], outages: Sequence[float], goal: Goal, node_outage: float, top: int
) -> list[Spread]:
    """The `top` best spreads of any of `counts` managers over zones with these outage probabilities."""
    found: list[tuple[Key, Spread]] = []
    for meeting in (True, False):
        best = _Best(top - len(found))
        if best.room:
            for managers in dict.fromkeys(counts):
                _Search(managers, _Terms(outages, goal, node_outage, meeting), best).run()
            found += best.sorted()
    return [spread for _, spread in found]


def rank(spread: Spread, unavailability: float) -> Key:
    """The sort key within the layouts that meet a goal, or within those that do not: smaller is better."""
    held = tolerance(spread)
    return (
        float(f"{float(unavailability):.12g}"),
        -held.zones,
        -held.zone_plus_nodes,
        -held.nodes,
        sum(spread),
        tuple(-count for count in spread),
    )


@dataclass
class _Best:
    """The best so far, at most `room` of them."""

    room: int
    heap: list[tuple[_Reversed, Spread]] = field(default_factory=list)

    def limit(self) -> float:
        """No layout with a larger unavailability is wanted any more."""
        return float("inf") if len(self.heap) < self.room else self.heap[0][0].unavailability

    def offer(self, spread: Spread, unavailability: float) -> None:
        entry = (_Reversed(rank(spread, unavailability), unavailability), spread)
        if len(self.heap) < self.room:
            heapq.heappush(self.heap, entry)
        else:
            heapq.heappushpop(self.heap, entry)

    def sorted(self) -> list[tuple[Key, Spread]]:
        return sorted((entry.key, spread) for entry, spread in self.heap)


@dataclass(frozen=True)
class _Reversed:
    """Turns the order around: heapq keeps its smallest at hand, and the worst is what must be at hand."""

    key: Key
    unavailability: float

    def __lt__(self, other: _Reversed) -> bool:
        return self.key > other.key


@dataclass(frozen=True)
class _Terms:
    """What is searched for; `meeting`: layouts that meet the goal, or those that do not."""

    outages: Sequence[float]
    goal: Goal
    node_outage: float
    meeting: bool


class _Search:
    """One walk over the spreads of `managers`, zone by zone."""

    def __init__(self, managers: int, terms: _Terms, best: _Best) -> None:
        self.managers, self.best = managers, best
        self.goal, self.node_outage, self.meeting = terms.goal, terms.node_outage, terms.meeting
        outages, node_outage = terms.outages, terms.node_outage
        self.spare, self.quorum = tolerated_nodes(managers), quorum(managers)
        # alike zones side by side, so that only the fuller-first order among them is walked
        self.order = sorted(range(len(outages)), key=lambda zone: (outages[zone], zone))
        self.outages = [outages[zone] for zone in self.order]
        self.alike = [False, *(a == b for a, b in zip(self.outages, self.outages[1:], strict=False))]
        self.tails = [_tail_chances(left, node_outage) for left in range(managers + 1)]

    def run(self) -> None:
        self._fill((), [1.0], self.managers)

    def _fill(self, placed: Spread, chances: list[float], left: int) -> None:
        zone = len(placed)
        for count in self._counts(placed, left):
            spread = (*placed, count)
            if self.meeting and worst_loss(spread, self.goal) > self.spare:
                continue
            if zone + 1 == len(self.order):
                self._end(spread, chances)
                continue
            onward = with_zone(chances, count, self.outages[zone], self.node_outage)
            if self._bound(onward, left - count) <= self.best.limit() * ROUNDING:
                self._fill(spread, onward, left - count)

    def _counts(self, placed: Spread, left: int) -> Iterable[int]:
        zone = len(placed)
        most = min(left, placed[-1]) if self.alike[zone] else left
        alike_left = 1
        while zone + alike_left < len(self.order) and self.alike[zone + alike_left]:
            alike_left += 1
        last_group = zone + alike_left == len(self.order)
        least = -(-left // alike_left) if last_group else 0
        return range(least, most + 1)

    def _end(self, spread: Spread, chances: list[float]) -> None:
        given = tuple(spread[self.order.index(zone)] for zone in range(len(spread)))
        if meets(given, self.goal) != self.meeting:
            return
        share = zone_chances(spread[-1], self.outages[-1], self.node_outage)
        below = [0.0, *accumulate(chances)]
        total = sum(
            chance * below[min(max(self.quorum - up, 0), len(chances))] for up, chance in enumerate(share)
        )
        if total <= self.best.limit() * ROUNDING:
            self.best.offer(given, total)

    def _bound(self, chances: list[float], left: int) -> float:
        """No end of this beginning has a smaller unavailability."""
        tail = self.tails[left]
        return sum(
            chance * tail[min(self.quorum - up, left + 1)]
            for up, chance in enumerate(chances)
            if up < self.quorum
        )


def _tail_chances(count: int, node_outage: float) -> list[float]:
    """tail[k]: the chance that fewer than k of `count` nodes answer, their zones being up."""
    up = 1 - node_outage
    chances = [comb(count, k) * up**k * node_outage ** (count - k) for k in range(count + 1)]
    return [0.0, *accumulate(chances)]
