"""Which spreads there are, and the best one of a number of managers over alike zones."""

from __future__ import annotations

from collections.abc import Iterator

from quorate.layout import bounds
from quorate.layout.bounds import Spread, text
from quorate.layout.errors import LayoutError
from quorate.layout.goals import Goal, as_goal, meets

ALTERNATIVES = 5


def even_spread(managers: int, zones: int) -> Spread:
    """`managers` as evenly as they go, the fuller zones first: 5 over 3 is 2,2,1.

    No spread of as many managers over as many alike zones survives the loss of more zones, or of a zone
    and more nodes: the k fullest zones never hold fewer than the k fullest of the even spread.
    """
    each, over = divmod(bounds.managers(managers), bounds.zones(zones))
    return tuple(each + (zone < over) for zone in range(zones))


def best_spread(managers: int, zones: int, goal: Goal | str) -> Spread:
    """The best spread of `managers` over `zones` alike zones; LayoutError where none meets `goal`."""
    wanted = as_goal(goal)
    spread = even_spread(managers, zones)
    if not meets(spread, wanted):
        near = " or ".join(_described(option) for option in alternatives(managers, zones, wanted)[:3])
        raise LayoutError(
            f"{managers} managers over {zones} zone{'s' * (zones != 1)}: no spread keeps its quorum through "
            f"the loss of {LOSSES[wanted]}. Use {near}"
        )
    return spread


def alternatives(managers: int, zones: int, goal: Goal | str) -> tuple[Spread, ...]:
    """The nearest spreads that meet `goal`: fewest zones and managers added or taken first, odd counts only.

    Of equally near ones the one with fewer zones, then with fewer managers, comes first.
    """
    bounds.managers(managers)
    bounds.zones(zones)
    wanted = as_goal(goal)
    found: list[Spread] = []
    for changes in range(bounds.MAX_MANAGERS + bounds.MAX_ZONES):
        for over in range(max(1, zones - changes), min(bounds.MAX_ZONES, zones + changes) + 1):
            by = changes - abs(over - zones)
            for count in sorted({managers - by, managers + by}):
                odd = count % 2 and 1 <= count <= bounds.MAX_MANAGERS
                if odd and (over <= count or over == zones) and meets(even_spread(count, over), wanted):
                    found.append(even_spread(count, over))
        if len(found) >= ALTERNATIVES:
            break
    return tuple(found[:ALTERNATIVES])


def partitions(managers: int, zones: int) -> Iterator[Spread]:
    """Every spread over alike zones once, the fuller zones first; zones may stay empty."""

    def parts(left: int, over: int, most: int) -> Iterator[Spread]:
        if over == 0:
            if left == 0:
                yield ()
            return
        for count in range(min(left, most), -(-left // over) - 1, -1):
            for rest in parts(left - count, over - 1, count):
                yield (count, *rest)

    return parts(bounds.managers(managers), bounds.zones(zones), managers)


LOSSES = {
    Goal.NONE: "nothing",
    Goal.NODE: "any one node",
    Goal.ZONE: "any one zone",
    Goal.ZONE_AND_NODE: "any one zone and one more node",
    Goal.TWO_ZONES: "any two zones",
}


def _described(spread: Spread) -> str:
    return f"{sum(spread)} over {len(spread)} ({text(spread)})"
