"""Frames, put together by hand as the standards say, are taken for what they are."""

from __future__ import annotations

import socket
import struct

import pytest

from quorate.lab.hosts.fabric import AWS_ADDRESS
from quorate.lab.vms.traffic import flow_of, strangers

OWN, NEIGHBOUR, ANYBODY = "10.20.0.4", "10.20.32.4", "192.0.2.1"
VM = bytes.fromhex("02000a140004")
ALL_ROUTERS, MDNS = bytes.fromhex("333300000016"), bytes.fromhex("3333000000fb")
TCP, UDP, IGMP, ICMP6, OPTIONS = 6, 17, 2, 58, 0


def ipv4(source: str, target: str, protocol: int, ports: tuple[int, int] = (0, 0)) -> bytes:
    head = struct.pack(">BBHHHBBH", 0x45, 0, 40, 0, 0, 64, protocol, 0)
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    return VM + VM + b"\x08\x00" + head + addresses + struct.pack(">HH", *ports) + bytes(16)


def ipv6(group: bytes, following: int) -> bytes:
    return group + VM + b"\x86\xdd" + struct.pack(">IHBB", 6 << 28, 8, following, 1) + bytes(40)


MEANT = {
    "a question to AWS": ipv4(OWN, AWS_ADDRESS, TCP, (40000, 4615)),
    "AWS's answer": ipv4(AWS_ADDRESS, OWN, TCP, (4615, 40000)),
    "a manager that answers": ipv4(NEIGHBOUR, OWN, TCP, (2377, 40000)),
    "an overlay's packet": ipv4(OWN, NEIGHBOUR, UDP, (4789, 40000)),
    "IGMP": ipv4("10.20.0.1", "224.0.0.1", IGMP),
    "MLD": ipv6(ALL_ROUTERS, OPTIONS),
    "neighbour discovery": ipv6(ALL_ROUTERS, ICMP6),
    "ARP": VM + VM + b"\x08\x06" + bytes(28),
}
NOT_MEANT = {
    "https to anybody": ipv4(OWN, ANYBODY, TCP, (40000, 443)),
    "a name server": ipv4(OWN, ANYBODY, UDP, (40000, 53)),
    "ssh to a neighbour": ipv4(OWN, NEIGHBOUR, TCP, (40000, 22)),
    "a manager elsewhere": ipv4(OWN, ANYBODY, TCP, (40000, 2377)),
    "multicast DNS": ipv6(MDNS, UDP),
    "IPv6 to a host": ipv6(VM, TCP),
    "ICMPv6 to a host": ipv6(VM, ICMP6),
}


@pytest.mark.parametrize("kind", [*MEANT, *NOT_MEANT])
def test_only_the_links_own_aws_and_the_swarm_are_meant(kind: str) -> None:
    flow = flow_of((MEANT | NOT_MEANT)[kind], OWN)
    assert (strangers({flow: 64}, {NEIGHBOUR}) == {}) == (kind in MEANT), flow
