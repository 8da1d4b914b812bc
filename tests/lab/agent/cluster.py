"""What a test sees of a living cluster, by asking its engines; and how it hurts it."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from quorate.errors import QuorateError
from quorate.lab.hosts.inventory import HostState
from quorate.lab.lab import Lab
from quorate.lab.status import CERTIFICATE
from quorate.swarm.engine import Engine
from quorate.swarm.snapshot import Node

from .handmade import Handmade

T = TypeVar("T")

PATIENCE = 120.0


def until(what: Callable[[], T], seconds: float = PATIENCE) -> T:
    """The first true value of `what()`; fails with the last one when time is up."""
    end = time.monotonic() + seconds
    value: object = None
    while time.monotonic() < end:
        try:
            value = what()
        except QuorateError as error:
            value = error
        else:
            if value:
                return value  # type: ignore[return-value]
        time.sleep(0.1)
    raise AssertionError(f"still {value!r} after {seconds:.0f} s")


class Meanwhile:
    """Does something again and again in the background, until it is left; what that failed with is raised."""

    def __init__(self, act: Callable[[], object], every: float) -> None:
        self._act, self._every = act, every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._trouble: Exception | None = None

    def __enter__(self) -> Meanwhile:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.goes_on()

    def goes_on(self) -> bool:
        """True, or AssertionError when it has failed."""
        assert self._trouble is None, f"what went on beside the test failed: {self._trouble!r}"
        return True

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._every):
                self._act()
        except Exception as error:  # noqa: BLE001 - raised where the test looks
            self._trouble = error


@dataclass
class Cluster:
    """A lab with a cluster laid out by hand."""

    lab: Lab
    made: Handmade

    # What is seen

    def managers(self) -> list[HostState]:
        return [host for host in self.lab.hosts() if host.role == "manager"]

    def nodes(self) -> tuple[Node, ...]:
        """The node list of any manager that answers it; QuorateError if none does."""
        trouble: QuorateError | None = None
        for host in self.managers():
            if not host.docker_host:
                continue
            try:
                return Engine(host.docker_host, timeout=3).nodes()
            except QuorateError as error:
                trouble = error
        raise trouble or QuorateError("there is no manager to ask")

    def members(self) -> list[Node]:
        return [node for node in self.nodes() if node.member]

    def cluster_ids(self) -> set[str]:
        """By every manager's own engine."""
        found = set()
        for host in self.managers():
            with suppress(QuorateError):
                found.add(Engine(host.docker_host, timeout=3).membership().cluster_id or "")
        return found - {""}

    def is_whole(self) -> bool:
        """Every slot held by a reachable member of its own, every worker active, nothing else listed."""
        nodes = self.nodes()
        slots = sorted(node.labels.get("quorate.slot", "") for node in nodes if node.reachable)
        workers = [node for node in nodes if not node.member]
        return (
            slots == sorted(name for name, _ in self.made.slots())
            and len(workers) == sum(self.made.pools.values())
            and all(node.ready and node.availability == "active" for node in workers)
            and not any(node.changing for node in nodes)
        )

    def form(self) -> tuple[Node, ...]:
        """Launch everything and wait until it is whole."""
        self.made.launch()
        until(self.is_whole)
        return self.nodes()

    def slot_of(self, node: Node) -> str:
        return node.labels["quorate.slot"]

    def leader(self) -> Node:
        """The member that leads; QuorateError while none is listed as leading, in an election."""
        for node in self.nodes():
            if node.leader:
                return node
        raise QuorateError("no member leads")

    def leading_host(self) -> HostState:
        """The host of the member that leads; QuorateError while there is none."""
        address = self.leader().address
        for host in self.managers():
            if host.address == address:
                return host
        raise QuorateError(f"no host has the leader's address {address}")

    def log(self, instance: str, unit: str) -> str:
        """What a unit of an instance's host has said, also of one that is gone."""
        for folder in (self.lab.names.hosts / instance / "log", self.lab.names.logs / instance):
            path = folder / f"{unit}.log"
            with suppress(FileNotFoundError, NotADirectoryError):
                return path.read_text(errors="replace")
        return ""

    def said(self, unit: str) -> str:
        """What a unit has said on every host."""
        folders = [*self.lab.names.hosts.glob("*"), *self.lab.names.logs.glob("*")]
        return "".join(self.log(instance, unit) for instance in dict.fromkeys(f.name for f in folders))

    def certificate(self, host: HostState) -> Path:
        """Where its engine keeps the certificate of its node."""
        return self.lab.names.hosts / host.instance_id / CERTIFICATE

    @staticmethod
    def processes(host: HostState, word: str) -> list[int]:
        """Processes in the host's own PID namespace with this word in their command line."""
        found: list[int] = []
        try:
            first = Path(f"/proc/{host.pid}/task/{host.pid}/children").read_text().split()[0]
            home = str(Path(f"/proc/{first}/ns/pid").readlink())
        except (OSError, IndexError):
            return found  # it is off
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if str((folder / "ns/pid").readlink()) == home and word in (
                    folder / "cmdline"
                ).read_text().split("\0"):
                    found.append(int(folder.name))
        return found

    # What is done to it

    def fault(self, kind: str, **fields: object) -> int:
        """AWS calls that match go wrong from now on; the number to end it by."""
        document = {"kind": kind, "principal": "quorate-hand-*", **fields}
        return int(json.loads(self._control("POST", "faults", document))["id"])

    def end_fault(self, number: int) -> None:
        self._control("DELETE", f"faults/{number}")

    def faults(self) -> list[dict[str, object]]:
        """Those that are in force."""
        return json.loads(self._control("GET", "faults"))["faults"]

    def well(self) -> None:
        """No faults any more."""
        self._control("DELETE", "faults")

    def calls(self) -> dict[str, dict[str, int]]:
        """How often each principal made which call."""
        return json.loads(self._control("GET", "calls"))["calls"]

    def _control(self, method: str, path: str, document: object = None) -> bytes:
        request = urllib.request.Request(
            f"{self.lab.endpoint}/quorate-lab/{path}",
            method=method,
            data=None if document is None else json.dumps(document).encode(),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def terminate(self, instance: str) -> None:
        """Through the EC2 API, as a person would."""
        self.made.aws("ec2").terminate_instances(InstanceIds=[instance])

    def freeze(self, host: HostState) -> None:
        """Its engine hangs from now on: it is there, and answers nobody."""
        for pid in self.processes(host, "dockerd"):
            os.kill(pid, signal.SIGSTOP)

    def kill(self, host: HostState, unit: str) -> bool:
        """kill -9 of a unit's process on that host alone; whether there was one."""
        killed = False
        for pid in self.processes(host, f"quorate.agent.{unit}"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed = True
        return killed


@dataclass
class Watch:
    """Looks at the members ten times a second from outside; the worst that it saw is kept.

    Until a third member was seen, the swarm is forming: its second counts before it has the log, and there
    is no way around that (docs/quorum.md).
    """

    cluster: Cluster
    lost_quorum: list[str] = field(default_factory=list)
    seen: list[tuple[float, frozenset[str]]] = field(default_factory=list)
    looks: int = 0
    formed: bool = False

    def __enter__(self) -> Watch:
        self._looking = Meanwhile(self._look, 0.1)
        self._looking.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._looking.__exit__()
        self._look()

    def _look(self) -> None:
        try:
            nodes = self.cluster.nodes()
        except (QuorateError, OSError):
            return
        self.looks += 1
        members = [node for node in nodes if node.reachability is not None]
        reachable = sum(node.reachable for node in members)
        self.formed = self.formed or len(members) > 2
        if self.formed and reachable < len(members) // 2 + 1:
            self.lost_quorum.append(f"{reachable} of {len(members)}")
        self.seen.append((time.monotonic(), frozenset(node.id for node in members)))
