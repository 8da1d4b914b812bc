"""How a living swarm stands: what it tolerates by the members that answer, and what is next to fatal.

A quorum is a majority of all members, also of those that do not answer; what may still fail is counted over
those that do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from quorate.layout import bounds
from quorate.layout.bounds import Spread
from quorate.layout.errors import LayoutError
from quorate.layout.goals import Goal, as_goal, worst_loss
from quorate.layout.majority import quorum
from quorate.layout.survival import Tolerance

UNLABELLED = ""
"""The zone of a member without a zone label: it may stand anywhere, so each counts as in the worst zone."""


@dataclass(frozen=True)
class Member:
    """One manager; its zone is UNLABELLED where nobody knows it."""

    name: str
    zone: str
    reachable: bool
    leader: bool = False


@dataclass(frozen=True)
class Failure:
    """One thing that may fail next; `slack`: how many more may fail afterwards (negative: no quorum)."""

    kind: str
    name: str
    slack: int

    def to_json(self) -> dict[str, object]:
        return {"kind": self.kind, "name": self.name, "slack": self.slack, "fatal": self.slack < 0}


@dataclass(frozen=True)
class Difference:
    """A zone whose members are not as many as planned."""

    zone: str
    planned: int
    found: int

    def to_json(self) -> dict[str, object]:
        return {"zone": self.zone, "planned": self.planned, "found": self.found}


@dataclass(frozen=True)
class Standing:
    """A swarm now. `members` and `reachable` are per zone of `zones`; `lost`: zones assumed to be away.

    `tolerates` is None without a quorum. `failures`: every single failure of a node or a zone, the most
    dangerous first.
    """

    zones: tuple[str, ...]
    members: Spread
    reachable: Spread
    lost: tuple[str, ...]
    has_quorum: bool
    tolerates: Tolerance | None
    goal: Goal
    meets_goal: bool
    failures: tuple[Failure, ...]
    differences: tuple[Difference, ...]
    unlabelled: tuple[str, ...]
    unreachable: tuple[str, ...]

    @property
    def fatal(self) -> tuple[Failure, ...]:
        return tuple(failure for failure in self.failures if failure.slack < 0)

    def to_json(self) -> dict[str, object]:
        total = sum(self.members)
        return {
            "zones": list(self.zones),
            "layout": list(self.members),
            "reachable": list(self.reachable),
            "managers": total,
            "quorum": quorum(total),
            "zones_lost": list(self.lost),
            "has_quorum": self.has_quorum,
            "tolerates": self.tolerates.to_json() if self.tolerates else None,
            "goal": str(self.goal),
            "meets_goal": self.meets_goal,
            "failures": [failure.to_json() for failure in self.failures],
            "differences": [difference.to_json() for difference in self.differences],
            "unlabelled": list(self.unlabelled),
            "unreachable": list(self.unreachable),
        }


def stand(
    members: Sequence[Member],
    goal: Goal | str = Goal.ZONE,
    planned: Mapping[str, int] | None = None,
    zones_lost: Sequence[str] = (),
) -> Standing:
    """How `members` stand; `planned`: managers per zone; `zones_lost`: zones assumed to be away.

    Members without a zone label are counted as if they stood in whichever zone is lost. LayoutError for no
    member at all, and for a lost zone that nobody knows.
    """
    wanted = as_goal(goal)
    bounds.whole(len(members), "the count of managers", 1, bounds.MAX_MANAGERS)
    zones = tuple(sorted({member.zone for member in members if member.zone} | set(planned or ())))
    for zone in zones_lost:
        if zone not in zones:
            raise LayoutError(f"zone {zone!r} is unknown: this swarm knows {', '.join(zones) or 'no zone'}")
    held = tuple(sum(member.zone == zone for member in members) for zone in zones)
    up = tuple(
        0 if zone in zones_lost else sum(member.zone == zone and member.reachable for member in members)
        for zone in zones
    )
    adrift = sum(member.reachable for member in members if member.zone == UNLABELLED)
    slack = sum(up) + adrift - quorum(len(members))
    return Standing(
        zones=zones,
        members=held,
        reachable=up,
        lost=tuple(zones_lost),
        has_quorum=slack >= 0,
        tolerates=_tolerance(up, adrift, slack) if slack >= 0 else None,
        goal=wanted,
        meets_goal=_loss(up, adrift, wanted) <= slack,
        failures=_failures(members, zones, zones_lost, slack),
        differences=tuple(
            Difference(zone, planned.get(zone, 0), count)
            for zone, count in zip(zones, held, strict=True)
            if planned.get(zone, 0) != count
        )
        if planned is not None
        else (),
        unlabelled=tuple(member.name for member in members if member.zone == UNLABELLED),
        unreachable=tuple(member.name for member in members if not member.reachable),
    )


def _loss(up: Spread, adrift: int, goal: Goal) -> int:
    of_zones = goal in (Goal.ZONE, Goal.ZONE_AND_NODE, Goal.TWO_ZONES)
    return worst_loss(up or (0,), goal) + (adrift if of_zones else 0)


def _tolerance(up: Spread, adrift: int, slack: int) -> Tolerance:
    held = [count for count in sorted(up, reverse=True) if count]
    zones = sum(1 for lost in accumulate(held) if lost + adrift <= slack)
    return Tolerance(slack, zones, slack - held[0] - adrift if zones else 0)


def _failures(
    members: Sequence[Member], zones: Sequence[str], lost: Sequence[str], slack: int
) -> tuple[Failure, ...]:
    alive = [member for member in members if member.reachable and member.zone not in lost]
    of_zones = [
        Failure("zone", zone, slack - held)
        for zone in zones
        if (held := sum(member.zone in (zone, UNLABELLED) for member in alive))
    ]
    of_nodes = [Failure("node", member.name, slack - 1) for member in alive]
    return tuple(sorted([*of_zones, *of_nodes], key=lambda f: (f.slack, f.kind != "zone", f.name)))
