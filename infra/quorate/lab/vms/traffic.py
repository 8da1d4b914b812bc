"""What goes through a VM's cable in either direction, counted by who is at the other end."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from quorate.lab.hosts.fabric import AWS_ADDRESS, METADATA_ADDRESS, Plug
from quorate.lab.hosts.namespaces import inside
from quorate.lab.vms.network import TIME_ADDRESS

AWS = frozenset({AWS_ADDRESS, METADATA_ADDRESS, TIME_ADDRESS})
"""What AWS offers to every instance without a route out."""
SWARM = frozenset({("tcp", 2377), ("tcp", 7946), ("udp", 7946), ("udp", 4789)})
DHCP = ("udp", 67)
EVERY_PROTOCOL, IPV4, ARP, IPV6 = 0x0003, 0x0800, 0x0806, 0x86DD  # linux/if_ether.h
GROUP = b"\x33\x33"
"""How the address of an IPv6 group begins on the cable (RFC 2464)."""
NEIGHBOURS = frozenset({0, 58})
"""Next headers of neighbour discovery and of group membership (RFC 4861, RFC 3810): ICMPv6, options first."""
LINKS_OWN = frozenset({"arp", "neighbours", "ip 2"})
"""What a link says of itself: ARP, IPv6's neighbours and groups, IGMP."""
PACKET, STATISTICS, FORCED_BUFFER = 263, 6, 33  # linux/socket.h, linux/if_packet.h, asm-generic/socket.h
TRANSPORTS = {6: "tcp", 17: "udp"}
HEAD = 64
"""Bytes of a frame that are looked at: Ethernet, IPv4 and ports."""


@dataclass(frozen=True)
class Flow:
    """`peer` is an address, or what a frame without one is; `port` the lower of both ends', 0 without any."""

    peer: str
    protocol: str
    port: int = 0


class Traffic:
    """Counts from the moment it is made, on a tap that is there; it reads, and changes nothing."""

    def __init__(self, netns: str, plug: Plug) -> None:
        self._own = plug.address
        self._socket = inside(netns, lambda: _listen_to(plug.cable))
        self._bytes: Counter[Flow] = Counter()
        self._missed = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count, name=f"traffic {plug.cable}", daemon=True)
        self._thread.start()

    def flows(self) -> Counter[Flow]:
        """Bytes by flow so far, Ethernet headers included."""
        with self._lock:
            return Counter(self._bytes)

    @property
    def missed(self) -> int:
        """Frames that came faster than they were counted."""
        _, dropped = struct.unpack("II", self._socket.getsockopt(PACKET, STATISTICS, 8))
        self._missed += dropped
        return self._missed

    def close(self) -> None:
        """No more is counted. Can be repeated."""
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _count(self) -> None:
        head = bytearray(HEAD)
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                try:
                    size, _ = self._socket.recvfrom_into(head, HEAD, socket.MSG_TRUNC)
                except OSError as error:
                    if isinstance(error, TimeoutError):
                        raise
                    continue  # the cable is down, or gone
                flow = flow_of(bytes(head[: min(size, HEAD)]), self._own)
                with self._lock:
                    self._bytes[flow] += size


def strangers(flows: Mapping[Flow, int], neighbours: Collection[str]) -> dict[Flow, int]:
    """What is neither AWS's, nor the network's own, nor the swarm's with one of these neighbours."""
    return {flow: count for flow, count in flows.items() if not _is_meant(flow, neighbours)}


def _is_meant(flow: Flow, neighbours: Collection[str]) -> bool:
    if flow.peer in AWS or flow.protocol in LINKS_OWN:
        return True
    if (flow.protocol, flow.port) == DHCP:
        return True
    return flow.peer in neighbours and (flow.protocol, flow.port) in SWARM


def flow_of(frame: bytes, own: str) -> Flow:
    """The flow of an Ethernet frame of which the head is given, seen from address `own`."""
    (kind,) = struct.unpack_from(">H", frame, 12)
    if kind == ARP:
        return Flow("", "arp")
    if kind == IPV6 and frame.startswith(GROUP) and len(frame) > 20 and frame[20] in NEIGHBOURS:
        return Flow("", "neighbours")
    if kind != IPV4 or len(frame) < 34:
        return Flow(frame[:12].hex(), f"ethernet {kind:#06x}")
    source, target = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
    peer = target if source == own else source
    transport = TRANSPORTS.get(frame[23])
    ports = 14 + 4 * (frame[14] & 0x0F)
    fragment = struct.unpack_from(">H", frame, 20)[0] & 0x1FFF
    if transport is None or fragment or len(frame) < ports + 4:
        return Flow(peer, transport or f"ip {frame[23]}")
    return Flow(peer, transport, min(struct.unpack_from(">HH", frame, ports)))


def _listen_to(link: str) -> socket.socket:
    frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL))
    frames.setsockopt(socket.SOL_SOCKET, FORCED_BUFFER, 64 * 2**20)
    frames.bind((link, 0))
    frames.settimeout(0.5)
    return frames
