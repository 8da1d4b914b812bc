"""Whole clusters whose zones and hosts are taken down, watched through the docker CLI and boto3."""

from __future__ import annotations

import json
import subprocess
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quorate.lab.hosts.inventory import HostState
from quorate.lab.hosts.machine import check_machine
from quorate.lab.lab import Lab

from ..cluster.conftest import Witness, eventually, folder
from ..told import told

ZONES = ("use1-az1", "use1-az2", "use1-az4")
PATIENCE = 180.0
ANSWER = 5.0
"""Seconds that an engine has for an answer: one without a leader takes long to say so."""

NEVER = datetime.min.replace(tzinfo=UTC)
SETTLED = timedelta(seconds=20)
"""After which a registration shows in the list of nodes, if it ever does."""

QUICK = ("swarm", "update", "--dispatcher-heartbeat", "1s")
"""So that Swarm misses a node, and moves its tasks, after seconds and not half a minute."""


@dataclass
class Outsider(Witness):
    """Sees only what the hosts outside of the lost zones say."""

    def heads(self, *lost: str) -> list[tuple[str, int]]:
        """(leader's address, reachable managers) as each engine of a manager outside of `lost` lists them.

        An engine without a leader takes long to say so: all are asked at once, and none for long.
        """

        def head(engine: str) -> tuple[str, int]:
            with suppress(subprocess.TimeoutExpired):
                ids = self.docker(engine, "node", "ls", "-q", check=False, timeout=ANSWER).split()
                words = ("node", "inspect", *ids)
                listed = self.docker(engine, *words, check=False, timeout=ANSWER) if ids else ""
                members = [n["ManagerStatus"] for n in json.loads(listed or "[]") if "ManagerStatus" in n]
                leader = next((m["Addr"].partition(":")[0] for m in members if m.get("Leader")), "")
                return leader, sum(m["Reachability"] == "reachable" for m in members)
            return "", 0

        managers = [host for host in self.lab.hosts() if host.role == "manager" and host.zone not in lost]
        engines = [host.docker_host for host in managers if host.docker_host is not None]
        with ThreadPoolExecutor(len(engines) or 1) as pool:
            return list(pool.map(head, engines))

    def led(self, *lost: str) -> str | None:
        """The leader's address, once a manager that is not lost leads and enough are reachable."""
        alive = {host.address for host in self.lab.hosts() if host.zone not in lost}
        managers = sum(host.role == "manager" for host in self.lab.hosts())
        for leader, reachable in self.heads(*lost):
            if leader in alive and reachable > managers // 2:
                return leader
        return None

    def leaderless(self, *lost: str) -> bool:
        """Whether no engine outside of `lost` lists the swarm any more, in two looks."""
        return not any(leader for _ in range(2) for leader, _ in self.heads(*lost))

    def zone_of(self, address: str) -> str:
        return next(host.zone for host in self.lab.hosts() if host.address == address)

    def at_work(self, service: str, *lost: str) -> int:
        """Running tasks of a service on nodes outside of `lost`; 0 while no manager tells."""
        try:
            zone = {node["ID"]: node["Spec"]["Labels"]["quorate.zone"] for node in self.nodes()}
            return sum(count for node, count in self.running(service).items() if zone[node] not in lost)
        except (AssertionError, subprocess.TimeoutExpired):
            return 0

    def manager(self) -> str:
        alive = [
            h for h in self.lab.hosts() if h.role == "manager" and h.state == "running" and h.docker_host
        ]

        def answers(engine: str) -> bool:
            with suppress(subprocess.TimeoutExpired):
                return bool(self.docker(engine, "node", "ls", "-q", check=False, timeout=ANSWER))
            return False

        with ThreadPoolExecutor(len(alive) or 1) as pool:
            engines = [str(host.docker_host) for host in alive]
            for engine, answered in zip(engines, pool.map(answers, engines), strict=True):
                if answered:
                    return engine
        raise AssertionError("no manager answers")

    def shape(self) -> dict[str, Any]:
        """Who is there: node ids with their role, address and state."""
        return {n["ID"]: (n["Spec"]["Role"], n["Status"]["Addr"], n["Status"]["State"]) for n in self.nodes()}

    def whole(self) -> bool:
        """Every node Ready, and every manager reachable."""
        try:
            nodes = self.nodes()
        except (AssertionError, subprocess.TimeoutExpired):
            return False
        members = [n["ManagerStatus"] for n in nodes if "ManagerStatus" in n]
        counted = Counter(n["Spec"]["Role"] for n in nodes if n["Status"]["State"] == "ready")
        hosts = Counter(host.role for host in self.lab.hosts())
        return (
            counted == hosts
            and len(nodes) == sum(hosts.values())
            and len(members) == hosts["manager"]
            and all(m["Reachability"] == "reachable" for m in members)
        )

    def becomes_whole(self, seconds: float = PATIENCE) -> None:
        """Waits for it; a failure says what the engines and the agents said last.

        What Swarm itself has lost is started again by hand, as docs/fidelity.md says, and a warning tells.
        """

        def whole() -> bool:
            if self.whole():
                return True
            for host in self.lost_by_swarm():
                warnings.warn(f"{host.name} is registered and listed as down: started again", stacklevel=1)
                self.lab.switches.host_kill(host.instance_id)
                self.lab.switches.host_start(host.instance_id)
            return False

        try:
            eventually(whole, seconds)
        except AssertionError:
            raise AssertionError(f"not whole after {seconds:.0f} s\n" + "\n".join(told(self.lab))) from None

    def lost_by_swarm(self) -> list[HostState]:
        """Hosts listed as down whose engines the leader has registered since they started and since it
        leads, for a while: SwarmKit's race of a registration with the end of a node's grace."""
        try:
            nodes = self.nodes()
        except (AssertionError, subprocess.TimeoutExpired):
            return []
        hosts = {host.address: host for host in self.lab.hosts()}
        leaders = [n["Status"]["Addr"] for n in nodes if n.get("ManagerStatus", {}).get("Leader")]
        if not leaders or leaders[0] not in hosts:
            return []
        leader = hosts[leaders[0]]
        leads = self._last(leader, "became leader at term")
        lost = []
        for node in nodes:
            host = hosts.get(node["Status"]["Addr"])
            if host is not None and node["Status"]["State"] == "down":
                began = max(leads, self._last(host, 'msg="Starting up"'))
                registered = self._last(leader, f"worker {node['ID']} was successfully registered")
                if began < registered < datetime.now(UTC) - SETTLED:
                    lost.append(host)
        return lost

    def _last(self, host: HostState, words: str) -> datetime:
        """When an engine's log said so last; long ago where it never did."""
        path = self.lab.names.hosts / host.instance_id / "log/engine.log"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        said = [line for line in lines if words in line and line.startswith('time="')]
        return datetime.fromisoformat(said[-1][6:25]).replace(tzinfo=UTC) if said else NEVER

    def mend(self) -> None:
        """Everything up again, and whole."""
        for host in self.lab.hosts():
            self.lab.switches.zone_up(host.zone)
        for host in self.lab.hosts():
            self.lab.switches.host_start(host.instance_id)
        self.becomes_whole()


@pytest.fixture(scope="session", autouse=True)
def _machine() -> None:
    check_machine()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Outsider]:
    """Five managers over three zones and three workers, with a service of three tasks, `web`."""
    with folder() as directory:
        lab = Lab(directory)
        lab.up()
        seen = Outsider(lab)
        seen.docker(seen.manager(), *QUICK)
        image = seen.push_image()
        words = "--replicas 3 --placement-pref spread=node.labels.quorate.zone --endpoint-mode dnsrr --detach"
        seen.docker(
            *(seen.manager(), "service", "create", "--name", "web", *words.split(), image),
            *("sleep", "100000"),
        )
        eventually(lambda: seen.running("web").total() == 3)
        yield seen


@pytest.fixture
def five(cluster: Outsider) -> Iterator[Outsider]:
    """The same, whole before the test and after it."""
    assert cluster.whole()
    try:
        yield cluster
    finally:
        cluster.mend()
