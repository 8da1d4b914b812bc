"""The VPC on one machine: a network namespace with a bridge per subnet, routing between them.

Nothing of it touches the root namespace: bridges, routes and both ends of every cable live in the
fabric's namespace and in the hosts'. What AWS would offer to nodes listens here, on link-local
addresses that no VPC can have.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

from quorate.errors import Failed
from quorate.lab.hosts.command import attempt, run
from quorate.lab.hosts.names import Names, short
from quorate.lab.hosts.namespaces import RUN_NETNS, inside, listen

AWS_ADDRESS = "169.254.171.1"
"""Where nodes find AWS. 169.254.0.0/16 is reserved in every VPC (Amazon VPC user guide, VPC CIDR blocks)."""

REGISTRY_ADDRESS = "169.254.171.2"
METADATA_ADDRESS = "169.254.169.254"

BRIDGED = {"bridge-nf-call-iptables": "1", "bridge-nf-call-ip6tables": "1", "bridge-nf-call-arptables": "0"}
"""Filters see what goes from host to host inside one subnet too, as security groups do."""


@dataclass(frozen=True)
class Plug:
    """Where a host is connected: its subnet's bridge, and its address there."""

    instance_id: str
    subnet_id: str
    subnet: IPv4Network
    address: str
    mac: str

    @property
    def bridge(self) -> str:
        return self.links(self.subnet_id, self.instance_id)[0]

    @property
    def cable(self) -> str:
        """The fabric's end of the host's cable."""
        return self.links(self.subnet_id, self.instance_id)[1]

    @staticmethod
    def links(subnet_id: str, instance_id: str) -> tuple[str, str]:
        """The names of a subnet's bridge and of a host's cable in the fabric."""
        return f"s-{short(subnet_id)}", f"h-{short(instance_id)}"

    @property
    def gateway(self) -> IPv4Interface:
        """The subnet's first address, where a VPC has its router."""
        return IPv4Interface((self.subnet.network_address + 1, self.subnet.prefixlen))

    @property
    def router(self) -> str:
        """Its hardware address. A bridge without one of its own takes its lowest port's, and another when
        that host goes: its neighbours would be cut off until they forget the old one, half a minute later."""
        return "06:00:" + self.gateway.ip.packed.hex(":")


class Fabric:
    """The namespace of one lab's network. Methods may be called from several threads."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.netns = names.fabric
        self._lock = threading.Lock()

    def create(self) -> None:
        """An empty fabric; Failed if one of this lab is there already."""
        run(["ip", "netns", "add", self.netns])
        self._batch(
            "link set lo up",
            f"addr add {AWS_ADDRESS}/32 dev lo",
            f"addr add {REGISTRY_ADDRESS}/32 dev lo",
        )
        inside(self.netns, _route_between_bridges)

    def exists(self) -> bool:
        return (RUN_NETNS / self.netns).exists()

    def listen(self, address: str, port: int) -> socket.socket:
        return listen(self.netns, address, port)

    def plug_in(self, plug: Plug) -> None:
        """A fresh network namespace for the host, on its subnet's bridge, with the metadata address on it."""
        netns = self.names.netns(plug.instance_id)
        run(["ip", "netns", "add", netns])
        with self._lock:
            if not self._has(plug.bridge):
                self._batch(
                    f"link add {plug.bridge} address {plug.router} type bridge",
                    f"addr add {plug.gateway} dev {plug.bridge}",
                    f"link set {plug.bridge} up",
                )
            self._batch(
                f"link add {plug.cable} type veth peer name eth0 address {plug.mac} netns {netns}",
                f"link set {plug.cable} master {plug.bridge} up",
            )
        run(
            ["ip", "-n", netns, "-batch", "-"],
            stdin=_lines(
                "link set lo up",
                f"addr add {METADATA_ADDRESS}/32 dev lo",
                f"addr add {plug.address}/{plug.subnet.prefixlen} dev eth0",
                "link set eth0 up",
                f"route add default via {plug.gateway.ip}",
            ),
        )

    def cut(self, plugs: list[Plug]) -> None:
        """From now on no packet reaches or leaves these hosts; one step for all of them."""
        if plugs:
            attempt(
                ["ip", "-n", self.netns, "-force", "-batch", "-"],
                stdin=_lines(*(f"link set {plug.cable} down" for plug in plugs)),
            )

    def unplug(self, plug: Plug) -> None:
        """Takes away the cable, the host's namespace, and the bridge when it was the subnet's last host."""
        with self._lock:
            attempt(["ip", "-n", self.netns, "link", "del", plug.cable])
            if self._has(plug.bridge) and not self._ports(plug.bridge):
                attempt(["ip", "-n", self.netns, "link", "del", plug.bridge])
        attempt(["ip", "netns", "del", self.names.netns(plug.instance_id)])

    def _has(self, link: str) -> bool:
        return inside(self.netns, lambda: link in [name for _, name in socket.if_nameindex()])

    def _ports(self, bridge: str) -> bool:
        return bool(run(["ip", "-n", self.netns, "-o", "link", "show", "master", bridge]).strip())

    def _batch(self, *lines: str) -> None:
        try:
            run(["ip", "-n", self.netns, "-batch", "-"], stdin=_lines(*lines))
        except Failed as error:
            raise Failed(f"{error} (of: {'; '.join(lines)})") from error


def _route_between_bridges() -> None:
    """Runs inside the fabric's namespace; every key here is the namespace's own."""
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    bridge = Path("/proc/sys/net/bridge")  # absent in a namespace of a kernel where it is the machine's
    for key, wanted in BRIDGED.items():
        with suppress(FileNotFoundError):
            (bridge / key).write_text(wanted)


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)
