"""The whole of it: hosts in zones, their swarm, AWS, the processes of the agent, and what befalls them.

Everything that happens from outside is an event, a small JSON object, so that a run can be written down and
replayed: here, and where the lab can do the same, on real engines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quorate.agent.join import __main__ as join_main
from quorate.agent.join.boot import WAY_BACK
from quorate.agent.steward.follow import Follower
from quorate.agent.surroundings import Surroundings
from quorate.agent.userdata import read_user_data

from .cloud import Cloud, Group
from .gateways import ModelMetadata, installed
from .host import Host
from .processes import Clock, Process
from .raft import ELECTION_SECONDS, ROLE_SECONDS, SILENT_SECONDS, Node, Swarm
from .witness import Witness

ZONES = ("use1-az1", "use1-az2", "use1-az4")
CLUSTER = "q"
TICK_SECONDS = 1.0
BOOT_SECONDS = 1.0


class NoReport:
    """Nobody reads the status file here."""

    def follows(self, *_: object) -> None: ...
    def leads(self, *_: object) -> None: ...


@dataclass
class Kill:
    """Kill a unit as soon as it has said these words; of a slot, or of everybody, once each."""

    unit: str
    word: str
    slot: str | None
    done: set[str] = field(default_factory=set)


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
        self.kills: list[Kill] = []
        self.nonces = 0
        self.destroyed = False
        self.blind = blind  # EC2 has no answer for what is in a zone that is down
        self.broken = False  # the last event did not come to its end
        self.trace: list[dict[str, Any]] = []
        self.witness = Witness(self)
        self._skews = skews
        self.zones = ZONES[: len(layout)]
        self.slots = {
            f"manager-{zone}-{n}": zone
            for zone, count in zip(self.zones, layout, strict=True)
            for n in range(1, count + 1)
        }
        self.workers = workers
        self._write_plan(layout, survive)
        self._installed = installed(self)

    def close(self) -> None:
        """Every process ends, and the agent has its own gateways back."""
        for host in self.hosts.values():
            for process in host.processes():
                process.kill()
        self._installed.close()

    def _write_plan(self, layout: tuple[int, ...], survive: str) -> None:
        slots = [{"name": s, "zone": z, "group": f"{CLUSTER}-{s}"} for s, z in self.slots.items()]
        document = {
            "schema": 1,
            "cluster": CLUSTER,
            "survive": survive,
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
            self.cloud.groups[name] = Group(name, "manager", slot, (zone,), 0)
        name = f"{CLUSTER}-worker-general"
        self.cloud.groups[name] = Group(name, "worker", "general", self.zones, 0)

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
        self.reap()
        self.witness.check()

    def tick(self) -> None:
        """What the world does by itself."""
        self._next_tick = self.clock.now + TICK_SECONDS
        self.cloud.zones_without_launches = set(self.down)
        for one in self.cloud.tick(self.clock.now):
            self._born(one.id)
        for swarm in self.swarms.values():
            self._elect(swarm)
            self._hear(swarm)
            self._settle(swarm)
        for host in self.hosts.values():
            self._units(host)
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

    # Units

    def _units(self, host: Host) -> None:
        now = self.clock.now
        if not host.on:
            for process in host.processes():
                process.kill()
            if host.join is not None or host.join_due is not None:
                host.join = host.steward = None
                host.join_due = host.steward_due = None
                host.pending, host.settled = False, host.swarm is None
            return
        if host.join is None and host.join_due is None:
            host.join_due = now + BOOT_SECONDS  # it has been started again
        if host.join_due is not None and now >= host.join_due:
            host.join, host.join_due = self._new_join(host), None
        if host.steward_due is not None and now >= host.steward_due:
            host.steward, host.steward_due = self._new_steward(host), None

    def reap(self) -> None:
        """Processes that have ended, and what their units do about it; kills that wait for a word."""
        for host in self.hosts.values():
            for kill in self.kills:
                self._strike(kill, host)
            if host.join is not None and host.join.ended and host.join_due is None and host.steward is None:
                if host.join.code == -9:
                    host.join_due = self.clock.now + 1.0
                elif host.join.code == 0 and host.orders.manages and host.steward_due is None:
                    host.steward_due = self.clock.now
            if host.steward is not None and host.steward.ended and host.steward_due is None:
                host.steward_due = self.clock.now + 1.0

    def _strike(self, kill: Kill, host: Host) -> None:
        process = getattr(host, kill.unit)
        if kill.slot not in {None, host.orders.slot} or host.instance in kill.done or process is None:
            return
        if process.ended or not any(kill.word in line for line in host.journal(kill.unit).lines):
            return
        kill.done.add(host.instance)
        process.kill()

    def _new_join(self, host: Host) -> Process:
        name = host.instance
        place = Surroundings(docker=name, metadata=name, run=None, certificate=name)  # type: ignore[arg-type]
        metadata: Any = ModelMetadata(self, name)
        host.boots += 1

        def main() -> int:
            code = join_main._boot(place, host.journal("join"), metadata, host.orders)
            if code == 0:
                self.witness.joined(host.swarm)
            return code

        return Process(f"join {name} {host.boots}", self.clock, main)

    def _new_steward(self, host: Host) -> Process:
        metadata: Any = ModelMetadata(self, host.instance)
        report: Any = NoReport()
        host.boots += 1
        follower = Follower(
            host.orders,
            host.identity,
            metadata,
            host.instance,
            report,
            host.journal("steward"),
            clock=self.clock.monotonic,
        )

        def main() -> int:
            follower.run(lambda: False)
            return 0

        return Process(f"steward {host.instance} {host.boots}", self.clock, main)

    # Raft

    def _elect(self, swarm: Swarm) -> None:
        now = self.clock.now
        swarm.beliefs = {
            node: belief
            for node, belief in swarm.beliefs.items()
            if now < belief.until and node in swarm.nodes and self._up(swarm.nodes[node])
        }
        leader = swarm.nodes.get(swarm.leader or "")
        if leader is not None and self._carries(swarm, leader):
            return
        if leader is not None:
            if self._up(leader):
                swarm.cut_off(leader.id, now)
            else:
                swarm.leader, swarm.leaderless_since = None, now
        able = [node for node in swarm.members() if self._carries(swarm, node)]
        again = [node for node in able if node.id in swarm.beliefs]
        long_ago = swarm.leaderless_since is None or now - swarm.leaderless_since >= ELECTION_SECONDS
        if again or (able and long_ago):
            chosen = again[0] if again else able[swarm.rotations % len(able)]
            swarm.leader = chosen.id
            swarm.beliefs.pop(chosen.id, None)

    def _up(self, node: Node) -> bool:
        host = self.host_of(node)
        return host is not None and host.on

    def _carries(self, swarm: Swarm, node: Node) -> bool:
        """Whether the node is a member that hears a majority, itself included."""
        host = self.host_of(node)
        return (
            node.raft
            and host is not None
            and host.on
            and sum(self.hear(host, other) for other in swarm.members()) >= swarm.majority
        )

    def _hear(self, swarm: Swarm) -> None:
        views = [(belief.nodes, node) for node, belief in swarm.beliefs.items()]
        if swarm.leader is not None:
            views.append((swarm.nodes, swarm.leader))
        for nodes, listener in views:
            ear = self.host_of(nodes[listener])
            for node in nodes.values():
                heard = ear is not None and self.hear(ear, node)
                if heard:
                    node.lost = None
                elif node.lost is None:
                    node.lost = self.clock.now
                heard = heard or (node.lost is not None and self.clock.now - node.lost < SILENT_SECONDS)
                if heard and node.lost is not None and not node.heard:
                    heard = False
                if heard != node.heard:
                    node.heard, node.version = heard, node.version + 1

    def _settle(self, swarm: Swarm) -> None:
        if swarm.leader is None:
            return
        ear = self.host_of(swarm.nodes[swarm.leader])
        assert ear is not None
        for node in list(swarm.nodes.values()):
            heard = self.hear(ear, node)
            due = self.clock.now - node.since >= ROLE_SECONDS
            if node.role == "manager" and not node.raft and heard and due:
                node.raft, node.version = True, node.version + 1
            elif node.role == "worker" and node.raft and due:
                self._let_out(swarm, node, ear)
        for host in self.hosts.values():
            if host.swarm == swarm.id and self.connected(ear, host):
                host.settled = True
                known = swarm.nodes.get(host.node or "")
                host.removed = known is None
                host.manages = known is not None and known.raft
        if swarm.leader is not None and not swarm.nodes[swarm.leader].raft:
            swarm.leader, swarm.leaderless_since = None, self.clock.now - ELECTION_SECONDS
            self._elect(swarm)

    def _let_out(self, swarm: Swarm, node: Node, ear: Host) -> None:
        """As swarmkit does: only if the others that answer are a majority of those that remain."""
        others = [one for one in swarm.members() if one.id != node.id]
        if sum(self.hear(ear, one) for one in others) >= len(others) // 2 + 1:
            node.raft, node.version = False, node.version + 1

    # Events

    def do(self, **event: Any) -> None:
        """Carry out one event, and write it down."""
        self.trace.append(event)
        self.broken = True
        getattr(self, f"_do_{event['do'].replace(' ', '_')}")(**{k: v for k, v in event.items() if k != "do"})
        self.reap()
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

    def _do_launch(self) -> None:
        for group in self.cloud.groups.values():
            group.desired = 1 if group.role == "manager" else self.workers

    def _do_scale(self, workers: int) -> None:
        self.workers = self.cloud.groups[f"{CLUSTER}-worker-general"].desired = workers

    def _do_destroy(self) -> None:
        """Every group is to end."""
        self.destroyed = True
        for group in self.cloud.groups.values():
            group.desired = 0

    def _do_wait(self, seconds: float) -> None:
        self.pass_by(seconds)

    def _do_expect_whole(self, seconds: float = 1500) -> None:
        end = self.clock.now + seconds
        while self.troubles() and self.clock.now < end:
            self.pass_by(2.0)
        assert not self.troubles(), self.troubles()

    def _do_kill_when(self, unit: str, says: str, slot: str | None = None) -> None:
        self.kills.append(Kill(unit, says, slot))

    def _do_kill(self, unit: str, where: str) -> None:
        host = self.in_slot(where)
        process = getattr(host, unit) if host else None
        if process is not None and not process.ended:
            process.kill()

    def _do_step(self, unit: str, where: str, calls: int) -> None:
        """Run a process up to its next calls, and leave it there."""
        host = self.in_slot(where)
        process = getattr(host, unit) if host else None
        if process is not None and not process.ended and not process.frozen:
            self.turn(process, calls)

    def _do_freeze(self, unit: str, where: str) -> None:
        host = self.in_slot(where)
        process = getattr(host, unit) if host else None
        if process is not None:
            process.frozen = True
            self.witness.hold(process)

    def _do_thaw(self) -> None:
        for host in self.hosts.values():
            for process in host.processes():
                process.frozen = False

    def _zone(self, name: str) -> str:
        """A zone by its id, or that of a slot or the leader."""
        host = None if name in ZONES else self.in_slot(name)
        return host.zone if host is not None else name

    def _do_zone_down(self, zone: str) -> None:
        self.down.add(self._zone(zone))

    def _do_zone_partition(self, zone: str, aws: bool = True) -> None:
        self.cut[self._zone(zone)] = aws

    def _do_zone_up(self, zone: str) -> None:
        self.down.discard(zone)
        self.cut.pop(zone, None)

    def _do_zones_up(self) -> None:
        for zone in ZONES:
            self._do_zone_up(zone)

    def _do_host_stop(self, where: str) -> None:
        host = self.in_slot(where)
        if host is not None:
            host.powered = False

    def _do_hosts_start(self) -> None:
        for host in self.hosts.values():
            host.powered = True

    def _do_terminate(self, where: str) -> None:
        host = self.in_slot(where)
        if host is not None:
            self.cloud.terminate(host.instance, self.clock.now)

    def _do_end_in_order(self, where: str) -> None:
        host = self.in_slot(where)
        if host is not None and self.cloud.instances[host.instance].lifecycle == "InService":
            self.cloud.begin_end(host.instance, self.clock.now)

    def _do_forget(self) -> None:
        """EC2 does not know its terminated instances any more."""
        for one in self.cloud.instances.values():
            one.visible = not one.ended

    def _do_fault(self, service: str, kind: str, where: str | None = None) -> None:
        host = self.in_slot(where) if where else None
        if where is None or host is not None:
            self.faults.append(
                {"service": service, "kind": kind, **({"host": host.instance} if host else {})}
            )

    def _do_well(self) -> None:
        self.faults.clear()

    def _do_lose_answer(self, where: str) -> None:
        host = self.in_slot(where)
        if host is not None:
            host.lose_answer = True

    def _do_rotate(self) -> None:
        for swarm in self.swarms.values():
            if swarm.leader is not None:
                swarm.rotate()

    def _do_heal(self) -> None:
        for zone in self.zones:
            self._do_zone_up(zone)
        self._do_hosts_start()
        self._do_thaw()
        self._do_well()

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
