"""The cluster as its own engines tell it, beside what was asked for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.errors import Failed, Unknown
from quorate.lab.firewall.denied import Denial
from quorate.lab.hosts.inventory import CUT_OFF, MANAGER, HostState, Outages
from quorate.layout import quorum
from quorate.swarm.snapshot import LABEL_ZONE, Node

if TYPE_CHECKING:
    from quorate.lab.truth import Asked
    from quorate.swarm.engine import Engine

CERTIFICATE = Path("disk/var/lib/docker/swarm/certificates/swarm-node.crt")
"""Below a host's folder. Its subject's O is the cluster id, also on workers, whose API does not tell it."""


@dataclass(frozen=True)
class Status:
    """One look. `nodes` is empty when no manager could list them; `trouble` says what is not well yet."""

    asked: Asked | None
    hosts: tuple[HostState, ...]
    nodes: tuple[Node, ...]
    cluster_ids: tuple[str, ...]
    trouble: tuple[str, ...]

    @property
    def healthy(self) -> bool:
        return not self.trouble

    @property
    def cluster_id(self) -> str | None:
        """None unless all hosts that are in a swarm are in the same one."""
        return self.cluster_ids[0] if len(self.cluster_ids) == 1 else None

    @cached_property
    def managers(self) -> tuple[Node, ...]:
        return _by_place(node for node in self.nodes if node.reachability is not None)

    @cached_property
    def workers(self) -> tuple[Node, ...]:
        return _by_place(node for node in self.nodes if node.reachability is None)

    @property
    def leader(self) -> Node | None:
        """None without a quorum, too: a leader that has lost it believes in itself for a while."""
        if not self.managers or sum(node.reachable for node in self.managers) < quorum(len(self.managers)):
            return None
        return next((node for node in self.managers if node.leader), None)

    @property
    def milestones(self) -> dict[str, tuple[int, int]]:
        """How far the cluster has come: what -> how many there are, how many there shall be."""
        managers = len(self.asked.plan.slots) if self.asked else 0
        workers = self.asked.workers if self.asked else 0
        return {
            "engines": (sum(host.engine for host in self.hosts), managers + workers),
            "joined": (sum(host.state == "running" for host in self.hosts), managers + workers),
            "managers reachable": (sum(node.reachable for node in self.managers), managers),
            "workers active": (sum(_at_work(node) for node in self.workers), workers),
        }

    @property
    def spread(self) -> dict[str, int]:
        """Members of raft by zone, reachable or not; a node without its label counts in zone `?`."""
        return dict(sorted(Counter(zone_of(node) for node in self.managers).items()))

    @property
    def tolerates(self) -> dict[str, int]:
        """How many more reachable managers, or how many whole zones, whichever they are, may fail."""
        reachable = Counter(zone_of(node) for node in self.managers if node.reachable)
        return spare(len(self.managers), reachable)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "healthy": self.healthy,
            "cluster_id": self.cluster_id,
            "leader": self.leader.hostname if self.leader else None,
            "managers": [
                {"node": node.hostname, "zone": zone_of(node), "reachability": node.reachability}
                for node in self.managers
            ],
            "workers": [
                {"node": node.hostname, "zone": zone_of(node), "state": node.state} for node in self.workers
            ],
            "spread": self.spread,
            "tolerates": self.tolerates,
        }


def spare(members: int, reachable: Mapping[str, int]) -> dict[str, int]:
    """How many nodes, and how many whole zones, may fail when these of `members` managers are reachable."""
    if members == 0 or sum(reachable.values()) < quorum(members):
        return {"nodes": 0, "zones": 0}
    left = nodes = sum(reachable.values()) - quorum(members)
    zones = 0
    for count in sorted(reachable.values(), reverse=True):
        left -= count
        if left < 0:
            break
        zones += 1
    return {"nodes": nodes, "zones": zones}


def zone_of(node: Node) -> str:
    return node.labels.get(LABEL_ZONE, "?")


def _at_work(worker: Node) -> bool:
    return worker.ready and worker.availability == "active" and not worker.changing


def _by_place(nodes: Iterable[Node]) -> tuple[Node, ...]:
    return tuple(sorted(nodes, key=lambda node: (zone_of(node), _octets(node.address), node.id)))


def _octets(address: str) -> tuple[int, ...]:
    return tuple(int(word) for word in re.findall(r"\d+", address))


def read_cluster_id(folder: Path) -> str | None:
    """The cluster that a host's node certificate was issued for; None while it has none."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
    except (OSError, ValueError):
        return None
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(names[0].value) if names else None


