"""The whole of it: hosts in zones, their swarm, AWS, the processes of the agent, and what befalls them.

Everything that happens from outside is an event, a small JSON object, so that a run can be written down and
replayed: here, and where the lab can do the same, on real engines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from quorate.agent.join.boot import WAY_BACK
from quorate.agent.userdata import read_user_data

from .cloud import CLUSTER, ZONES, Cloud, Group
from .elections import Elections
from .events import Events
from .gateways import installed
from .host import Host
from .processes import Clock, Process
from .raft import Node, Swarm
from .units import BOOT_SECONDS, Units
from .witness import Witness

TICK_SECONDS = 1.0


class World:
    """`layout`: managers per zone of ZONES; `skews`: the clocks of instances, in the order of their birth."""

    def __init__(
        self,
        layout: tuple[int, ...] = (2, 2, 1),
        workers: int = 1,
        *,
        skews: tuple[float, ...] = (0.0,),
        reuse: bool = False,
        linger: bool = False,
        blind: bool = False,
        survive: str = "zone",
    ) -> None:
        self.clock = Clock()
        self.cloud = Cloud(CLUSTER, reuse, linger)
        self.hosts: dict[str, Host] = {}
        self.swarms: dict[str, Swarm] = {}
        self.down: set[str] = set()
        self.cut: dict[str, bool] = {}  # partitioned zones: whether AWS is reached from there
        self.faults: list[Mapping[str, str]] = []
        self.cuts_init = False
        self.nonces = 0
        self.destroyed = False
        self.blind = blind  # EC2 has no answer for what is in a zone that is down
        self.broken = False  # the last event did not come to its end
        self.trace: list[dict[str, Any]] = []
        self.witness = Witness(self)
        self.units, self._elections, self._events = Units(self), Elections(self), Events(self)
        self._skews = skews
        self.zones = ZONES[: len(layout)]
        self.survive = survive
        self.workers = workers
        self._write_plan(layout)
        self._installed = installed(self)

    def close(self) -> None:
        """Every process ends, and the agent has its own gateways back."""
        for host in self.hosts.values():
            for process in host.processes():
                process.kill()
        self._installed.close()

    def _write_plan(self, layout: tuple[int, ...]) -> None:
        self.slots = {
            f"manager-{zone}-{n}": zone
            for zone, count in zip(self.zones, layout, strict=True)
            for n in range(1, count + 1)
        }
        slots = [{"name": s, "zone": z, "group": f"{CLUSTER}-{s}"} for s, z in self.slots.items()]
        document = {
            "schema": 1,
            "cluster": CLUSTER,
            "survive": self.survive,
            "layout": list(layout),
            "zones": list(self.zones),
            "managers_schedulable": False,
            "slots": slots,
            "pools": [
                {"name": "general", "group": f"{CLUSTER}-worker-general", "labels": {"tier": "general"}}
            ],
            "launch_hook": "quorate-launch",
            "termination_hook": "quorate-termination",
            "token_parameter": "/q/worker-token",
            "token_key": "arn:key",
        }
        self.cloud.table["plan"] = {"id": {"S": "plan"}, "document": {"S": json.dumps(document)}}
        for slot, zone in self.slots.items():
            name = f"{CLUSTER}-{slot}"
            self.cloud.groups.setdefault(name, Group(name, "manager", slot, (zone,), 0))
        name = f"{CLUSTER}-worker-general"
        self.cloud.groups.setdefault(name, Group(name, "worker", "general", self.zones, 0))

    # Who hears whom

    def connected(self, one: Host, other: Host) -> bool:
        if not (one.on and other.on):
            return False
        return one.zone == other.zone or not ({one.zone, other.zone} & self.cut.keys())

    def host_of(self, node: Node) -> Host | None:
        host = self.hosts.get(node.instance)
        return host if host is not None and host.node == node.id else None

    def hear(self, host: Host, node: Node) -> bool:
        """Whether the host reaches the node's engine."""
        other = self.host_of(node)
        return other is not None and not other.removed and self.connected(host, other)

    def running_host(self) -> Host:
        assert self.clock.running is not None
        return self.hosts[self.clock.running.name.split()[1]]

    def fault_of(self, instance: str, service: str) -> str | None:
        if self.cut.get(self.hosts[instance].zone, True) is False:
            return "cut"
        for fault in self.faults:
            if fault.get("host") in {None, instance} and fault["service"] in {"*", service}:
                return fault["kind"]
        return None

    # Time

    def pass_by(self, seconds: float) -> None:
        """Let so many seconds pass, everybody running as they are due."""
        end = self.clock.now + seconds
        self.tick()
        while True:
            due = [p for h in self.hosts.values() for p in h.processes() if not p.frozen]
            first = min(due, key=lambda p: (p.due, p.name), default=None)
            at = min(max(first.due, self.clock.now) if first else end, self._next_tick, end)
            self.clock.now = max(self.clock.now, at)
            if at >= self._next_tick:
                self.tick()
            elif first is not None and first.due <= self.clock.now:
                self.turn(first)
            if self.clock.now >= end and not (first and first.due <= self.clock.now):
                return

    def turn(self, process: Process, calls: int | None = None) -> None:
        process.turn(calls)
        self.units.reap()
        self.witness.check()

    def tick(self) -> None:
        """What the world does by itself."""
        self._next_tick = self.clock.now + TICK_SECONDS
        self.cloud.zones_without_launches = set(self.down)
        for one in self.cloud.tick(self.clock.now):
            self._born(one.id)
        self._elections.tick()
        for host in self.hosts.values():
            self.units.tick(host)
        self.witness.check()

    _next_tick = 0.0

    def _born(self, instance: str) -> None:
        one = self.cloud.instances[instance]
        group = self.cloud.groups[one.group]
        manages = group.role == "manager"
        orders = {
            "schema": 1,
            "cluster": CLUSTER,
            "role": group.role,
            "region": "r",
            "table": CLUSTER,
            "token_parameter": "/q/worker-token",
            "token_key": "arn:key" if manages else None,
            "group": one.group,
            "slot": group.home if manages else None,
            "pool": None if manages else group.home,
            "launch_hook": "quorate-launch",
            "termination_hook": "quorate-termination",
            "overlay_cidr": "10.128.0.0/12",
        }
        host = Host(self, instance, one.address, one.zone, read_user_data(json.dumps(orders).encode()))
        host.skew = self._skews[len(self.hosts) % len(self._skews)]
        host.join_due = self.clock.now + BOOT_SECONDS
        self.hosts[instance] = host

    # Events

    def do(self, **event: Any) -> None:
        """Carry out one event, and write it down."""
        self.trace.append(event)
        self.broken = True
        words = {key: value for key, value in event.items() if key != "do"}
        getattr(self._events, event["do"].replace(" ", "_"))(**words)
        self.units.reap()
        self.tick()
        self.broken = False

    def in_slot(self, where: str) -> Host | None:
        """The host of a slot (`manager-…`), of the leader, of the claim's owner, or a worker's."""
        claim = self.cloud.table.get("claim", {})
        living = [host for host in self.hosts.values() if not self.cloud.instances[host.instance].ended]
        for host in reversed(living):
            if where in {host.orders.slot, host.instance}:
                return host
            if where == "owner" and claim.get("owner", {}).get("S") == host.instance:
                return host
            if where == "worker" and not host.orders.manages:
                return host
            if where == "leader" and any(s.leader and s.leader == host.node for s in self.swarms.values()):
                return host
        return None

    # How it stands

    def cluster(self) -> Swarm | None:
        """The one that was published."""
        return self.swarms[self.witness.published[0]] if self.witness.published else None

    def lost(self) -> bool:
        """Whether a majority of the members is gone for good."""
        swarm = self.cluster()
        if swarm is None:
            return False
        there = [n for n in swarm.members() if self.host_of(n) and not self.cloud.instances[n.instance].ended]
        return len(there) < swarm.majority

    def reasons(self) -> list[str]:
        """What joins and stewards said about a swarm without a leader."""
        said = [line for h in self.hosts.values() for j in h.journals.values() for line in j.lines]
        return [line for line in said if WAY_BACK in line or "no leader seen" in line]

    def troubles(self) -> list[str]:
        """What keeps the cluster from being whole, or from being gone if it was destroyed."""
        if self.destroyed:
            return [f"{one.id} is {one.lifecycle}" for one in self.cloud.instances.values() if one.lifecycle]
        swarm = self.cluster()
        if swarm is None or swarm.leader is None:
            return ["there is no leader"]
        found = [f"{n.id} is not settled" for n in swarm.nodes.values() if (n.role == "manager") != n.raft]
        found += [f"{n.id} is not Ready" for n in swarm.nodes.values() if not n.heard]
        held = sorted(n.labels.get("quorate.slot", "?") for n in swarm.members())
        if held != sorted(self.slots):
            found.append(f"members hold {held}")
        workers = [n for n in swarm.nodes.values() if not n.raft]
        if len(workers) != self.workers or any(n.availability != "active" for n in workers):
            found.append(f"workers: {workers}")
        listed = [one for one in self.cloud.instances.values() if one.lifecycle is not None]
        found += [f"{one.id} is {one.lifecycle}" for one in listed if one.lifecycle != "InService"]
        for node in swarm.nodes.values():
            if self.cloud.instances[node.instance].lifecycle != "InService":
                found.append(f"{node.id} is {node.instance}")
        if self.cloud.parameter != swarm.token:
            found.append("the published token is not the swarm's")
        claim = self.cloud.table["claim"]
        addresses = {one["S"] for one in claim["addresses"]["L"]} if "addresses" in claim else set()
        if addresses != {f"{n.address}:2377" for n in swarm.members() if n.heard}:
            found.append(f"published addresses are {addresses}")
        return found
