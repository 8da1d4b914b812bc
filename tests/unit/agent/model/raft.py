"""Swarms as the world sees them: a member list agreed on by a majority, a leader, and what each engine says.

A leader that is cut off goes on believing in itself for a while: it answers from what it had, and can write
nothing. A change of role takes a moment, and needs the node.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

SILENT_SECONDS = 10.0  # until a node that does not answer is called down
ELECTION_SECONDS = 10.0
BELIEF_SECONDS = 19.0
ROLE_SECONDS = 1.0


@dataclass
class Node:
    """`raft`: it is a member. `since`: when its role was last changed; `lost`: since when it is not heard."""

    id: str
    instance: str
    address: str
    role: str = "worker"
    availability: str = "drain"
    labels: dict[str, str] = field(default_factory=dict)
    raft: bool = False
    version: int = 0
    since: float = 0.0
    lost: float | None = None
    heard: bool = True

    def raw(self, leader: str | None) -> dict[str, Any]:
        """As the engine's API lists it."""
        found: dict[str, Any] = {
            "ID": self.id,
            "Version": {"Index": self.version},
            "Spec": {"Role": self.role, "Availability": self.availability, "Labels": dict(self.labels)},
            "Status": {"State": "ready" if self.heard else "down", "Addr": self.address},
        }
        if self.raft:
            found["ManagerStatus"] = {
                "Leader": self.id == leader,
                "Reachability": "reachable" if self.heard else "unreachable",
            }
        return found


@dataclass
class Belief:
    """A cut-off leader's own view, until when."""

    until: float
    nodes: dict[str, Node]


@dataclass
class Swarm:
    id: str
    token: str
    nodes: dict[str, Node] = field(default_factory=dict)
    leader: str | None = None
    leaderless_since: float | None = None
    beliefs: dict[str, Belief] = field(default_factory=dict)
    born: int = 0
    rotations: int = 0
    signs: bool = True
    """Whether its CA has a key: an init cut short by a power cut leaves one without."""

    def members(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.raft]

    @property
    def majority(self) -> int:
        return len(self.members()) // 2 + 1

    def add(self, instance: str, address: str) -> Node:
        self.born += 1
        node = Node(f"{self.id}-n{self.born}", instance, address)
        self.nodes[node.id] = node
        return node

    def rotate(self) -> None:
        self.rotations += 1
        self.token = f"SWMTKN-{self.id}-{self.rotations}"

    def cut_off(self, node_id: str, now: float) -> None:
        """The leader hears no majority any more: it does not know yet."""
        self.beliefs[node_id] = Belief(now + BELIEF_SECONDS, copy.deepcopy(self.nodes))
        self.leader, self.leaderless_since = None, now
