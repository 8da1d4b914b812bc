"""The best layouts out of all, without looking at each.

A layout ranks by its distance from the goal first (0 where it meets it; else the managers that the loss
named by the goal takes too many), then by unavailability (to 12 digits), by the zones it tolerates, a zone
plus nodes, nodes, by fewer managers, and last by the fuller zones first, in the order given. Zones with the
same outage probability are alike, and of the layouts that differ only by an exchange of alike zones the one
with the fuller first stands for all.

Zones are filled one by one, and a beginning is left as soon as no end of it can be among the best: the
managers still to be placed fail at least as often as they would with their zones always up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from quorate.layout.bounds import Spread
from quorate.layout.goals import Goal, worst_loss
from quorate.layout.majority import quorum, tolerated_nodes
from quorate.layout.probability import with_zone, zone_chances
from quorate.layout.survival import tolerance

ROUNDING = 1 + 1e-9

Key = tuple[float, int, int, int, int, tuple[int, ...]]
"""Compares layouts equally far from the goal: the smaller is the better one."""


def best_layouts(
    counts: Iterable[int],
    outages: Sequence[float],
    goal: Goal,
    node_outage: float,
    *,
    top: int,
    fewest_first: bool = False,
) -> list[Spread]:
    """The `top` best spreads of any of `counts` managers over zones with these outage probabilities.

    `fewest_first`: among those equally far from the goal fewer managers, which cost less, rank first.
    """
    found: list[Spread] = []
    wanted = list(dict.fromkeys(counts))
    for distance in range(max(wanted) + 2):
        terms = _Terms(outages, goal, node_outage, distance)
        for together in ([count] for count in sorted(wanted)) if fewest_first else [wanted]:
            if len(found) < top:
                best = _Best(top - len(found))
                for managers in together:
                    _Search(managers, terms, best).run()
                found += [spread for _, spread in best.kept]
    return found


def rank(spread: Spread, unavailability: float) -> Key:
    """The key of one spread."""
    held = tolerance(spread)
    return (
        float(f"{float(unavailability):.12g}"),
        -held.zones,
        -held.zone_plus_nodes,
        -held.nodes,
        sum(spread),
        tuple(-count for count in spread),
    )


class _Best:
    """The best so far, at most `room` of them."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.kept: list[tuple[Key, Spread]] = []
        self.limit = float("inf")
        """No layout with a larger unavailability is wanted any more."""

    def offer(self, spread: Spread, unavailability: float) -> None:
        self.kept.append((rank(spread, unavailability), spread))
        self.kept.sort()
        del self.kept[self.room :]
        if len(self.kept) == self.room:
            self.limit = self.kept[-1][0][0] * ROUNDING


class _Terms:
    """What is searched for: layouts exactly `distance` managers away from meeting the goal."""

    def __init__(self, outages: Sequence[float], goal: Goal, node_outage: float, distance: int) -> None:
        self.outages, self.goal, self.node_outage = outages, goal, node_outage
        self.distance = distance


class _Search:
    """One walk over the spreads of `managers`, zone by zone."""

    def __init__(self, managers: int, terms: _Terms, best: _Best) -> None:
        self.managers, self.best = managers, best
        self.goal, self.node_outage = terms.goal, terms.node_outage
        outages, node_outage = terms.outages, terms.node_outage
        self.quorum = quorum(managers)
        self.worst_loss, self.meeting = tolerated_nodes(managers) + terms.distance, terms.distance == 0
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
            loss = worst_loss(spread, self.goal)
            if loss > self.worst_loss or (not self.meeting and loss + left - count < self.worst_loss):
                continue
            if zone + 1 == len(self.order):
                self._end(spread, chances)
                continue
            onward = with_zone(chances, count, self.outages[zone], self.node_outage)
            if self._bound(onward, left - count) <= self.best.limit:
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
        if not self.meeting and worst_loss(given, self.goal) < self.worst_loss:
            return
        share = zone_chances(spread[-1], self.outages[-1], self.node_outage)
        below = [0.0, *accumulate(chances)]
        total = sum(
            chance * below[min(max(self.quorum - up, 0), len(chances))] for up, chance in enumerate(share)
        )
        if total <= self.best.limit:
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
    return [0.0, *accumulate(zone_chances(count, 0.0, node_outage))]
