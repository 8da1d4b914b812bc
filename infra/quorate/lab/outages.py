"""Zones and single hosts taken down by hand, and up again: the daemon's side of it.

A zone without power: its hosts are off, launches fail there, and EC2 does not answer for what is in it,
while it goes on to say "running" of it elsewhere. A zone that is cut off runs, and nothing passes its
border. Each call may be repeated: what is so already is said to be so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from quorate.errors import Refused
from quorate.lab.cloud.faults import Fault
from quorate.lab.hosts.inventory import Inventory, Outages

if TYPE_CHECKING:
    from quorate.lab.cloud import Cloud
    from quorate.lab.control import Route

SILENT = Fault(
    "error",
    action="ec2:*",
    code="Unavailable",
    message="The server is overloaded and can't handle the request.",
    status=503,
)
"""EC2 of a zone that is lost (EC2 API Reference, "Error codes", server errors)."""


class Switches:
    """Carries out one switch after the other."""

    def __init__(self, cloud: Cloud, inventory: Inventory, filter_again: Callable[[], None]) -> None:
        self._cloud = cloud
        self._inventory = inventory
        self._filter_again = filter_again
        self._lock = threading.Lock()
        self._silenced: dict[str, list[int]] = {}

    def routes(self) -> dict[tuple[str, str], Route]:
        return {
            ("POST", "/zone"): self._zone,
            ("POST", "/host"): self._host,
            ("POST", "/clock"): self._clock,
        }

    @property
    def present(self) -> Outages:
        return self._inventory.outages

    def _zone(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        zone = asked["zone"]
        with self._lock:
            switch = {"down": self._zone_dark, "cut": self._zone_cut, "up": self._zone_up}[asked["action"]]
            return {"changed": switch(zone)}

    def _zone_dark(self, zone: str) -> bool:
        before = self.present
        if zone in before.dark:
            return False
        self._cloud.close_zone(zone)
        self._silence(zone)
        self._inventory.change(replace(before, dark=before.dark | {zone}, cut=before.cut - {zone}))
        self._filter_again()
        return True

    def _zone_cut(self, zone: str) -> bool:
        before = self.present
        if zone in before.dark:
            raise Refused(
                f"zone {zone}",
                "a zone that is cut off goes on running",
                "this one has no power",
                f"Bring it up first: zone up {zone}",
            )
        self._inventory.change(replace(before, cut=before.cut | {zone}))
        self._filter_again()
        return zone not in before.cut

    def _zone_up(self, zone: str) -> bool:
        before = self.present
        self._cloud.open_zone(zone)
        for number in self._silenced.pop(zone, ()):
            self._cloud.faults.remove(number)
        self._inventory.change(replace(before, dark=before.dark - {zone}, cut=before.cut - {zone}))
        self._filter_again()
        return zone in before.dark | before.cut

    def _silence(self, zone: str) -> None:
        """EC2 calls that name an instance of the zone get no answer; calls about other zones do."""
        self._silenced[zone] = [
            self._cloud.faults.add(replace(SILENT, containing=instance.id))
            for instance in self._cloud.instances()
            if instance.zone_id == zone and instance.private_ip is not None
        ]

    def _host(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._lock:
            return {"changed": self._switch(asked["instance_id"], asked["action"])}

    def _clock(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self._inventory.set_clock(asked["instance_id"], float(asked["seconds"]))
        return {"changed": True}

    def _switch(self, instance_id: str, action: str) -> bool:
        before = self.present
        held = before.held & self._known()
        if action == "start":
            self._filter_again()
            self._inventory.change(replace(before, held=held - {instance_id}))
            return instance_id in held
        if instance_id in held or any(
            host.instance_id == instance_id and host.state == "off" for host in self._inventory.states()
        ):
            return False
        self._inventory.change(replace(before, held=held | {instance_id}), gently=action == "stop")
        return True

    def _known(self) -> frozenset[str]:
        return frozenset(_ids(self._inventory))

    def to_json(self) -> dict[str, list[str]]:
        """What is down now, as `lab status` needs it."""
        now = self.present
        return {
            "dark": sorted(now.dark),
            "cut": sorted(now.cut),
            "held": sorted(now.held & self._known()),
        }


def _ids(inventory: Inventory) -> Iterable[str]:
    return (host.instance_id for host in inventory.states())
