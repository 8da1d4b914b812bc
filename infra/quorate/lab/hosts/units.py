"""A host's boot as the image's units would do it: the engine, `join` once beside it, then the steward.

The units of the images are the pattern: join again when it was killed, never when it failed; the
steward on managers after join has succeeded, and again whenever it ends.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Protocol

from quorate.errors import Failed
from quorate.lab.hosts.engine import Engine
from quorate.lab.hosts.host import SOURCES, Host

RESTART_PAUSE = 1.0
CLOCK = "/etc/quorate/clock"
"""On a host whose clock was set wrong: by how many seconds."""


class MetadataService(Protocol):
    """The metadata service of one instance, on a socket that listens inside its host."""

    def start(self) -> None: ...

    def close(self) -> None: ...


def agent_environment(aws_endpoint: str) -> dict[str, str]:
    """What an image has in its files, and the lab must say: where AWS is, where the sources are."""
    return {"AWS_ENDPOINT_URL": aws_endpoint, "PYTHONPATH": str(SOURCES)}


def role_in(user_data: str) -> str | None:
    """The role that the user-data claims: it decides which units run, and nothing else."""
    try:
        document = json.loads(user_data)
    except ValueError:
        return None
    role = document.get("role") if isinstance(document, dict) else None
    return role if isinstance(role, str) else None


class Boot:
    """One boot of one host, from power on to power off."""

    def __init__(
        self,
        host: Host,
        *,
        metadata: Callable[[], MetadataService],
        environment: Mapping[str, str],
        manages: bool,
        say: Callable[[str], None],
    ) -> None:
        self.host = host
        self.engine = Engine(host, say=say)
        self.joined: bool | None = None
        """None while join is at work."""
        self.reason = ""
        """Why join failed, in its own words."""
        self.started = time.time()
        self._metadata_factory = metadata
        self._metadata: MetadataService | None = None
        self._environment = dict(environment)
        self._manages = manages
        self._say = say
        self._off = threading.Event()
        self._threads: list[threading.Thread] = []
        self._unit: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> str:
        """`starting`, `running` (joined, its engine answers), `failed` (join gave up) or `off`."""
        if self._off.is_set() or not self.host.is_on:
            return "off"
        if self.joined is False:
            return "failed"
        return "running" if self.joined and self.engine.up.is_set() else "starting"

    def start(self) -> None:
        """Power on, and everything that a boot starts; returns before the engine answers."""
        lines = "".join(f"{name}={value}\n" for name, value in self._environment.items())
        self.host.write_etc({"quorate/environment": lines})
        self.host.power_on()
        try:
            self._metadata = self._metadata_factory()
            self._metadata.start()
        except BaseException:
            self.host.power_off()
            raise
        self._spawn("engine", lambda: self.engine.run(self._off))
        self._spawn("agent", self._agent)

    def power_off(self) -> None:
        """A power cut; returns when nothing of the host runs any more."""
        self._off.set()
        self.host.cut()
        if self._metadata is not None:
            self._metadata.close()
        self.host.power_off()
        for thread in self._threads:
            thread.join(timeout=5)

    def shut_down(self) -> None:
        """What an operating system does before the power goes: the engine is asked to end, and waited for."""
        self._off.set()
        self.engine.shut_down()

    def set_clock(self, seconds: float) -> None:
        """The wall clock of the agents is off by that from now on; the one that runs is started again.

        The engine's clock stays right: what reads it is no Python, and takes no preload.
        """
        self.host.write_etc({CLOCK.removeprefix("/etc/"): f"{seconds}\n"})
        if self._unit is not None:
            self.host.signal(self._unit, signal.SIGKILL)

    def _spawn(self, what: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=f"{what} {self.host.spec.name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _agent(self) -> None:
        code = self._run("join")
        while code is not None and code < 0 and not self._off.wait(RESTART_PAUSE):
            self._say(f"{self.host.spec.name}: join was killed by signal {-code}; started again")
            code = self._run("join")
        if code is None or self._off.is_set():
            return
        self.joined = code == 0
        if code != 0:
            self.reason = failure_in(self.host.log / "join.log") or f"it ended with {code}"
            self._say(f"{self.host.spec.name}: join failed: {self.reason}")
            return
        while self._manages and not self._off.is_set():
            code = self._run("steward")
            if code is None or self._off.wait(RESTART_PAUSE):
                return
            self._say(f"{self.host.spec.name}: the steward ended with {code}; started again")

    def _run(self, module: str) -> int | None:
        """The exit code of one run of an agent's program; None when the host has no power."""
        with (self.host.log / f"{module}.log").open("ab") as log:
            self._unit = process = self._start(module, log)
            return None if process is None else process.wait()

    def _start(self, module: str, log: IO[bytes]) -> subprocess.Popen[bytes] | None:
        try:
            return self.host.start([sys.executable, "-m", f"quorate.agent.{module}"], log, self._agents())
        except Failed:
            return None

    def _agents(self) -> dict[str, str]:
        """The agents' environment; with the preload where the clock was set."""
        if not (self.host.disk / CLOCK.removeprefix("/")).exists():
            return self._environment
        path = os.pathsep.join([str(Path(__file__).with_name("clock")), self._environment["PYTHONPATH"]])
        return {**self._environment, "PYTHONPATH": path, "QUORATE_LAB_CLOCK": CLOCK}


def failure_in(path: Path) -> str:
    """What a unit's log says last of its failure, or else its last words; "" when it says nothing."""
    try:
        lines = path.read_text(errors="replace").strip().splitlines()
    except FileNotFoundError:
        return ""
    for line in reversed(lines):
        _, failed, reason = line.partition("failed: ")
        if failed:
            return reason.strip()
    return lines[-1].strip() if lines else ""
