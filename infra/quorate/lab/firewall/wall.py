"""The filters in the fabric's namespace, kept in step with the cloud's instances and security groups."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from quorate.lab.firewall import packets, rules
from quorate.lab.firewall.denied import Denial, Journal, explain
from quorate.lab.firewall.render import REPORTS, Port, Services, render
from quorate.lab.firewall.rules import Firewall
from quorate.lab.hosts.command import run
from quorate.lab.hosts.fabric import AWS_ADDRESS, REGISTRY_ADDRESS, Fabric, Plug
from quorate.lab.hosts.inventory import Instance
from quorate.lab.hosts.names import hostname, short
from quorate.lab.hosts.namespaces import RUN_NETNS, inside

SERVICES = {AWS_ADDRESS: "AWS", REGISTRY_ADDRESS: "the registry"}


class Grouped(Instance, Protocol):
    """An instance with its security groups."""

    @property
    def security_groups(self) -> tuple[str, ...]: ...


class Wall:
    """One lab's filters. Until the first `follow` nothing passes between hosts."""

    def __init__(self, fabric: Fabric, services: Services, *, say: Callable[[str], None]) -> None:
        self._fabric = fabric
        self._services = services
        self._say = say
        self._lock = threading.Lock()
        self._applied = ""
        self._ports: dict[str, Port] = {}
        self._firewall = Firewall()
        self._journal = Journal()

    def raise_up(self) -> None:
        """Filters without any host, IPv6 closed as in a VPC that has none, and reports listened to."""
        self._restore("ip6tables-restore", "*filter\n:INPUT DROP\n:FORWARD DROP\n:OUTPUT ACCEPT\nCOMMIT\n")
        self._apply((), Firewall(), ())
        reports = inside(self._fabric.netns, lambda: packets.listen(REPORTS))
        threading.Thread(target=self._hear, args=(reports,), name="denied packets", daemon=True).start()

    def follow(self, instances: Iterable[Grouped], cut: Iterable[str]) -> None:
        """Filters for these instances, the groups as they are now, and these zones cut off; at once.

        An instance that is being started has its filters when this returns.
        """
        ports = tuple(_port(one, one.private_ip) for one in instances if one.private_ip is not None)
        self._apply(ports, rules.read(), tuple(cut))

    def denials(self) -> list[Denial]:
        return self._journal.all()

    def _apply(self, ports: tuple[Port, ...], firewall: Firewall, cut: tuple[str, ...]) -> None:
        with self._lock:
            text = render(ports, firewall, cut, self._services)
            self._ports, self._firewall = {port.address: port for port in ports}, firewall
            if text != self._applied:
                self._restore("iptables-restore", text)
                self._applied = text

    def _restore(self, program: str, text: str) -> None:
        run(["nsenter", f"--net={RUN_NETNS / self._fabric.netns}", program, "--wait"], stdin=text)

    def _hear(self, reports: socket.socket) -> None:
        while True:
            try:
                message = reports.recv(1 << 16)
            except OSError:
                continue  # reports were lost because too many came at once; the next ones are read
            for packet in packets.read(message):
                text = explain(packet, self._ports, SERVICES, self._firewall)
                if text is not None and self._journal.add(text):
                    self._say(f"denied: {text}")


def _port(instance: Grouped, address: str) -> Port:
    bridge, cable = Plug.links(instance.subnet_id, instance.id)
    return Port(
        key=short(instance.id),
        name=hostname(address),
        address=address,
        cable=cable,
        bridge=bridge,
        zone=instance.zone_id,
        groups=instance.security_groups,
    )
