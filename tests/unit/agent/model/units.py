"""The units of every host: join once per boot and again if it was killed, then the steward, for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from quorate.agent.join import __main__ as join_main
from quorate.agent.steward.follow import Follower
from quorate.agent.surroundings import Surroundings

from .gateways import ModelMetadata
from .host import Host
from .processes import Process

if TYPE_CHECKING:
    from .world import World

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


class Units:
    """Of every host of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.kills: list[Kill] = []

    def tick(self, host: Host) -> None:
        now = self._world.clock.now
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
        for host in self._world.hosts.values():
            for kill in self.kills:
                self._strike(kill, host)
            if host.join is not None and host.join.ended and host.join_due is None and host.steward is None:
                if host.join.code == -9:
                    host.join_due = self._world.clock.now + 1.0
                elif host.join.code == 0 and host.orders.manages and host.steward_due is None:
                    host.steward_due = self._world.clock.now
            if host.steward is not None and host.steward.ended and host.steward_due is None:
                host.steward_due = self._world.clock.now + 1.0

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
        metadata: Any = ModelMetadata(self._world, name)
        host.boots += 1

        def main() -> int:
            code = join_main._boot(place, host.journal("join"), metadata, host.orders)
            if code == 0:
                self._world.witness.joined(host.swarm)
            return code

        return Process(f"join {name} {host.boots}", self._world.clock, main)

    def _new_steward(self, host: Host) -> Process:
        metadata: Any = ModelMetadata(self._world, host.instance)
        report: Any = NoReport()
        host.boots += 1
        follower = Follower(
            host.orders,
            host.identity,
            metadata,
            host.instance,
            report,
            host.journal("steward"),
            clock=self._world.clock.monotonic,
        )

        def main() -> int:
            follower.run(lambda: False)
            return 0

        return Process(f"steward {host.instance} {host.boots}", self._world.clock, main)
