"""A host's Docker engine: started, asked until it answers, started again when it hangs or ends."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from quorate.errors import Failed
from quorate.lab.hosts.command import attempt
from quorate.lab.hosts.fabric import REGISTRY_ADDRESS
from quorate.lab.hosts.host import Host
from quorate.swarm.local import answers

REGISTRY_PORT = 5000
PATIENCE = 20.0
"""Seconds until an engine that does not answer is taken for hung; it answers within one when it is well,
and gives up waiting for its containerd after fifteen."""
MEMBERS_PATIENCE = 60.0
"""The same for an engine in a swarm: without a quorum it waits 20 s for a leader before it answers."""
SHUTDOWN = 20.0
"""Seconds that an engine has to end by itself: its containers get ten of them."""
PAUSE = 0.5
"""Seconds before an engine that ended is started again."""


def engine_settings(cgroup: str, storage_driver: str) -> str:
    """daemon.json: as on the images, but for what the lab must say (registry, control group, storage)."""
    return json.dumps(
        {
            "live-restore": False,
            "log-level": "info",
            "log-driver": "json-file",
            "log-opts": {"max-size": "10m", "max-file": "3"},
            "storage-driver": storage_driver,
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "cgroup-parent": cgroup,
            "insecure-registries": [f"{REGISTRY_ADDRESS}:{REGISTRY_PORT}"],
        },
        indent=2,
    )


def storage_driver(folder: Path) -> str:
    """`overlay2` where the folder's filesystem can be the upper layer of an overlay, else `vfs`."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="probe-") as probe:
        for name in ("lower", "upper", "work", "merged"):
            (Path(probe) / name).mkdir()
        script = (
            'cd "$1" && mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged && '
            "mkdir merged/a && umount merged"
        )
        works = attempt(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", probe])
    return "overlay2" if works else "vfs"


class Engine:
    """Keeps one dockerd running on a host until the host is switched off."""

    def __init__(
        self,
        host: Host,
        *,
        command: tuple[str, ...] = ("dockerd",),
        patience: float = PATIENCE,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.host = host
        self.command = command
        self.patience = patience
        self.say = say
        self.up = threading.Event()
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, off: threading.Event) -> None:
        """Returns when `off` is set or the host has no power; never gives an engine up before."""
        while not off.is_set() and self.host.is_on:
            self.starts += 1
            with (self.host.log / "engine.log").open("ab") as log:
                try:
                    process = self.host.start([*self.command, "-H", "unix:///run/docker.sock"], log)
                except Failed:
                    return
            self._process = process
            self._watch(process, off)
            self.up.clear()
            off.wait(PAUSE)

    def shut_down(self) -> None:
        """Asks the engine to end, and waits for as long as its containers may take; `off` is set before."""
        process = self._process
        if process is not None and process.poll() is None:
            self.host.signal(process, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(SHUTDOWN)

    def _watch(self, process: subprocess.Popen[bytes], off: threading.Event) -> None:
        if self._wait_for_answer(process, off):
            self.up.set()
            code = process.wait()
        elif process.poll() is None and self.host.is_on and not off.is_set():
            waited = self._patience_now()
            self.say(f"{self.host.spec.name}: the engine did not answer in {waited:.0f} s; started again")
            self.host.stop(process)
            return
        else:
            code = process.wait()
        if not off.is_set() and self.host.is_on:
            self.say(f"{self.host.spec.name}: the engine ended with {code}; started again")

    def _patience_now(self) -> float:
        member = (self.host.disk / "var/lib/docker/swarm/docker-state.json").exists()
        return max(self.patience, MEMBERS_PATIENCE) if member else self.patience

    def _wait_for_answer(self, process: subprocess.Popen[bytes], off: threading.Event) -> bool:
        deadline = time.monotonic() + self._patience_now()
        while time.monotonic() < deadline and process.poll() is None and not off.is_set():
            try:
                if answers(f"unix://{self.host.socket}"):
                    return True
            except Failed:
                return False
            off.wait(0.05)
        return False
