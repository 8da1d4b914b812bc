"""Majorities: how many managers decide, and how many may fail.

Raft needs a majority of its members, not of those that answer (Ongaro and Ousterhout, "In Search of an
Understandable Consensus Algorithm", section 5.1); Docker's table for Swarm is at
https://docs.docker.com/engine/swarm/admin_guide/#add-manager-nodes-for-fault-tolerance.
"""

from __future__ import annotations

from quorate.layout import bounds
from quorate.layout.bounds import Spread


def quorum(managers: int) -> int:
    """The least number of managers that is a majority of `managers`."""
    return bounds.managers(managers) // 2 + 1


def tolerated_nodes(managers: int) -> int:
    """How many of `managers` may fail, whichever they are, before the quorum is lost."""
    return (bounds.managers(managers) - 1) // 2


def survives(spread: Spread, zones_lost: tuple[int, ...] = (), nodes_lost: int = 0) -> bool:
    """Whether a quorum stands with these zones (by index) and `nodes_lost` managers elsewhere lost."""
    lost = sum(spread[zone] for zone in set(zones_lost)) + nodes_lost
    return lost <= tolerated_nodes(sum(spread))
