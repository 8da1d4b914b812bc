"""Takes down, watches, brings back: one outcome for each outage, the prediction beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from quorate.errors import Failed, QuorateError, Refused, Unknown
from quorate.lab import folder
from quorate.lab.drill import service
from quorate.lab.drill.predict import Loss, host_losses, zone_losses
from quorate.lab.hosts.inventory import MANAGER, WORKER, HostState
from quorate.lab.progress import Progress
from quorate.layout import quorum

if TYPE_CHECKING:
    from quorate.lab.lab import Lab

LEADER, NO_LEADER = "leader", "no leader"
PATIENCE = 120.0
"""Seconds that a prediction has to come true."""
BELIEF = 45.0
"""Seconds without any leader after which there is none: an election takes less."""
LOOK = 0.25


@dataclass(frozen=True)
class Outcome:
    """Seconds from the outage to a leader, and to the service at its count; None where that never came."""

    lost: str
    predicted: str
    seen: str
    seconds_to_leader: float | None
    seconds_to_full_count: float | None
    failed_requests: int
    requests: int

    @property
    def as_predicted(self) -> bool:
        if self.predicted != self.seen:
            return False
        return self.seen == NO_LEADER or self.seconds_to_full_count is not None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "as_predicted": self.as_predicted}


def drill(lab: Lab, only: str, progress: Progress) -> Iterator[Outcome]:
    """Rehearses `zones`, `hosts` or `all`. Refused unless the cluster is whole; leaves it whole.

    However it ends, what it took down is up again and its service is removed.
    """
    with folder.exclusive(lab.directory, "drill"):
        status = lab.status()
        if not status.healthy:
            raise Refused(
                "drill",
                "begins with a whole cluster",
                "; ".join(status.trouble),
                f"See `{lab.command('status')}`, and drill again",
            )
        hosts = lab.hosts()
        losses: list[Loss] = []
        if only in {"zones", "all"}:
            losses += zone_losses(status.spread)
        if only in {"hosts", "all"}:
            losses += host_losses(status.spread, hosts)
        replicas = max(3, sum(host.role == WORKER for host in hosts))
        engine = next(str(host.docker_host) for host in hosts if host.role == MANAGER)
        with service.running(engine, lab.image(), replicas):
            rehearsal = Rehearsal(lab, replicas, progress)
            rehearsal.settle()
            for loss in losses:
                yield rehearsal.of(loss)


class Rehearsal:
    """One cluster with the drill's service on it."""

    def __init__(self, lab: Lab, replicas: int, progress: Progress) -> None:
        self._lab = lab
        self._replicas = replicas
        self._progress = progress

    def settle(self) -> None:
        """Waits until the service is at its count and every client is answered."""
        self._lab.wait_healthy()
        hosts = self._lab.hosts()
        if self._first(lambda: self._full(hosts, frozenset())) is None:
            raise Failed(f"the drill's service does not reach {self._replicas} tasks on the whole cluster")
        since = time.time()
        workers = [host for host in hosts if host.role == WORKER]
        if self._first(lambda: _answered(workers, since)) is None:
            raise Failed("the drill's clients get no answers on the whole cluster")

    def of(self, loss: Loss) -> Outcome:
        """Takes it down, watches, brings it back and waits until all is whole."""
        self._progress.begin(loss.name)
        hosts = self._lab.hosts()
        labelled = {node.instance: node.id for node in self._lab.status().nodes}
        lost = frozenset(labelled.get(host.instance_id, "") for host in hosts if loss.takes(host))
        rest = [host for host in hosts if not loss.takes(host)]
        began, at = time.monotonic(), time.time()
        try:
            self._take_down(loss)
            outcome = self._watch(loss, rest, lost, began, at)
        finally:
            self._bring_back(loss)
        self._progress.tell(f"{outcome.seen}, predicted {outcome.predicted}")
        self.settle()
        self._progress.done()
        return outcome

    def _take_down(self, loss: Loss) -> None:
        for zone in loss.zones:
            self._lab.switches.zone_down(zone)
        if loss.host is not None:
            self._lab.switches.host_kill(loss.host)

    def _bring_back(self, loss: Loss) -> None:
        for zone in loss.zones:
            self._lab.switches.zone_up(zone)
        if loss.host is not None:
            self._lab.switches.host_start(loss.host)

    def _watch(
        self, loss: Loss, rest: Sequence[HostState], lost: frozenset[str], began: float, at: float
    ) -> Outcome:
        led = self._first(lambda: self._leader(rest, lost), PATIENCE if loss.keeps_quorum else BELIEF)
        to_leader = None if led is None else led - began
        full = None
        if led is not None and any(host.role == WORKER for host in rest):
            full = self._first(lambda: self._full(rest, lost))
        failed, total = service.requests(rest, at, time.time())
        return Outcome(
            lost=loss.name,
            predicted=LEADER if loss.keeps_quorum else NO_LEADER,
            seen=NO_LEADER if led is None else LEADER,
            seconds_to_leader=None if to_leader is None else round(to_leader, 1),
            seconds_to_full_count=None if full is None else round(full - began, 1),
            failed_requests=failed,
            requests=total,
        )

    def _leader(self, rest: Sequence[HostState], lost: frozenset[str]) -> str | None:
        """A manager's engine that lists a leader which is not lost, with enough of the others reachable."""
        from quorate.swarm.engine import Engine

        for host in rest:
            if host.role != MANAGER or host.docker_host is None:
                continue
            with suppress(Failed, Unknown):
                nodes = Engine(host.docker_host, timeout=2.0).nodes()
                members = [node for node in nodes if node.reachability is not None]
                alive = [node for node in members if node.reachable and node.id not in lost]
                if len(alive) >= quorum(len(members)) and any(node.leader for node in alive):
                    return host.docker_host
        return None

    def _full(self, rest: Sequence[HostState], lost: frozenset[str]) -> bool:
        from docker.errors import DockerException
        from requests import RequestException

        engine = self._leader(rest, lost)
        if engine is None:
            return False
        try:
            return service.count(engine, lost) >= self._replicas
        except (DockerException, RequestException):
            return False

    def _first(self, what: Callable[[], object], seconds: float = PATIENCE) -> float | None:
        """When (monotonic seconds) it was first true; None if it was not in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if what():
                return time.monotonic()
            time.sleep(LOOK)
        return None


def _answered(workers: Sequence[HostState], since: float) -> bool:
    """Whether each worker's client has been answered since, and the last seconds were without failure."""
    now = time.time()
    try:
        return all(
            total > 0 and failed == 0
            for failed, total in (service.requests([host], max(since, now - 3), now) for host in workers)
        )
    except (QuorateError, OSError):
        return False
