"""What the planner accepts as input: the bounds, and one clear line for what is outside of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quorate.layout.errors import LayoutError

Spread = tuple[int, ...]
"""Managers per zone, in the order of the zones."""

MAX_MANAGERS = 99
MAX_ZONES = 16


def whole(value: object, what: str, low: int, high: int) -> int:
    """`value` as an int in low..high; LayoutError otherwise (True is no number here)."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise LayoutError(f"{what} is {value!r}: a whole number from {low} to {high} is needed")
    if not low <= value <= high:
        raise LayoutError(f"{what} is {_brief(value)}: the bound is {low} to {high}")
    return value


def managers(value: object) -> int:
    """A count of managers, 1 to MAX_MANAGERS."""
    return whole(value, "the count of managers", 1, MAX_MANAGERS)


def zones(value: object) -> int:
    """A count of zones, 1 to MAX_ZONES."""
    return whole(value, "the count of zones", 1, MAX_ZONES)


def as_spread(values: Iterable[int]) -> Spread:
    """`values` as a spread: whole numbers from 0, at most MAX_ZONES of them, 1 to MAX_MANAGERS in all."""
    spread = tuple(values)
    if _is_sound(spread):
        return spread
    zones(len(spread))
    for zone, count in enumerate(spread):
        whole(count, f"the count of managers in zone {zone}", 0, MAX_MANAGERS)
    whole(sum(spread), f"the count of managers in layout {text(spread)}", 1, MAX_MANAGERS)
    return spread


def _is_sound(spread: Spread) -> bool:
    """The common case at once: searches ask this a hundred thousand times."""
    return (
        0 < len(spread) <= MAX_ZONES
        and set(map(type, spread)) == {int}
        and min(spread) >= 0
        and 1 <= sum(spread) <= MAX_MANAGERS
    )


def probability(value: float, what: str) -> float:
    """`value` if it is a probability; LayoutError otherwise (also for nan)."""
    is_number = isinstance(value, int | float) or hasattr(value, "numerator")
    if isinstance(value, bool) or not is_number:
        raise LayoutError(f"{what} is {value!r}: a probability from 0 to 1 is needed")
    if not 0 <= value <= 1:
        raise LayoutError(f"{what} is {value!r}: a probability lies between 0 and 1")
    return value


def names(zone_names: Sequence[str], count: int) -> tuple[str, ...]:
    """`zone_names` checked: one for each of `count` zones, none empty, none twice."""
    given = tuple(zone_names)
    if len(given) != count:
        raise LayoutError(f"{len(given)} zone names for a layout over {count} zones: name each zone once")
    for name in given:
        if not name or given.count(name) > 1:
            raise LayoutError(f"zone name {name!r}: zone names must be unique and not empty")
    return given


def text(spread: Sequence[int]) -> str:
    """A spread as it is typed: 2,2,1."""
    return ",".join(str(count) for count in spread)


def _brief(value: int) -> str:
    digits = str(value) if abs(value) < 10**12 else f"about 10^{value.bit_length() * 301 // 1000}"
    return digits if value >= 0 or digits[0] == "-" else f"-{digits}"
