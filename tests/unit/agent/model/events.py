"""What befalls a world from outside, by the names that the files of runs use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .cloud import CLUSTER, ZONES
from .units import Kill

if TYPE_CHECKING:
    from .world import World


class Events:
    """Each method is one kind of event; its words are the event's other keys."""

    def __init__(self, world: World) -> None:
        self._world = world

    def launch(self) -> None:
        for group in self._world.cloud.groups.values():
            group.desired = 1 if group.role == "manager" else self._world.workers

    def scale(self, workers: int) -> None:
        self._world.workers = self._world.cloud.groups[f"{CLUSTER}-worker-general"].desired = workers

    def plan(self, layout: Sequence[int]) -> None:
        """Another layout over the same zones: groups come, and others are to end."""
        self._world._write_plan(tuple(layout))
        for group in self._world.cloud.groups.values():
            if group.role == "manager":
                group.desired = int(group.home in self._world.slots)

    def destroy(self) -> None:
        """Every group is to end."""
        self._world.destroyed = True
        for group in self._world.cloud.groups.values():
            group.desired = 0

    def wait(self, seconds: float) -> None:
        self._world.pass_by(seconds)

    def expect_whole(self, seconds: float = 1500) -> None:
        end = self._world.clock.now + seconds
        while self._world.troubles() and self._world.clock.now < end:
            self._world.pass_by(2.0)
        assert not self._world.troubles(), self._world.troubles()

    def kill_when(self, unit: str, says: str, slot: str | None = None) -> None:
        self._world.units.kills.append(Kill(unit, says, slot))

    def kill(self, unit: str, where: str) -> None:
        host = self._world.in_slot(where)
        process = getattr(host, unit) if host else None
        if process is not None and not process.ended:
            process.kill()

    def step(self, unit: str, where: str, calls: int) -> None:
        """Run a process up to its next calls, and leave it there."""
        host = self._world.in_slot(where)
        process = getattr(host, unit) if host else None
        if process is not None and not process.ended and not process.frozen:
            self._world.turn(process, calls)

    def freeze(self, unit: str, where: str) -> None:
        host = self._world.in_slot(where)
        process = getattr(host, unit) if host else None
        if process is not None:
            process.frozen = True
            self._world.witness.hold(process)

    def thaw(self) -> None:
        for host in self._world.hosts.values():
            for process in host.processes():
                process.frozen = False

    def _zone(self, name: str) -> str:
        """A zone by its id, or that of a slot or the leader."""
        host = None if name in ZONES else self._world.in_slot(name)
        return host.zone if host is not None else name

    def zone_down(self, zone: str) -> None:
        self._world.down.add(self._zone(zone))

    def zone_partition(self, zone: str, aws: bool = True) -> None:
        self._world.cut[self._zone(zone)] = aws

    def zone_up(self, zone: str) -> None:
        self._world.down.discard(zone)
        self._world.cut.pop(zone, None)

    def zones_up(self) -> None:
        for zone in ZONES:
            self.zone_up(zone)

    def host_stop(self, where: str) -> None:
        host = self._world.in_slot(where)
        if host is not None:
            host.powered = False

    def cut_init(self) -> None:
        """The next init ends in its middle with the host's power: its swarm's CA has no key."""
        self._world.cuts_init = True

    def hosts_start(self) -> None:
        for host in self._world.hosts.values():
            host.powered = True

    def terminate(self, where: str) -> None:
        host = self._world.in_slot(where)
        if host is not None:
            self._world.cloud.terminate(host.instance, self._world.clock.now)

    def end_in_order(self, where: str) -> None:
        host = self._world.in_slot(where)
        if host is not None and self._world.cloud.instances[host.instance].lifecycle == "InService":
            self._world.cloud.begin_end(host.instance, self._world.clock.now)

    def forget(self) -> None:
        """EC2 does not know its terminated instances any more."""
        for one in self._world.cloud.instances.values():
            one.visible = not one.ended

    def fault(self, service: str, kind: str, where: str | None = None) -> None:
        host = self._world.in_slot(where) if where else None
        if where is None or host is not None:
            self._world.faults.append(
                {"service": service, "kind": kind, **({"host": host.instance} if host else {})}
            )

    def well(self) -> None:
        self._world.faults.clear()

    def lose_answer(self, where: str) -> None:
        host = self._world.in_slot(where)
        if host is not None:
            host.lose_answer = True

    def rotate(self) -> None:
        for swarm in self._world.swarms.values():
            if swarm.leader is not None:
                swarm.rotate()

    def heal(self) -> None:
        for zone in self._world.zones:
            self.zone_up(zone)
        self.hosts_start()
        self.thaw()
        self.well()
