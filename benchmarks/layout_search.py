"""The planner's searches: beside quoracle answering the same question, and against one second each.

PYTHONPATH=infra .venv/bin/python benchmarks/layout_search.py
"""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from itertools import combinations, product
from operator import add, mul

from quoracle import Node, QuorumSystem

from pairs import HEAD, Figure, paired
from quorate.layout import Zone, plan, tolerance
from quorate.layout.moves import plan_move

SAMPLE = 100
"""quoracle answers for every SAMPLE-th layout; its time is taken times SAMPLE."""


def spreads() -> Iterator[tuple[int, ...]]:
    """Every layout of 1 to 9 managers over 1 to 6 zones that differ."""
    for zones in range(1, 7):
        for counts in product(range(10), repeat=zones):
            if 1 <= sum(counts) <= 9:
                yield counts


def all_plans() -> float:
    """The best layouts, of all there are, of every N <= 9 over Z <= 6 zones with outages of their own."""
    start = time.perf_counter()
    for zones in range(1, 7):
        named = [Zone(f"z{zone}", 0.0001 * (zone + 1)) for zone in range(zones)]
        for managers in range(1, 10):
            plan(managers, named)
    return time.perf_counter() - start


def resilience(spread: Sequence[int]) -> int:
    """Zones that may be lost, by quoracle: a read quorum is a set of zones that holds a majority."""
    nodes = [Node(f"z{zone}") for zone in range(len(spread))]
    ways = [
        reduce(mul, [nodes[zone] for zone in chosen])
        for size in range(1, len(spread) + 1)
        for chosen in combinations(range(len(spread)), size)
        if 2 * sum(spread[zone] for zone in chosen) > sum(spread)
        # only the smallest such sets: the larger ones say nothing more and cost quoracle more
        and all(2 * sum(spread[z] for z in chosen if z != left) <= sum(spread) for left in chosen)
    ]
    return int(QuorumSystem(reads=reduce(add, ways)).read_resilience())


def all_tolerances() -> float:
    """The very number that quoracle gives, for as many layouts."""
    start = time.perf_counter()
    for spread in spreads():
        tolerance(spread)
    return time.perf_counter() - start


def by_quoracle() -> float:
    start = time.perf_counter()
    for spread in list(spreads())[::SAMPLE]:
        resilience(spread)
    return (time.perf_counter() - start) * SAMPLE


def layouts_of_51() -> float:
    start = time.process_time()
    assert len(plan(51, 12, top=10).layouts) == 10
    return time.process_time() - start


def moves(**options: object) -> Callable[[], float]:
    """The slowest of some moves between random layouts of up to 9 managers, 5 zones; the same each run."""

    def slowest() -> float:
        chance = random.Random(9)
        times = []
        for _ in range(20):
            start_layout, end_layout = (_random_layout(chance) for _ in range(2))
            start = time.process_time()
            plan_move(start_layout, end_layout, max_managers=9, **options)  # type: ignore[arg-type]
            times.append(time.process_time() - start)
        return max(times)

    return slowest


def _random_layout(chance: random.Random) -> tuple[int, ...]:
    zones = [chance.randrange(5) for _ in range(chance.choice((5, 7, 9)))]
    return tuple(zones.count(zone) for zone in range(5))


def one_second() -> float:
    return 1.0


def figures() -> list[Figure]:
    """The rows for docs/benchmarks.md."""
    warnings.simplefilter("ignore", DeprecationWarning)
    return [
        paired(
            "plans of every N <= 9 over Z <= 6 zones / quoracle's resilience of each layout",
            0.01,
            all_plans,
            by_quoracle,
            3,
        ),
        paired(
            "tolerance of each of these 8001 layouts / quoracle's resilience of each",
            0.01,
            all_tolerances,
            by_quoracle,
            3,
        ),
        paired(
            "the best ten of 51 managers over 12 alike zones / one CPU second",
            1,
            layouts_of_51,
            one_second,
            5,
        ),
        paired("slowest of 20 moves within 9 managers, 5 zones / one CPU second", 1, moves(), one_second, 5),
        paired("the same with a spare zone / one CPU second", 1, moves(spare_zone=True), one_second, 5),
        paired("the same replacing everybody / one CPU second", 1, moves(replaced=range(5)), one_second, 5),
    ]


if __name__ == "__main__":
    print(HEAD)
    for figure in figures():
        print(figure.row(), flush=True)
