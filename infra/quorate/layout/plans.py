"""All layouts of some managers over some zones, the best ones first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from quorate.layout import bounds
from quorate.layout.checks import Check, check
from quorate.layout.goals import Goal, as_goal
from quorate.layout.probability import NODE_OUTAGE
from quorate.layout.ranking import best_layouts
from quorate.layout.zones import Zone, as_zones

TOP = 10


class Plan(NamedTuple):
    """The best layouts, best first: those that meet the goal, then by unavailability."""

    layouts: tuple[Check, ...]

    def to_json(self) -> dict[str, object]:
        return {"layouts": [layout.to_json() for layout in self.layouts]}


def plan(
    managers: int | Sequence[int],
    zones: int | Sequence[Zone] | Sequence[str],
    goal: Goal | str = Goal.ZONE,
    node_outage: float = NODE_OUTAGE,
    *,
    top: int = TOP,
    fewest_first: bool = False,
) -> Plan:
    """The `top` best layouts of `managers` (one count or several) over `zones`. LayoutError for bad input.

    `fewest_first`: of those that meet the goal the ones with fewer managers, which cost less, come first.
    """
    wanted = as_goal(goal)
    over = as_zones(zones)
    counts = [managers] if isinstance(managers, int) else list(managers)
    for count in counts:
        bounds.managers(count)
    bounds.probability(node_outage, "the outage of a node")
    ranked = best_layouts(
        counts,
        [zone.outage for zone in over],
        wanted,
        node_outage,
        top=top,
        fewest_first=fewest_first,
    )
    return Plan(tuple(check(spread, over, wanted, node_outage) for spread in ranked))
