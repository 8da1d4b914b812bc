"""What one look saw, as plain values: nothing here asks anybody anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quorate.errors import Failed

MANAGER_PORT = 2377

LABEL_ZONE = "quorate.zone"
LABEL_INSTANCE = "quorate.instance"
LABEL_ROLE = "quorate.role"
LABEL_SLOT = "quorate.slot"
LABEL_POOL = "quorate.pool"
LABEL_SCHEDULABLE = "quorate.schedulable"


@dataclass(frozen=True)
class Node:
    """One node of the swarm as a manager lists it.

    `role` is what it shall be; `reachability` is None unless it is a member of raft, so a node whose role is
    manager and whose reachability is None has been promoted and has not arrived yet, and the other way round.
    """

    id: str
    address: str
    role: str = "worker"
    state: str = "ready"
    availability: str = "active"
    labels: Mapping[str, str] = field(default_factory=dict)
    reachability: str | None = None
    leader: bool = False
    version: int = 0
    name: str = ""
    hostname: str = ""

    @property
    def ready(self) -> bool:
        return self.state == "ready"

    @property
    def down(self) -> bool:
        return self.state == "down"

    @property
    def member(self) -> bool:
        """Whether it counts in raft, now or as soon as what was asked for is done."""
        return self.role == "manager" or self.reachability is not None

    @property
    def reachable(self) -> bool:
        return self.reachability == "reachable"

    @property
    def changing(self) -> bool:
        """A promotion or a demotion was asked for and is not done."""
        return (self.role == "manager") != (self.reachability is not None)

    @property
    def instance(self) -> str | None:
        return self.labels.get(LABEL_INSTANCE)


@dataclass(frozen=True)
class Instance:
    """An EC2 instance; the address is None once EC2 has dropped it."""

    id: str
    state: str
    address: str | None
    zone: str

    @property
    def ended(self) -> bool:
        return self.state == "terminated"


@dataclass(frozen=True)
class GroupInstance:
    """An instance as its Auto Scaling group lists it."""

    id: str
    lifecycle: str
    healthy: bool = True
    zone: str = ""

    @property
    def here(self) -> bool:
        """Launched and meant to stay: the two states in which a manager may be promoted."""
        return self.healthy and self.lifecycle in {"Pending:Wait", "InService"}

    @property
    def waits_to_end(self) -> bool:
        return self.lifecycle == "Terminating:Wait"

    @property
    def ending(self) -> bool:
        return self.lifecycle.startswith("Terminat")


@dataclass(frozen=True)
class Group:
    """An Auto Scaling group."""

    name: str
    desired: int
    instances: tuple[GroupInstance, ...] = ()
    deleting: bool = False

    @property
    def closing(self) -> bool:
        return self.deleting or self.desired == 0


@dataclass(frozen=True)
class PlannedSlot:
    name: str
    zone: str
    group: str


@dataclass(frozen=True)
class PlannedPool:
    name: str
    group: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The PLAN item: what Pulumi laid out."""

    cluster: str
    survive: str
    zones: tuple[str, ...]
    slots: tuple[PlannedSlot, ...]
    pools: tuple[PlannedPool, ...]
    launch_hook: str
    termination_hook: str
    token_parameter: str
    token_key: str | None
    managers_schedulable: bool = False

    def group_of(self, slot: str | None, pool: str | None) -> str:
        """The group's name of a slot or a pool, also of one that has left the plan: names are a rule."""
        if slot:
            return next((one.group for one in self.slots if one.name == slot), f"{self.cluster}-{slot}")
        return next((one.group for one in self.pools if one.name == pool), f"{self.cluster}-worker-{pool}")

    def home_of(self, group: str) -> tuple[str | None, str | None]:
        """The slot or the pool of a group, also of one that has left the plan; neither: not ours."""
        slots = {one.group: one.name for one in self.slots}
        pools = {one.group: one.name for one in self.pools}
        if group in slots or group in pools:
            return slots.get(group), pools.get(group)
        name = group.removeprefix(f"{self.cluster}-")
        if name == group:
            return None, None
        if name.startswith("manager-"):
            return name, None
        pool = name.removeprefix("worker-")
        return (None, pool) if pool != name else (None, None)


def read_plan(document: str) -> Plan:
    """The plan in a PLAN item's document; Failed if it is not one that this version understands."""
    try:
        raw: dict[str, Any] = json.loads(document)
        if raw["schema"] != 1:
            raise Failed(
                f"plan: schema {raw['schema']!r}; this steward reads schema 1. Update the node images first"
            )
        return Plan(
            cluster=raw["cluster"],
            survive=raw["survive"],
            zones=tuple(raw["zones"]),
            slots=tuple(PlannedSlot(s["name"], s["zone"], s["group"]) for s in raw["slots"]),
            pools=tuple(PlannedPool(p["name"], p["group"], dict(p.get("labels", {}))) for p in raw["pools"]),
            launch_hook=raw["launch_hook"],
            termination_hook=raw["termination_hook"],
            token_parameter=raw["token_parameter"],
            token_key=raw["token_key"],
            managers_schedulable=bool(raw["managers_schedulable"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failed(
            f"plan: the table's item cannot be read ({type(error).__name__}: {error}). Run pulumi up again"
        ) from error


@dataclass(frozen=True)
class Claim:
    """The claim on the cluster's only init: CREATING by an owner until an expiry, then READY for ever."""

    state: str
    owner: str = ""
    nonce: str = ""
    expiry: float = 0.0
    cluster_id: str = ""
    addresses: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        return self.state == "READY"


@dataclass(frozen=True)
class Snapshot:
    """One look of the leader. None, and a zone that is missing, mean: no complete answer; unknown.

    `now` is a monotonic clock in seconds. `zones` maps a zone id to its instances by id, only where the
    answer was complete and included the asker. `at_address` maps the addresses that were asked for to the
    ids of instances there that have not ended. `tasks` counts tasks still alive on the nodes that leave.
    """

    now: float
    node_id: str
    instance_id: str
    cluster_id: str
    nodes: tuple[Node, ...]
    plan: Plan | None = None
    groups: Mapping[str, Group] | None = None
    zones: Mapping[str, Mapping[str, Instance]] = field(default_factory=dict)
    at_address: Mapping[str, frozenset[str]] | None = None
    tasks: Mapping[str, int] = field(default_factory=dict)
    claim: Claim | None = None
    claim_known: bool = False
    token_fresh: bool | None = None

    @property
    def me(self) -> Node | None:
        return next((node for node in self.nodes if node.id == self.node_id), None)