class Observer:
    """Looks at one lab again and again; keeps its connections to the engines."""

    def __init__(self, hosts_folder: Path) -> None:
        self._folder = hosts_folder
        self._engines: dict[str, Engine] = {}

    def look(self, hosts: Sequence[HostState], asked: Asked | None, told: Sequence[str] = ()) -> Status:
        """What is there now. An engine that does not answer is left out, never waited for long.

        `told` is trouble that is known otherwise, and comes first.
        """
        nodes, trouble = self._nodes(hosts)
        found = {read_cluster_id(self._folder / host.instance_id) for host in hosts if host.docker_host}
        clusters = tuple(sorted(cluster for cluster in found if cluster))
        if not nodes and asked is not None and any(host.state in {"off", CUT_OFF} for host in hosts):
            lacking = [*several(clusters), *powerless(asked, hosts)]
        else:
            lacking = missing(asked, nodes, clusters)
        trouble = [*told, *_unjoined(hosts), *trouble, *lacking]
        return Status(asked, tuple(hosts), nodes, clusters, tuple(dict.fromkeys(trouble)))

    def _nodes(self, hosts: Sequence[HostState]) -> tuple[tuple[Node, ...], list[str]]:
        """The list of the first manager that has one; why not, when none has.

        One is asked, and when it has none the others all at once; all at once from the start when some
        host is down. Nobody is asked who is cut off, while others are not: such a leader believes in
        itself for a while.
        """
        managers = [host for host in hosts if host.role == MANAGER and host.docker_host is not None]
        asked = [host for host in managers if host.state != CUT_OFF] or managers
        asked.sort(key=lambda host: host.state != "running")
        reasons: list[str] = []
        at_first = len(asked) if any(host.state in {"off", CUT_OFF} for host in hosts) else 1
        for some in (asked[:at_first], asked[at_first:]):
            if not some:
                continue
            with ThreadPoolExecutor(len(some)) as together:
                for nodes, reason in together.map(self._list, some):
                    if nodes:
                        return nodes, []
                    reasons.append(reason)
        return (), reasons[:1] or ["no manager's engine answers yet"]

    def _list(self, host: HostState) -> tuple[tuple[Node, ...], str]:
        assert host.docker_host is not None
        try:
            return self._engine(host.docker_host).nodes(), ""
        except Unknown as silence:
            return (), f"{host.name}: {silence}"
        except Failed as refusal:
            return (), f"{host.name}: {_plain(str(refusal))}"

    def _engine(self, docker_host: str) -> Engine:
        from quorate.swarm.engine import Engine

        if docker_host not in self._engines:
            self._engines[docker_host] = Engine(docker_host, timeout=3.0)
        return self._engines[docker_host]


def missing(asked: Asked | None, nodes: Sequence[Node], clusters: Sequence[str]) -> list[str]:
    """What stands between the swarm that is there and the cluster that was asked for, in words."""
    if asked is None:
        return ["nothing is laid out; next: `scripts/lab deploy`"]
    trouble = several(clusters)
    members = [node for node in nodes if node.reachability is not None]
    reachable = Counter(zone_of(node) for node in members if node.reachable)
    planned = Counter(slot.zone for slot in asked.plan.slots)
    for zone, count in sorted(planned.items()):
        if reachable[zone] != count:
            trouble.append(f"{zone}: {reachable[zone]} of {count} managers reachable")
    for node in members:
        if not node.reachable:
            trouble.append(f"{node.hostname}: manager {node.reachability}")
        elif zone_of(node) not in planned:
            trouble.append(
                f"{node.hostname}: a manager in zone {zone_of(node)}, which the plan does not have"
            )
    answering, needed = sum(node.reachable for node in members), quorum(len(members)) if members else 0
    if answering < needed:
        trouble.append(f"no quorum: {answering} of {len(members)} managers reachable, {needed} needed")
    elif members and not any(node.leader for node in members):
        trouble.append("no leader")
    workers = [node for node in nodes if node.reachability is None]
    ready = [node for node in workers if _at_work(node)]
    if len(ready) != asked.workers or len(workers) != asked.workers:
        extra = len(workers) - len(ready)
        beside = f", {extra} more not ready or not active" if extra else ""
        trouble.append(f"{len(ready)} of {asked.workers} workers ready and active{beside}")
    return trouble


def several(clusters: Sequence[str]) -> list[str]:
    return [f"more than one cluster: {', '.join(clusters)}"] if len(clusters) > 1 else []


def powerless(asked: Asked, hosts: Sequence[HostState]) -> list[str]:
    """What can be said of a cluster in which no manager lists the nodes, from its hosts alone."""
    managers = [host for host in hosts if host.role == MANAGER]
    running = sum(host.state not in {"off", CUT_OFF} for host in managers)
    planned = len(asked.plan.slots)
    return [f"{running} of {planned} managers have power and a network; a leader needs {quorum(planned)}"]


def outage_lines(
    outages: Outages, hosts: Sequence[HostState], command: Callable[[str], str]
) -> Iterator[str]:
    """What was taken down by hand, and what brings it back."""
    for zone in sorted(outages.dark):
        yield f"zone {zone} has no power; back with `{command(f'zone up {zone}')}`"
    for zone in sorted(outages.cut):
        yield f"zone {zone} is cut off from the others and from AWS; back with `{command(f'zone up {zone}')}`"
    for host in hosts:
        if host.instance_id in outages.held:
            yield f"{host.name} is switched off; back with `{command(f'host start {host.name}')}`"


def denial_lines(denials: Iterable[Denial]) -> Iterator[str]:
    """Packets that were denied lately, each with the rule that it lacked."""
    for denial in denials:
        if denial.recent:
            yield f"denied: {denial.text} ({denial.count} packets)"


def _unjoined(hosts: Sequence[HostState]) -> list[str]:
    return [f"{host.name}: join failed: {host.reason}" for host in hosts if host.state == "failed"]


def _plain(refusal: str) -> str:
    """Docker's sentence about a lost quorum, without its advice for another situation."""
    return "the swarm has no leader" if "does not have a leader" in refusal else refusal
