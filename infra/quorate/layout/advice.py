"""What a person who holds this layout should hear: the cases that people get wrong."""

from __future__ import annotations

from quorate.layout.bounds import Spread, text
from quorate.layout.goals import Goal, meets
from quorate.layout.majority import tolerated_nodes
from quorate.layout.spreads import LOSSES, alternatives, even_spread
from quorate.layout.survival import tolerance

DOCKER_MAXIMUM = 7
"""Docker recommends at most seven managers (https://docs.docker.com/engine/swarm/admin_guide/)."""


def advise(spread: Spread, goal: Goal) -> tuple[str, ...]:
    """Lines of advice, the most pressing first; empty where there is nothing to say."""
    lines = [*_unmet(spread, goal), *_even_count(spread), *_better_with_fewer(spread), *_too_many(spread)]
    return tuple(dict.fromkeys(lines))


def _unmet(spread: Spread, goal: Goal) -> list[str]:
    if meets(spread, goal):
        return []
    managers, zones = sum(spread), len(spread)
    even = even_spread(managers, zones)
    if meets(even, goal):
        return [f"the same {managers} managers as {text(even)} survive the loss of {LOSSES[goal]}"]
    near = " or ".join(
        f"{sum(other)} over {len(other)} ({text(other)})" for other in alternatives(managers, zones, goal)[:3]
    )
    return [f"no spread of {managers} over {zones} survives the loss of {LOSSES[goal]}: use {near}"]


def _even_count(spread: Spread) -> list[str]:
    managers = sum(spread)
    if managers % 2:
        return []
    fewer = managers - 1
    return [
        f"{managers} managers tolerate {tolerated_nodes(managers)} lost, no more than {fewer} do: "
        f"use {fewer} ({text(even_spread(fewer, len(spread)))})"
    ]


def _better_with_fewer(spread: Spread) -> list[str]:
    managers, zones = sum(spread), len(spread)
    survived = tolerance(even_spread(managers, zones)).zones
    for fewer in range(1, managers):
        better = even_spread(fewer, zones)
        if fewer % 2 and tolerance(better).zones > survived:
            lost = tolerance(better).zones
            return [
                f"{fewer} over {zones} ({text(better)}) survives the loss of {lost} "
                f"zone{'s' * (lost > 1)}, {managers} over {zones} of {survived or 'none'}"
            ]
    return []


def _too_many(spread: Spread) -> list[str]:
    managers = sum(spread)
    if managers <= DOCKER_MAXIMUM:
        return []
    return [
        f"{managers} managers: Docker recommends at most {DOCKER_MAXIMUM}, every write waits for a majority"
    ]
