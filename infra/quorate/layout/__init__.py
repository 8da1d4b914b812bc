"""The pure mathematics of managers over zones: what survives, what is best, what may change.

It imports nothing but the standard library and reads nothing from outside. `LayoutError` says what is wrong
with an input in one line.
"""

from quorate.layout.bounds import MAX_MANAGERS, MAX_ZONES, Spread, as_spread
from quorate.layout.checks import Check, check
from quorate.layout.errors import LayoutError
from quorate.layout.gate import Verdict, ZoneView, admit, gate, holds
from quorate.layout.goals import Goal, as_goal, catch_up_safe, meets
from quorate.layout.plans import Plan, plan
from quorate.layout.probability import NODE_OUTAGE, ZONE_OUTAGE, unavailability
from quorate.layout.quorum import quorum, survives, tolerated_nodes
from quorate.layout.slots import Slot, slots
from quorate.layout.spreads import alternatives, best_spread, even_spread
from quorate.layout.tolerance import Outage, Tolerance, failing_sets, outages, tolerance
from quorate.layout.zones import Zone, as_zones

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
