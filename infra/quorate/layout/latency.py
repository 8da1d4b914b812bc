"""How long a commit takes: the leader waits for the nearest managers that make a quorum with itself.

Only round trips are counted, from the leader to each other manager; disks and CPUs come on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quorate.layout import bounds
from quorate.layout.bounds import Spread, as_spread
from quorate.layout.errors import LayoutError
from quorate.layout.majority import quorum

Matrix = Sequence[Sequence[float]]
"""Round trips in milliseconds; row: the leader's zone, column: the other manager's."""


@dataclass(frozen=True)
class LeaderLatency:
    """Commit latency in milliseconds with the leader in `zone` (an index).

    `whole`: with every manager there; `without`: with each zone lost, None where no quorum is left, or the
    leader's own zone is the one that is lost.
    """

    zone: int
    whole: float
    without: tuple[float | None, ...]


def commit_latency(spread: Spread, round_trips: Matrix) -> tuple[LeaderLatency, ...]:
    """The latency for each zone that holds a manager and so may hold the leader."""
    checked = as_spread(spread)
    matrix = as_matrix(round_trips, len(checked))
    found = []
    for zone, count in enumerate(checked):
        if not count:
            continue
        whole = _latency(checked, matrix[zone], zone, None)
        without = tuple(
            None if lost == zone else _latency(checked, matrix[zone], zone, lost)
            for lost in range(len(checked))
        )
        # a leader with every manager there always finds a quorum
        found.append(LeaderLatency(zone, whole if whole is not None else 0.0, without))
    return tuple(found)


def as_matrix(rows: Matrix, zones: int) -> Matrix:
    """`rows` if it is a matrix of `zones` x `zones` times; LayoutError otherwise."""
    if len(rows) != zones or any(len(row) != zones for row in rows):
        shape = f"{len(rows)} rows of {', '.join(str(len(row)) for row in rows)}"
        raise LayoutError(f"round trips: {shape}: {zones} zones need {zones} rows of {zones} numbers")
    for a, row in enumerate(rows):
        for b, time in enumerate(row):
            number = isinstance(time, int | float) and not isinstance(time, bool)
            if not number or not 0 <= time < float("inf"):
                raise LayoutError(
                    f"the round trip from zone {a} to zone {b} is {time!r}: milliseconds from 0 are needed"
                )
    return rows


def _latency(spread: Spread, times: Sequence[float], leader: int, lost: int | None) -> float | None:
    """The time until the last of the nearest quorum has answered; the leader's own copy takes none."""
    others = [
        times[zone]
        for zone, count in enumerate(spread)
        if zone != lost
        for _ in range(count - (zone == leader))
    ]
    needed = quorum(sum(spread)) - 1
    if needed > len(others):
        return None
    return sorted(others)[needed - 1] if needed else 0.0


def worst(latencies: Sequence[LeaderLatency]) -> float:
    """The slowest leader's latency with every manager there."""
    bounds.whole(len(latencies), "the count of leaders' zones", 1, bounds.MAX_ZONES)
    return max(latency.whole for latency in latencies)
