"""The zones that a layout is planned over: a name and a chance of being out for each.

What a check is made of are named tuples and no dataclasses: importing those takes as long as starting Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from quorate.layout import bounds
from quorate.layout.probability import ZONE_OUTAGE


class Zone(NamedTuple):
    """One zone; `outage`: the probability that it is out at an instant."""

    name: str
    outage: float = ZONE_OUTAGE


def as_zones(zones: int | Sequence[Zone] | Sequence[str], outage: float = ZONE_OUTAGE) -> tuple[Zone, ...]:
    """Zones from a count (named a, b, c, …), from names, or as they are; LayoutError for doubles."""
    if isinstance(zones, int):
        bounds.zones(zones)
        return tuple(Zone(chr(ord("a") + index), outage) for index in range(zones))
    made = tuple(zone if isinstance(zone, Zone) else Zone(zone, outage) for zone in zones)
    bounds.zones(len(made))
    bounds.names([zone.name for zone in made], len(made))
    for zone in made:
        bounds.probability(zone.outage, f"the outage of zone {zone.name!r}")
    return made
