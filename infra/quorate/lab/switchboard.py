"""Zones and hosts down and up, as commands and tests ask for it: words in, one line back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quorate.errors import Refused, UsageError
from quorate.lab import control
from quorate.lab.hosts.inventory import HostState

if TYPE_CHECKING:
    from quorate.lab.lab import Lab

SECONDS = 90.0
"""How long the daemon may take: a host that is powered off in order waits for its containers."""


class Switchboard:
    """Of one lab. Each method returns what it did in one line, and may be repeated."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def zone_down(self, zone: str) -> str:
        """A power cut of all its hosts; launches there fail, EC2 has no answer for what is in it."""
        hosts = self._in(zone)
        if not self._ask("/zone", zone=zone, action="down"):
            return f"zone {zone} has no power already"
        return f"zone {zone} has lost its power: {_names(hosts)}"

    def zone_cut(self, zone: str) -> str:
        """Everything in it goes on; nothing passes between it and the other zones or AWS."""
        hosts = self._in(zone)
        if not self._ask("/zone", zone=zone, action="cut"):
            return f"zone {zone} is cut off already"
        return f"zone {zone} is cut off, and its hosts go on: {_names(hosts)}"

    def zone_up(self, zone: str) -> str:
        """Power and network back; its hosts boot from their disks. One switched off alone stays off."""
        self._in(zone)
        changed = self._ask("/zone", zone=zone, action="up")
        hosts = self._in(zone)
        off = [host for host in hosts if host.state == "off"]
        more = f"; still switched off: {_names(off)}" if off else ""
        if not changed:
            return f"zone {zone} is up already{more}"
        return f"zone {zone} is up again: {_names([h for h in hosts if h.state != 'off'])}{more}"

    def host_kill(self, word: str) -> str:
        """The power of one host cut; EC2 goes on to say that its instance is running."""
        host = self._lab.host(word)
        if not self._ask("/host", instance_id=host.instance_id, action="kill"):
            return f"host {host.name} is off already"
        return f"host {host.name} ({host.role}, {host.zone}) has lost its power"

    def host_stop(self, word: str) -> str:
        """One host powered off in order: its engine ends first. EC2 goes on to say "running", so that Auto
        Scaling does not replace it; for that, stop or terminate the instance through EC2."""
        host = self._lab.host(word)
        if not self._ask("/host", instance_id=host.instance_id, action="stop"):
            return f"host {host.name} is off already"
        return f"host {host.name} ({host.role}, {host.zone}) is powered off"

    def host_start(self, word: str) -> str:
        """One host booted from the disk it has."""
        host = self._lab.host(word)
        changed = self._ask("/host", instance_id=host.instance_id, action="start")
        if self._lab.host(host.instance_id).state == "off":
            raise Refused(
                f"host {host.name}",
                f"its zone {host.zone} has no power or its instance is stopped",
                "it cannot run",
                f"Bring the zone up: `{self._lab.command(f'zone up {host.zone}')}`",
            )
        return f"host {host.name} boots" if changed else f"host {host.name} is on already"

    def host_clock(self, word: str, seconds: float) -> str:
        """The wall clock of one host's agents set wrong by `seconds` (ahead, or behind when negative); 0 sets
        it right. Its engine's stays right."""
        host = self._lab.host(word)
        self._ask("/clock", instance_id=host.instance_id, seconds=str(seconds))
        if not seconds:
            return f"the clock of host {host.name} is right"
        return f"the clock of host {host.name} is {abs(seconds):g} s {'ahead' if seconds > 0 else 'behind'}"

    def zones(self) -> tuple[str, ...]:
        """Every zone that the plan or a host names, in order."""
        asked = self._lab.asked()
        planned = asked.plan.zones if asked else ()
        return tuple(sorted({*planned, *(host.zone for host in self._lab.hosts())}))

    def _in(self, zone: str) -> list[HostState]:
        """The hosts of a zone; UsageError names the zones that there are."""
        known = self.zones()
        if zone not in known:
            there = ", ".join(known) or "none yet: nothing is laid out"
            raise UsageError(f"zone {zone!r}: no zone of this lab; there are {there}")
        return [host for host in self._lab.hosts() if host.zone == zone]

    def _ask(self, path: str, **document: str) -> bool:
        return bool(control.ask(self._lab.directory, "POST", path, document, SECONDS)["changed"])


def _names(hosts: list[HostState]) -> str:
    return ", ".join(f"{host.name} ({host.role})" for host in hosts) or "no host is in it"
