"""A host: an engine with a disk, and the units that start join and steward on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from quorate.agent.journal import Journal
from quorate.agent.metadata import Identity
from quorate.agent.userdata import UserData

from .raft import Node, Swarm

if TYPE_CHECKING:
    from .processes import Process
    from .world import World


class EngineSaid(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class NoAnswer(Exception):
    """After so many seconds."""

    def __init__(self, seconds: float = 5.0) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass
class Lines(Journal):
    """A journal that keeps what was said."""

    lines: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.lines.append(text)


@dataclass
class Host:
    """`swarm` and `node`: what its disk is a member of; `settled`: a leader was heard since it started."""

    world: World
    instance: str
    address: str
    zone: str
    orders: UserData
    skew: float = 0.0
    powered: bool = True
    swarm: str | None = None
    node: str | None = None
    manages: bool = False
    removed: bool = False
    pending: bool = False
    settled: bool = True
    join: Process | None = None
    steward: Process | None = None
    join_due: float | None = None
    steward_due: float | None = None
    journals: dict[str, Lines] = field(default_factory=dict)
    lose_answer: bool = False
    boots: int = 0

    @property
    def identity(self) -> Identity:
        return Identity(self.instance, self.address)

    @property
    def on(self) -> bool:
        ended = self.world.cloud.instances[self.instance].ended
        return self.powered and not ended and self.zone not in self.world.down

    @property
    def state(self) -> str:
        if self.pending:
            return "pending"
        if self.swarm is None:
            return "inactive"
        if self.removed:
            return "error"
        return "active" if self.settled else "pending"

    def processes(self) -> list[Process]:
        return [p for p in (self.join, self.steward) if p is not None and not p.ended]

    def journal(self, unit: str) -> Lines:
        return self.journals.setdefault(unit, Lines(unit, quiet=True))

    # What its engine answers

    def info(self) -> dict[str, Any]:
        active = self.state == "active"
        return {
            "Swarm": {
                "LocalNodeState": self.state,
                "NodeID": self.node or "",
                "ControlAvailable": active and self.manages,
                "Cluster": {"ID": self.swarm} if active and self.manages else None,
                "Error": "node was removed" if self.removed else "",
            }
        }

    def _led(self) -> tuple[Swarm, dict[str, Node], str | None]:
        """The swarm, its nodes, the leader; a leader of None is one that only believes that it leads."""
        if self.swarm is None or self.state != "active" or not self.manages:
            raise EngineSaid(503, "This node is not a swarm manager")
        swarm = self.world.swarms[self.swarm]
        if swarm.leader is not None and self.world.hear(self, swarm.nodes[swarm.leader]):
            return swarm, swarm.nodes, swarm.leader
        for believer, belief in swarm.beliefs.items():
            if self.world.hear(self, belief.nodes[believer]):
                return swarm, belief.nodes, None
        raise EngineSaid(503, "The swarm does not have a leader")

    def _believer(self, swarm: Swarm) -> str:
        return next(b for b, belief in swarm.beliefs.items() if self.world.hear(self, belief.nodes[b]))

    def inspect_swarm(self) -> dict[str, Any]:
        swarm, _, _ = self._led()
        return {"ID": swarm.id, "JoinTokens": {"Worker": swarm.token}}

    def nodes(self) -> list[dict[str, Any]]:
        swarm, nodes, leader = self._led()
        raws = [node.raw(leader or self._believer(swarm)) for node in nodes.values()]
        self.world.witness.heard_nodes(raws)
        return raws

    def inspect_node(self, node: str) -> dict[str, Any]:
        swarm, nodes, leader = self._led()
        if node not in nodes:
            raise EngineSaid(404, f"node {node} not found")
        return nodes[node].raw(leader or self._believer(swarm))

    def update_node(self, node: str, version: int, spec: dict[str, Any]) -> None:
        swarm, nodes, leader = self._led()
        if leader is None:
            raise NoAnswer
        if node not in nodes:
            raise EngineSaid(404, f"node {node} not found")
        there = nodes[node]
        if there.version != version:
            raise EngineSaid(500, "rpc error: update out of sequence")
        if there.role == "manager" and spec["Role"] == "worker" and not there.raft:
            raise EngineSaid(404, "can't find manager in raft memberlist")
        self.world.witness.committed(swarm, there, spec)
        if spec["Role"] != there.role:
            there.role, there.since = spec["Role"], self.world.clock.now
        there.availability, there.labels = spec["Availability"], dict(spec["Labels"])
        there.version += 1

    def remove_node(self, node: str, force: bool = False) -> None:
        swarm, nodes, leader = self._led()
        if leader is None:
            raise NoAnswer
        if node not in nodes:
            raise EngineSaid(404, f"node {node} not found")
        if nodes[node].raft:
            raise EngineSaid(500, "node is a cluster manager and is a member of the raft cluster")
        self.world.witness.removed(swarm, nodes[node])
        del nodes[node]

    def tasks(self, filters: dict[str, Any]) -> list[dict[str, Any]]:
        self._led()
        return []

    def _leave(self) -> None:
        if self.swarm is not None and self.manages:
            swarm = self.world.swarms[self.swarm]
            if swarm.leader == self.node:
                swarm.leader, swarm.leaderless_since = None, self.world.clock.now
        self.swarm = self.node = None
        self.manages = self.removed = self.pending = False
        self.settled = True

    def post(self, path: str, body: dict[str, Any] | None) -> Any:
        if path.startswith("/swarm/leave"):
            return self._leave()
        assert body is not None
        if self.swarm is not None or self.pending:
            raise EngineSaid(503, "This node is already part of a swarm")
        if path == "/swarm/init":
            return self._init()
        self._join(body["RemoteAddrs"], body["JoinToken"])
        return None

    def _init(self) -> str:
        world = self.world
        swarm = Swarm(f"s{len(world.swarms) + 1}", "")
        swarm.rotate()
        world.swarms[swarm.id] = swarm
        node = swarm.add(self.instance, self.address)
        node.role, node.raft, swarm.leader = "manager", True, node.id
        self.swarm, self.node, self.manages, self.settled = swarm.id, node.id, True, True
        if world.cuts_init:
            world.cuts_init, swarm.signs, self.powered = False, False, False
            raise NoAnswer
        return node.id

    def _join(self, addresses: list[str], token: str) -> None:
        for other in self.world.hosts.values():
            if f"{other.address}:2377" not in addresses or not self.world.connected(self, other):
                continue
            try:
                swarm, _, leader = other._led()
            except EngineSaid:
                continue
            if leader is None:
                continue
            if token != swarm.token:
                raise EngineSaid(400, "invalid join token")
            if not swarm.signs:
                break
            node = swarm.add(self.instance, self.address)
            self.swarm, self.node, self.manages, self.settled = swarm.id, node.id, False, True
            return
        self.pending = True
        raise EngineSaid(500, "Timeout was reached before node joined")
