"""What a cluster promises to survive, in the words that settings, plans and commands share."""

from __future__ import annotations

import enum

from quorate.layout.bounds import Spread, as_spread
from quorate.layout.errors import LayoutError
from quorate.layout.majority import tolerated_nodes


class Goal(enum.StrEnum):
    """The loss after which the rest must still be a quorum, whichever zone or node it is."""

    NONE = "none"
    NODE = "node"
    ZONE = "zone"
    ZONE_AND_NODE = "zone+node"
    TWO_ZONES = "2-zones"


def as_goal(value: str) -> Goal:
    """The goal of that name; LayoutError names the ones there are."""
    try:
        return Goal(value)
    except ValueError:
        raise LayoutError(f"goal {value!r} is unknown: use one of {', '.join(Goal)}") from None


def worst_loss(spread: Spread, goal: Goal) -> int:
    """The most managers that a loss of the kind `goal` names can take from `spread`."""
    largest = sorted(spread, reverse=True)
    match goal:
        case Goal.NONE:
            return 0
        case Goal.NODE:
            return 1
        case Goal.ZONE:
            return largest[0]
        case Goal.ZONE_AND_NODE:
            return largest[0] + 1
        case Goal.TWO_ZONES:
            return sum(largest[:2])


def meets(spread: Spread, goal: Goal | str) -> bool:
    """Whether `spread` keeps its quorum through every loss that `goal` names."""
    checked = as_spread(spread)
    return worst_loss(checked, as_goal(goal)) <= tolerated_nodes(sum(checked))


def catch_up_safe(before: Spread, goal: Goal | str) -> bool:
    """Whether one more manager, anywhere, may be added to `before` at no risk while it catches up.

    A member counts from the moment it is added but holds no log yet, so it is taken as lost beside
    everything that `goal` names.
    """
    checked = as_spread(before)
    return worst_loss(checked, as_goal(goal)) + 1 <= tolerated_nodes(sum(checked) + 1)
