"""One layout, looked at from every side: what it survives, how likely it fails, what would be better."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from quorate.layout.advice import advise
from quorate.layout.bounds import Spread, as_spread
from quorate.layout.errors import LayoutError
from quorate.layout.goals import Goal, as_goal, meets
from quorate.layout.majority import quorum
from quorate.layout.probability import NODE_OUTAGE, unavailability
from quorate.layout.survival import Outage, Tolerance, failing_sets, outages, tolerance
from quorate.layout.zones import Zone, as_zones

FAILING_SHOWN = 200


class Check(NamedTuple):
    """All that is known of one layout.

    `failing`: the smallest sets of zones (names) whose loss takes the quorum, at most FAILING_SHOWN of them.
    `unavailability`: probability at an instant. `copies_safe`: managers whose disks may be destroyed at once
    without the loss of a committed write; `copies_safe_zones`: the same for whole zones.
    """

    layout: Spread
    zones: tuple[Zone, ...]
    quorum: int
    tolerates: Tolerance
    outages: tuple[Outage, ...]
    failing: tuple[tuple[str, ...], ...]
    unavailability: float
    goal: Goal
    meets_goal: bool
    advice: tuple[str, ...]

    @property
    def managers(self) -> int:
        return sum(self.layout)

    def to_json(self) -> dict[str, object]:
        return {
            "layout": list(self.layout),
            "zones": [zone.name for zone in self.zones],
            "managers": self.managers,
            "quorum": self.quorum,
            "tolerates": self.tolerates.to_json(),
            "outages": [outage.to_json() for outage in self.outages],
            "failing_zones": [list(names) for names in self.failing],
            "unavailability": float(self.unavailability),
            "goal": str(self.goal),
            "meets_goal": self.meets_goal,
            "advice": list(self.advice),
        }


def check(
    spread: Iterable[int],
    zones: Sequence[Zone] | Sequence[str] | None = None,
    goal: Goal | str = Goal.ZONE,
    node_outage: float = NODE_OUTAGE,
) -> Check:
    """`spread` against `goal`; zones are named a, b, c, … where not given. LayoutError for bad input."""
    checked = as_spread(spread)
    over = as_zones(len(checked) if zones is None else zones)
    if len(over) != len(checked):
        raise LayoutError(
            f"{len(over)} zones ({', '.join(zone.name for zone in over)}) for a layout over {len(checked)}: "
            f"give as many zones as the layout has numbers"
        )
    wanted = as_goal(goal)
    failing = tuple(
        tuple(over[zone].name for zone in chosen) for chosen in islice(failing_sets(checked), FAILING_SHOWN)
    )
    return Check(
        layout=checked,
        zones=over,
        quorum=quorum(sum(checked)),
        tolerates=tolerance(checked),
        outages=outages(checked),
        failing=failing,
        unavailability=unavailability(checked, [zone.outage for zone in over], node_outage),
        goal=wanted,
        meets_goal=meets(checked, wanted),
        advice=advise(checked, wanted),
    )
