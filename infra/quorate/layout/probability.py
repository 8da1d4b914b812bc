"""How likely it is that no quorum stands, exactly: zones and nodes fail independently of one another.

A node answers if its zone and itself do. The chance of each number of answering managers is built zone by
zone, so the work grows with managers² x zones and not with the 2^(managers + zones) outages it sums up.
All terms are positive: a tiny result is as precise as a large one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from quorate.layout import bounds
from quorate.layout.bounds import Spread, as_spread
from quorate.layout.errors import LayoutError
from quorate.layout.majority import quorum

ZONE_OUTAGE = 0.0001
NODE_OUTAGE = 0.005


def unavailability(
    spread: Spread, zone_outages: Sequence[float] | None = None, node_outage: float = NODE_OUTAGE
) -> float:
    """The probability, at an instant, that fewer managers answer than a quorum needs.

    `zone_outages`: one per zone, ZONE_OUTAGE where not given. Computed in the numbers it is given: floats,
    or `fractions.Fraction` for an exact fraction.
    """
    checked = as_spread(spread)
    outages = [ZONE_OUTAGE] * len(checked) if zone_outages is None else list(zone_outages)
    if len(outages) != len(checked):
        raise LayoutError(f"{len(outages)} zone outages for {len(checked)} zones: give one for each zone")
    for zone, outage in enumerate(outages):
        bounds.probability(outage, f"the outage of zone {zone}")
    bounds.probability(node_outage, "the outage of a node")
    chances: list[float] = [1]
    for count, outage in zip(checked, outages, strict=True):
        chances = with_zone(chances, count, outage, node_outage)
    return sum(chances[: quorum(sum(checked))])


def with_zone(chances: Sequence[float], count: int, outage: float, node_outage: float) -> list[float]:
    """The chance of each number of answering managers once a zone of `count` managers is added."""
    answering = zone_chances(count, outage, node_outage)
    total = [0 * outage] * (len(chances) + count)
    for up, chance in enumerate(chances):
        for more, share in enumerate(answering):
            total[up + more] += chance * share
    return total


@lru_cache(maxsize=4096, typed=True)
def zone_chances(count: int, outage: float, node_outage: float) -> tuple[float, ...]:
    """The chance that 0, 1, … `count` managers of one zone answer."""
    chances: list[float] = [1 - outage]
    for _ in range(count):
        down = [chance * node_outage for chance in chances]
        up = [chance * (1 - node_outage) for chance in chances]
        chances = [a + b for a, b in zip([*down, 0], [0, *up], strict=True)]
    chances[0] += outage
    return tuple(chances)
