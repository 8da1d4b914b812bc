"""The places of managers, by name: one slot holds one manager, in one zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quorate.layout import bounds
from quorate.layout.bounds import Spread, as_spread


@dataclass(frozen=True)
class Slot:
    """One manager's place: `manager-<zone id>-<index>`, index from 1 within the zone."""

    name: str
    zone: str
    index: int


def slots(zones: Sequence[str], spread: Spread) -> tuple[Slot, ...]:
    """The slots of `spread` over `zones` (zone ids), zone by zone.

    A spread that grows by one manager adds exactly one name, and one that shrinks drops the last.
    """
    checked = as_spread(spread)
    named = bounds.names(zones, len(checked))
    return tuple(
        Slot(f"manager-{zone}-{index}", zone, index)
        for zone, count in zip(named, checked, strict=True)
        for index in range(1, count + 1)
    )
