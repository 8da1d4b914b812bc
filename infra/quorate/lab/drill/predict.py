"""The outages of a drill, each with what layout predicts for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from quorate.lab.hosts.inventory import MANAGER, HostState
from quorate.layout import survives, tolerance


@dataclass(frozen=True)
class Loss:
    """What is taken down at once: whole zones, or one host (its instance id)."""

    name: str
    zones: tuple[str, ...]
    host: str | None
    keeps_quorum: bool
    """The prediction: a leader again, and the service back at its count; or no leader."""

    def takes(self, host: HostState) -> bool:
        return host.zone in self.zones or host.instance_id == self.host


def zone_losses(spread: dict[str, int]) -> Iterator[Loss]:
    """Every single zone; then every pair, where the layout promises that any two may be lost."""
    zones, counts = list(spread), tuple(spread.values())
    at_once = 2 if tolerance(counts).zones >= 2 else 1
    for number in range(1, at_once + 1):
        for lost in combinations(range(len(zones)), number):
            names = tuple(zones[index] for index in lost)
            yield Loss(f"zone {' + '.join(names)}", names, None, survives(counts, lost))


def host_losses(spread: dict[str, int], hosts: Sequence[HostState]) -> Iterator[Loss]:
    """Every single host."""
    counts = tuple(spread.values())
    for host in hosts:
        lost = int(host.role == MANAGER)
        name = f"host {host.name} ({host.role})"
        yield Loss(name, (), host.instance_id, survives(counts, nodes_lost=lost))
