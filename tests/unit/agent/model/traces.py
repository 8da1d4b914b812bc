"""A run written down: which world, and what befell it; replayed, and cut down to what matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .world import World

HEALING_SECONDS = 4000.0
ENDING_SECONDS = 300.0  # for a destroyed cluster that has its quorum
HOOK_SECONDS = 1100.0  # and for one that has not: the hooks end its instances in any case


def new_world(kind: dict[str, Any]) -> World:
    """From JSON: lists become tuples."""
    return World(**{key: tuple(v) if isinstance(v, list) else v for key, v in kind.items()})


def heal(world: World) -> None:
    """Nothing goes wrong any more: the cluster becomes whole, or is lost and it is said why."""
    world.do(do="heal")
    begun = world.clock.now
    while world.clock.now < begun + bound(world) and world.troubles():
        world.pass_by(2.0 if world.clock.now < begun + 60 else 20.0)
        if world.lost() and world.reasons() and not world.destroyed:
            return
    left = world.troubles()
    assert not left, f"not whole {bound(world):.0f} s after all was well: {left}"


def bound(world: World) -> float:
    """Seconds after which all must be well."""
    if not world.destroyed:
        return HEALING_SECONDS
    return HOOK_SECONDS if world.lost() or world.cluster() is None else ENDING_SECONDS


def replay(kind: dict[str, Any], events: Sequence[dict[str, Any]], *, healed: bool = True) -> World:
    """The world after these events, closed; a broken law or an end that is not whole is raised."""
    world = new_world(kind)
    try:
        for event in events:
            world.do(**event)
        if healed:
            heal(world)
    finally:
        world.close()
    return world


def trouble_of(kind: dict[str, Any], events: Sequence[dict[str, Any]]) -> str | None:
    try:
        replay(kind, events)
    except AssertionError as broken:
        return str(broken)
    return None


def shortest(kind: dict[str, Any], events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events taken away for as long as something still breaks."""
    left = list(events)
    size = max(1, len(left) // 2)
    while size:
        at = 0
        while at < len(left):
            fewer = left[:at] + left[at + size :]
            if {"do": "launch"} in fewer and trouble_of(kind, fewer) is not None:
                left = fewer
            else:
                at += size
        size //= 2
    return left
