"""A VM's cable into the lab's fabric: a tap on its subnet's bridge, an address by DHCP, its own metadata."""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

from quorate.lab.hosts.command import attempt, run
from quorate.lab.hosts.fabric import METADATA_ADDRESS, Fabric, Plug
from quorate.lab.hosts.names import LAB_VARIABLE, Names, short
from quorate.lab.hosts.namespaces import RUN_NETNS, inside

TIME_ADDRESS = "169.254.169.123"
"""The Amazon Time Sync Service (EC2 User Guide)."""
FIRST_PORT = 20000
NTP_EPOCH = 2208988800
"""Seconds from 1900 to 1970 (RFC 5905)."""

DHCP_SERVER = (
    *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--log-facility=-"),
    *("--port=0", "--no-resolv", "--bind-dynamic", "--leasefile-ro", "--pid-file"),
    *("--dhcp-authoritative", "--no-ping"),
)


class VmFabric(Fabric):
    """The fabric with cables for VMs instead of hosts: dnsmasq gives addresses, a clock gives the time."""

    def __init__(self, names: Names) -> None:
        super().__init__(names)
        self._leases = names.directory / "dhcp-hosts"
        self._dhcp: subprocess.Popen[bytes] | None = None
        self._plugs: dict[str, Plug] = {}
        self._metadata_ports: dict[str, int] = {}
        self._clock: socket.socket | None = None

    def create(self) -> None:
        super().create()
        self._batch(f"addr add {TIME_ADDRESS}/32 dev lo")
        self._clock = inside(self.netns, _open_clock)
        threading.Thread(target=_tell_time, args=(self._clock,), daemon=True).start()

    def plug_in_vm(self, plug: Plug) -> socket.socket:
        """The VM's tap is there; the socket listens for its questions to the metadata service."""
        with self._lock:
            if not self._has(plug.bridge):
                self._batch(
                    f"link add {plug.bridge} type bridge",
                    f"addr add {plug.gateway} dev {plug.bridge}",
                    f"link set {plug.bridge} up",
                )
            self._batch(
                f"tuntap add dev {plug.cable} mode tap",
                f"link set {plug.cable} master {plug.bridge} up",
            )
            self._plugs[plug.instance_id] = plug
            self._serve_addresses()
            port = self._metadata_ports.setdefault(plug.instance_id, FIRST_PORT + len(self._metadata_ports))
            self._redirect("-A", plug, port)
        return self.listen("0.0.0.0", port)

    def unplug_vm(self, plug: Plug) -> None:
        with self._lock:
            self._plugs.pop(plug.instance_id, None)
            with suppress(KeyError):
                self._redirect("-D", plug, self._metadata_ports[plug.instance_id])
            attempt(["ip", "-n", self.netns, "link", "del", plug.cable])

    def remove(self) -> None:
        """Nothing of the fabric is left; VMs that still ran lose their network."""
        if self._dhcp is not None:
            self._dhcp.terminate()
            self._dhcp.wait()
        if self._clock is not None:
            self._clock.close()
        attempt(["ip", "netns", "del", self.netns])

    def inside_argv(self, argv: list[str]) -> list[str]:
        """What runs a program in the fabric's namespace."""
        return ["nsenter", f"--net={RUN_NETNS / self.netns}", "--", *argv]

    def _redirect(self, action: str, plug: Plug, port: int) -> None:
        words = f"-t nat {action} PREROUTING -s {plug.address} -d {METADATA_ADDRESS} -p tcp --dport 80"
        run(self.inside_argv(["iptables", "-w", *words.split(), "-j", "REDIRECT", "--to-ports", str(port)]))

    def _serve_addresses(self) -> None:
        """dnsmasq reads reservations again on SIGHUP; a new subnet needs it started again."""
        self._leases.write_text("".join(f"{plug.mac},{plug.address}\n" for plug in self._plugs.values()))
        subnets = sorted({plug.subnet for plug in self._plugs.values()})
        words = [f"--dhcp-range={subnet.network_address},static,{subnet.netmask},12h" for subnet in subnets]
        if self._dhcp is not None and self._dhcp.poll() is None:
            if list(self._dhcp.args)[-len(words) :] == words:  # type: ignore[arg-type]
                self._dhcp.send_signal(signal.SIGHUP)
                return
            self._dhcp.terminate()
            self._dhcp.wait()
        log = (self.names.directory / "dhcp.log").open("ab")
        with log:
            self._dhcp = subprocess.Popen(
                self.inside_argv([*DHCP_SERVER, f"--dhcp-hostsfile={self._leases}", *words]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", LAB_VARIABLE: self.names.lab_id},
            )


def _open_clock() -> socket.socket:
    clock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    clock.bind((TIME_ADDRESS, 123))
    return clock


def _tell_time(clock: socket.socket) -> None:
    """SNTP (RFC 4330) as a primary server: this machine's clock."""
    while True:
        try:
            question, asker = clock.recvfrom(512)
        except OSError:
            return
        if len(question) < 48:
            continue
        now = int((time.time() + NTP_EPOCH) * 2**32)
        head = struct.pack(">BBbbII4s", 0x24, 1, 6, -20, 0, 0, b"LOCL")
        stamps = struct.pack(">Q", now) + question[40:48] + struct.pack(">QQ", now, now)
        with suppress(OSError):
            clock.sendto(head + stamps, asker)


def folder_of(names: Names, instance_id: str) -> Path:
    return names.directory / "vms" / short(instance_id)
