"""Packets that the fabric's filters denied, as the kernel reports them to whoever listens.

Formats: linux/netfilter/nfnetlink_log.h and netlink(7) for the messages, RFC 791 for the packet in them.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

NETLINK_NETFILTER = 12
CONFIG, PACKET = 0x401, 0x400
"""Message types: the log's subsystem (4) in the upper byte."""
REQUEST_WITH_ANSWER = 0x1 | 0x4
PREFIX, PAYLOAD = 10, 9
COMMAND, MODE = 1, 2
BIND, COPY_PACKET = 1, 2
KEPT = 64
"""Bytes of each packet that are asked for: the headers."""
RECEIVE_BUFFER = 1 << 20

PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 50: "esp"}
WITH_PORTS = frozenset({6, 17})


@dataclass(frozen=True)
class Packet:
    """`where` is the filter's own word; `port` is the receiver's, None where the protocol has none."""

    where: str
    source: str
    target: str
    protocol: str
    port: int | None


def listen(group: int) -> socket.socket:
    """A socket that reports come to; to be called inside the namespace whose log it is."""
    reports = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    reports.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    reports.bind((0, 0))
    for kind, value in (
        (COMMAND, struct.pack("=B", BIND)),
        (MODE, struct.pack(">IBB", KEPT, COPY_PACKET, 0)),
    ):
        body = struct.pack("=BBH", 0, 0, socket.htons(group)) + _attribute(kind, value)
        reports.send(struct.pack("=IHHII", 16 + len(body), CONFIG, REQUEST_WITH_ANSWER, 1, 0) + body)
        code = struct.unpack_from("=i", reports.recv(4096), 16)[0]
        if code:
            reports.close()
            raise OSError(-code, "the kernel does not report denied packets")
    return reports


def read(message: bytes) -> Iterator[Packet]:
    """The IPv4 packets in one datagram of netlink messages."""
    at = 0
    while at + 16 <= len(message):
        length, kind = struct.unpack_from("=IH", message, at)
        if length < 16:
            return
        if kind == PACKET:
            found = dict(_attributes(message[at + 20 : at + length]))
            where = found.get(PREFIX, b"").rstrip(b"\0").decode("ascii", "replace")
            packet = _packet(where, found.get(PAYLOAD, b""))
            if packet is not None:
                yield packet
        at += (length + 3) & ~3


def _packet(where: str, raw: bytes) -> Packet | None:
    if len(raw) < 20 or raw[0] >> 4 != 4:
        return None
    number, header = raw[9], (raw[0] & 0xF) * 4
    port = None
    if number in WITH_PORTS and len(raw) >= header + 4:
        port = struct.unpack_from(">H", raw, header + 2)[0]
    source, target = (str(IPv4Address(raw[at : at + 4])) for at in (12, 16))
    return Packet(where, source, target, PROTOCOLS.get(number, str(number)), port)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def _attributes(raw: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(raw):
        length, kind = struct.unpack_from("=HH", raw, at)
        if length < 4:
            return
        yield kind & 0x7FFF, raw[at + 4 : at + length]
        at += (length + 3) & ~3
