"""Denied packets in words: who sent what to whom, and which rule is not there."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

from quorate.lab.firewall.packets import Packet
from quorate.lab.firewall.render import IN, SPOOFED, Port
from quorate.lab.firewall.rules import Firewall

RECENT_SECONDS = 30.0
"""For which a denial is news: what still wants to pass tries again within that time."""
MOST = 500


@dataclass(frozen=True)
class Denial:
    """One kind of packet that was denied, how often, and when last (epoch seconds)."""

    text: str
    count: int
    last: float

    @property
    def recent(self) -> bool:
        return time.time() - self.last < RECENT_SECONDS

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def explain(
    packet: Packet, ports: Mapping[str, Port], services: Mapping[str, str], wall: Firewall
) -> str | None:
    """Which rule the packet lacked; None when an end of it is neither host nor service."""
    sender, receiver = ports.get(packet.source), ports.get(packet.target)
    what = packet.protocol if packet.port is None else f"{packet.protocol} {packet.port}"
    if packet.where == SPOOFED:
        return f"{what} to {packet.target} from {packet.source}, which is not its sender's own address"
    if sender is None or (receiver is None and packet.target not in services):
        return None
    if receiver is None:
        return _to_service(what, services[packet.target], sender, wall)
    pair = f"{what} from {sender.name} to {receiver.name}"
    if packet.where == IN:
        return (
            f"{pair}: no ingress rule of {_names(receiver, wall)} lets {what} in from {_names(sender, wall)}"
        )
    return f"{pair}: no egress rule of {_names(sender, wall)} lets {what} out to {_names(receiver, wall)}"


def _to_service(what: str, service: str, sender: Port, wall: Firewall) -> str:
    if wall.reaches_aws(sender.groups):
        return f"{what} to {service} from {sender.name}: nothing but HTTPS is there"
    return (
        f"HTTPS to {service} from {sender.name}: no egress rule of {_names(sender, wall)} lets tcp 443 "
        f"out to it (anywhere, a gateway endpoint, or an interface endpoint that lets it in)"
    )


def _names(port: Port, wall: Firewall) -> str:
    return " or ".join(sorted(group.name for group in wall.of(port.groups))) or "any group: it has none"


class Journal:
    """Denials in the order in which they came last; the same one again is only counted."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: OrderedDict[str, Denial] = OrderedDict()

    def add(self, text: str) -> bool:
        """Whether it is news."""
        with self._lock:
            before = self._held.pop(text, None)
            self._held[text] = Denial(text, before.count + 1 if before else 1, time.time())
            if len(self._held) > MOST:
                self._held.popitem(last=False)
            return before is None or not before.recent

    def all(self) -> list[Denial]:
        with self._lock:
            return list(self._held.values())
