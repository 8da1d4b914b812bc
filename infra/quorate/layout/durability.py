"""Whether a committed write outlives destruction, which is another question than whether a quorum stands.

A write is committed once a quorum holds it on disk. What is destroyed for good may be every manager that
holds it as soon as a quorum's worth of managers is destroyed, and not before. An even count holds each write
once more than the odd one below it: four managers tolerate one lost, and keep every write through two.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from quorate.layout import bounds
from quorate.layout.bounds import Spread, as_spread
from quorate.layout.errors import LayoutError
from quorate.layout.majority import quorum
from quorate.layout.probability import with_zone


class Durability(NamedTuple):
    """`copies`: managers that hold a committed write for certain. `nodes`, `zones`: that many may be
    destroyed, whichever they are, and no committed write is lost. `last_copy_zones`: zones that may be
    destroyed and some copy of the state, perhaps an old one, is left to start again from.
    """

    copies: int
    nodes: int
    zones: int
    last_copy_zones: int

    def to_json(self) -> dict[str, int]:
        return {
            "copies": self.copies,
            "nodes": self.nodes,
            "zones": self.zones,
            "last_copy_zones": self.last_copy_zones,
        }


def durability(spread: Spread) -> Durability:
    """How much destruction every committed write of `spread` outlives."""
    checked = as_spread(spread)
    copies = quorum(sum(checked))
    fullest = sorted((count for count in checked if count), reverse=True)
    zones = sum(1 for destroyed in accumulate(fullest) if destroyed < copies)
    return Durability(copies, copies - 1, zones, len(fullest) - 1)


def loss_probability(spread: Spread, zone_losses: Sequence[float], node_loss: float) -> float:
    """The probability that a committed write may be lost: a quorum's worth of managers destroyed for good.

    The chances are those of a zone, and of a node by itself, being destroyed in the period looked at.
    """
    checked = as_spread(spread)
    if len(zone_losses) != len(checked):
        raise LayoutError(f"{len(zone_losses)} chances for {len(checked)} zones: give one for each zone")
    for zone, loss in enumerate(zone_losses):
        bounds.probability(loss, f"the loss of zone {zone}")
    bounds.probability(node_loss, "the loss of a node")
    chances: list[float] = [1]
    for count, loss in zip(checked, zone_losses, strict=True):
        chances = with_zone(chances, count, loss, node_loss)
    managers = sum(checked)
    return sum(chances[: managers - quorum(managers) + 1])
