"""Whole clusters whose zones and hosts are taken down, watched through the docker CLI and boto3."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from quorate.lab.hosts.machine import check_machine
from quorate.lab.lab import Lab

from ..cluster.conftest import Witness, eventually, folder

ZONES = ("use1-az1", "use1-az2", "use1-az4")
PATIENCE = 180.0


@dataclass
class Outsider(Witness):
    """Sees only what the hosts outside of the lost zones say."""

    def heads(self, *lost: str) -> list[tuple[str, str]]:
        """(leader's address, reachable managers) as each engine of a manager outside of `lost` lists them."""
        found = []
        for host in self.lab.hosts():
            if host.role != "manager" or host.zone in lost or host.docker_host is None:
                continue
            with suppress(subprocess.TimeoutExpired):
                ids = self.docker(host.docker_host, "node", "ls", "-q", check=False).split()
                listed = self.docker(host.docker_host, "node", "inspect", *ids, check=False) if ids else ""
                members = [n["ManagerStatus"] for n in json.loads(listed or "[]") if "ManagerStatus" in n]
                leader = next((m["Addr"].partition(":")[0] for m in members if m.get("Leader")), "")
                found.append((leader, sum(m["Reachability"] == "reachable" for m in members)))
        return found

    def led(self, *lost: str) -> str | None:
        """The leader's address, once a manager that is not lost leads and enough are reachable."""
        alive = {host.address for host in self.lab.hosts() if host.zone not in lost}
        managers = sum(host.role == "manager" for host in self.lab.hosts())
        for leader, reachable in self.heads(*lost):
            if leader in alive and reachable > managers // 2:
                return leader
        return None

    def leaderless(self, *lost: str) -> bool:
        """Whether no engine outside of `lost` lists the swarm any more."""
        return not any(leader for leader, _ in self.heads(*lost))

    def zone_of(self, address: str) -> str:
        return next(host.zone for host in self.lab.hosts() if host.address == address)

    def at_work(self, service: str, *lost: str) -> int:
        """Running tasks of a service on nodes outside of `lost`."""
        zone = {node["ID"]: node["Spec"]["Labels"]["quorate.zone"] for node in self.nodes()}
        return sum(count for node, count in self.running(service).items() if zone[node] not in lost)

    def manager(self) -> str:
        for host in self.lab.hosts():
            if host.role == "manager" and host.state == "running" and host.docker_host:
                with suppress(subprocess.TimeoutExpired):
                    if self.docker(host.docker_host, "node", "ls", "-q", check=False):
                        return host.docker_host
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

    def mend(self) -> None:
        """Everything up again, and whole."""
        for host in self.lab.hosts():
            self.lab.switches.zone_up(host.zone)
        for host in self.lab.hosts():
            self.lab.switches.host_start(host.instance_id)
        eventually(self.whole, PATIENCE)


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
