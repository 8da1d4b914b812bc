"""The pure mathematics of managers over zones: what survives, what is best, what may change.

It imports nothing but the standard library and reads nothing from outside. `LayoutError` says what is wrong
with an input in one line. A name's module is imported when the name is first used, since the planner must
answer as fast as Python starts.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from quorate.layout.bounds import MAX_MANAGERS, MAX_ZONES, Spread, as_spread
    from quorate.layout.checks import Check, check
    from quorate.layout.errors import LayoutError
    from quorate.layout.goals import Goal, as_goal, catch_up_safe, meets
    from quorate.layout.majority import quorum, survives, tolerated_nodes
    from quorate.layout.membership import Verdict, ZoneView, admit, gate, holds
    from quorate.layout.places import Slot, slots
    from quorate.layout.plans import Plan, plan
    from quorate.layout.probability import NODE_OUTAGE, ZONE_OUTAGE, unavailability
    from quorate.layout.spreads import alternatives, best_spread, even_spread
    from quorate.layout.survival import Outage, Tolerance, failing_sets, outages, tolerance
    from quorate.layout.zones import Zone, as_zones

_NAMES = {
    "bounds": ("MAX_MANAGERS", "MAX_ZONES", "Spread", "as_spread"),
    "checks": ("Check", "check"),
    "errors": ("LayoutError",),
    "goals": ("Goal", "as_goal", "catch_up_safe", "meets"),
    "majority": ("quorum", "survives", "tolerated_nodes"),
    "membership": ("Verdict", "ZoneView", "admit", "gate", "holds"),
    "places": ("Slot", "slots"),
    "plans": ("Plan", "plan"),
    "probability": ("NODE_OUTAGE", "ZONE_OUTAGE", "unavailability"),
    "spreads": ("alternatives", "best_spread", "even_spread"),
    "survival": ("Outage", "Tolerance", "failing_sets", "outages", "tolerance"),
    "zones": ("Zone", "as_zones"),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "MAX_MANAGERS",
    "MAX_ZONES",
    "NODE_OUTAGE",
    "ZONE_OUTAGE",
    "Check",
    "Goal",
    "LayoutError",
    "Outage",
    "Plan",
    "Slot",
    "Spread",
    "Tolerance",
    "Verdict",
    "Zone",
    "ZoneView",
    "admit",
    "alternatives",
    "as_goal",
    "as_spread",
    "as_zones",
    "best_spread",
    "catch_up_safe",
    "check",
    "even_spread",
    "failing_sets",
    "gate",
    "holds",
    "meets",
    "outages",
    "plan",
    "quorum",
    "slots",
    "survives",
    "tolerance",
    "tolerated_nodes",
    "unavailability",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
