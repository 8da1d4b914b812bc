"""Nodes, services and tasks, as far as Swarm's scheduler looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Port = tuple[str, int]
"""Protocol and port number."""


@dataclass(frozen=True)
class Node:
    """One node; `cpus` in billionths of a CPU, `memory` in bytes."""

    id: str
    hostname: str = ""
    address: str = ""
    role: str = "worker"
    zone: str = ""
    ready: bool = True
    active: bool = True
    cpus: int = 0
    memory: int = 0
    os: str = "linux"
    arch: str = "x86_64"
    labels: Mapping[str, str] = field(default_factory=dict)
    engine_labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Service:
    """What a service asks of its nodes; `replicas` is None for a global one.

    `spread`: the label descriptors of its placement preferences, as node.labels.quorate.zone.
    `platforms`: pairs (os, architecture), an empty text matches any. `max_per_node`: 0 is no bound.
    """

    id: str
    name: str
    replicas: int | None
    cpus: int = 0
    memory: int = 0
    constraints: tuple[str, ...] = ()
    spread: tuple[str, ...] = ()
    platforms: tuple[tuple[str, str], ...] = ()
    host_ports: frozenset[Port] = frozenset()
    max_per_node: int = 0


@dataclass(frozen=True)
class Task:
    """A task that is alive: of which service, on which node."""

    service: str
    node: str
