"""What Auto Scaling picks: a subnet, an instance type, an instance to end. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any


@dataclass(frozen=True)
class Place:
    """A subnet of a group."""

    subnet_id: str
    zone: str
    zone_id: str


@dataclass(frozen=True)
class Candidate:
    """An instance that scale-in may end. `launched` orders by age, `version` is its template's."""

    instance_id: str
    zone: str
    launched: int
    version: int
    protected: bool = False


@dataclass(frozen=True)
class Purchase:
    """What to launch; None leaves the type to the launch template."""

    instance_type: str | None = None
    spot: bool = False
    template: Mapping[str, str] | None = None


def place(places: Sequence[Place], zones_in_use: Sequence[str], closed: Collection[str]) -> Place | None:
    """The subnet whose zone has the fewest of the group's instances; None when every zone is closed.

    "Distribute instances across Availability Zones": a zone that fails is passed over for another.
    """
    filled = Counter(zones_in_use)
    free = [p for p in places if p.zone_id not in closed]
    return min(free, key=lambda p: filled[p.zone], default=None)


def victims(candidates: Sequence[Candidate], count: int, policies: Sequence[str]) -> tuple[str, ...]:
    """The instances that a scale-in by `count` ends; fewer when protection leaves no more.

    "Termination policies for Amazon EC2 Auto Scaling": first the zone with most instances, there by the first
    policy; the default is the oldest launch template, then age.
    """
    left = list(candidates)
    gone: list[str] = []
    while len(gone) < count:
        filled = Counter(c.zone for c in left)
        free = [c for c in left if not c.protected]
        if not free:
            break
        most = max(filled[c.zone] for c in free)
        chosen = min((c for c in free if filled[c.zone] == most), key=_order(policies))
        left.remove(chosen)
        gone.append(chosen.instance_id)
    return tuple(gone)


def _order(policies: Sequence[str]) -> Any:
    match policies[0] if policies else "Default":
        case "NewestInstance":
            return lambda c: -c.launched
        case "OldestInstance" | "ClosestToNextInstanceHour":
            return lambda c: c.launched
        case _:
            return lambda c: (c.version, c.launched)


def purchase(policy: Mapping[str, Any] | None, on_demand: int, spot: int) -> Purchase:
    """What the next instance of a group is, given how many of each it has.

    "Auto Scaling groups with multiple instance types and purchase options": the base capacity is on demand,
    above it the percentage. On demand takes the first override, spot each in turn.
    """
    if not policy:
        return Purchase()
    distribution = policy.get("InstancesDistribution") or {}
    base = int(distribution.get("OnDemandBaseCapacity") or 0)
    share = distribution.get("OnDemandPercentageAboveBaseCapacity")
    percentage = 100 if share is None else int(share)
    total = on_demand + spot + 1
    wanted = min(total, base) + ceil(max(0, total - base) * percentage / 100)
    as_spot = on_demand >= wanted
    overrides = (policy.get("LaunchTemplate") or {}).get("Overrides") or [{}]
    override = overrides[spot % len(overrides)] if as_spot else overrides[0]
    return Purchase(override.get("InstanceType"), as_spot, override.get("LaunchTemplateSpecification"))
