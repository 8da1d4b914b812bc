"""One instance as a host: its disk, its namespaces, its power switch.

The disk is a folder below the lab's and outlives a power cut; the namespaces live from power on to
power off. The outermost process of a host is `unshare`; its only child is the host's first process,
and with that one every process of the host ends, as in a power cut.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import IO, Any

from quorate.errors import Failed
from quorate.lab.hosts import namespaces
from quorate.lab.hosts.fabric import Fabric, Plug
from quorate.lab.hosts.names import LAB_VARIABLE, UNIX_PATH_LIMIT, Names, hostname
from quorate.lab.hosts.namespaces import RUN_NETNS

PRIVATE = ("/var/lib", "/opt", "/tmp")  # noqa: S108 - a host's own, on its disk
SOURCES = Path(__file__).resolve().parents[3]
"""The folder on PYTHONPATH: infra/."""


@dataclass(frozen=True)
class HostSpec:
    """What an instance is to its host."""

    plug: Plug
    role: str
    zone_id: str

    @property
    def instance_id(self) -> str:
        return self.plug.instance_id

    @property
    def name(self) -> str:
        return hostname(self.plug.address)


class Host:
    """The mechanics alone; what runs on a host when is units.py's."""

    def __init__(self, names: Names, fabric: Fabric, spec: HostSpec) -> None:
        self.names = names
        self.fabric = fabric
        self.spec = spec
        self.folder = names.hosts / spec.instance_id
        self.disk = self.folder / "disk"
        self.run = self.folder / "run"
        self.log = self.folder / "log"
        self._outermost: subprocess.Popen[str] | None = None
        self._switch = threading.Lock()

    @property
    def netns(self) -> str:
        return self.names.netns(self.spec.instance_id)

    @property
    def is_on(self) -> bool:
        process = self._outermost
        return process is not None and process.poll() is None

    @property
    def pid(self) -> int:
        """The outermost process, seen from the root namespace. Failed when the power is off."""
        process = self._outermost
        if process is None or process.poll() is not None:
            raise Failed(f"host {self.spec.name} is switched off")
        return process.pid

    @property
    def socket(self) -> str:
        """The engine's socket as a path that works outside: by the folder, or, where that path is too
        long for a socket's address, by the process."""
        path = str(self.run / "docker.sock")
        return path if len(os.fsencode(path)) <= UNIX_PATH_LIMIT else f"/proc/{self.pid}/root/run/docker.sock"

    def write_etc(self, files: Mapping[str, str]) -> None:
        """Writes files below the disk's etc/, given by their path there."""
        for path, text in files.items():
            target = self.disk / "etc" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    def power_on(self) -> None:
        """Namespaces, cable and mounts; returns when programs can be started inside. Failed when on."""
        with self._switch:
            if self.is_on:
                raise Failed(f"host {self.spec.name} is on already")
            self._format()
            self.fabric.plug_in(self.spec.plug)
            try:
                self._outermost = self._ignite()
            except BaseException:
                self.fabric.unplug(self.spec.plug)
                raise

    def cut(self) -> None:
        """No packet reaches or leaves the host any more; everything on it goes on."""
        self.fabric.cut([self.spec.plug])

    def power_off(self) -> None:
        """A power cut: the cable first, so that no packet says goodbye, then every process. Repeatable."""
        self.cut()
        self.kill()
        with self._switch:
            self.fabric.unplug(self.spec.plug)

    def kill(self) -> None:
        """Ends every process of the host and waits until the last one is gone."""
        process = self._outermost
        if process is None:
            return
        if process.poll() is None:
            # The first process ends only when its whole PID namespace has, and `unshare` after it.
            for pid in namespaces.children(process.pid) or [process.pid]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        process.wait()

    def remove(self) -> None:
        """Power off, and the disk is gone; the logs move to the lab's."""
        self.power_off()
        keep_logs(self.names, self.spec.instance_id)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(
        self, argv: Sequence[str], log: IO[Any] | int, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Starts a program inside; the process returned is `nsenter`, which ends as the program does."""
        return subprocess.Popen(
            namespaces.enter(self.pid, argv),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**unit_environment(self.names, self.spec.name), **(environment or {})},
            start_new_session=True,
        )

    def stop(self, process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGKILL) -> None:
        """Signals a program that `start` started, and waits for its end."""
        self.signal(process, number)
        process.wait()

    def signal(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        """Signals a program that `start` started."""
        for pid in namespaces.children(process.pid) or [process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _format(self) -> None:
        """Folders of the disk where they are missing; /run is empty at every boot."""
        shutil.rmtree(self.run, ignore_errors=True)
        for folder in ("etc/docker", "etc/quorate", "var/lib/docker", "opt", "tmp"):
            (self.disk / folder).mkdir(parents=True, exist_ok=True)
        (self.disk / "tmp").chmod(0o1777)
        self.run.mkdir(parents=True)
        self.log.mkdir(parents=True, exist_ok=True)
        self.write_etc(
            {"hostname": f"{self.spec.name}\n", "hosts": f"127.0.0.1 localhost {self.spec.name}\n"}
        )

    def _ignite(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [
                "nsenter",
                f"--net={RUN_NETNS / self.netns}",
                "unshare",
                *("--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"),
                *("sh", "-c", first_process(self.folder, self.names.directory)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=unit_environment(self.names, self.spec.name),
            start_new_session=True,
        )
        assert process.stdout is not None and process.stderr is not None
        with process.stdout, process.stderr:
            if process.stdout.readline() != "on\n":
                process.kill()
                process.wait()
                words = process.stderr.read().strip() or "it ended without a word"
                raise Failed(f"host {self.spec.name} cannot be switched on: {words}")
        return process


def first_process(folder: Path, hidden: Path) -> str:
    """The script of a host's first process: mounts as a node sees its disk, then nothing but reaping.

    Of the machine's own mounts those in places that become private are dropped, else they would be kept
    busy; what the agent needs of such places is shown again, on the disk. The lab's folder is hidden: no
    host sees another's disk. A process that ignores CHLD leaves its orphans to the kernel.
    """
    keep = _kept_folders()
    needed = [folder, *keep]
    return "\n".join(
        [
            "set -e",
            "mount --make-rprivate /",
            f"cd {quote(str(folder / 'disk'))}",
            'hostname "$(cat etc/hostname)"',
            *(_drop(point) for point in reversed(_dropped_mounts(needed))),
            *(
                f"mkdir -p {quote(f'.{path}')}; mount --bind {quote(str(path))} {quote(f'.{path}')}"
                for path in keep
            ),
            'mount -t overlay overlay -o "lowerdir=$PWD/etc:/etc" /etc',
            "mount -c --bind etc/docker /etc/docker",
            "mount -c --bind etc/quorate /etc/quorate",
            "mount -c --bind ../run /run",
            *(f"mount -c --rbind {path[1:]} {path}" for path in PRIVATE),
            f"cover={quote(str(hidden))}",
            '[ ! -d "$cover" ] || mount -t tmpfs -o size=4k,mode=0500 hidden "$cover"',
            "echo on",
            "cd /",
            "exec </dev/null >/dev/null 2>&1",
            "exec env --ignore-signal=CHLD sleep infinity",
        ]
    )


def _drop(point: str) -> str:
    """Unmounts; what has gone since it was listed, another lab's namespace that ended say, is no failure."""
    return f"umount -l {quote(point)} || {{ mountpoint -q {quote(point)} && exit 1; true; }}"


def _kept_folders() -> list[Path]:
    """Folders that the agent needs and that a host's own would hide: sources, interpreter."""
    needed = {SOURCES, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
    return sorted(path for path in needed if any(path.is_relative_to(place) for place in PRIVATE))


def _dropped_mounts(needed: Sequence[Path]) -> list[str]:
    return [
        point
        for point in namespaces.mount_points()
        if any(Path(point).is_relative_to(place) and point != place for place in (*PRIVATE, "/run"))
        and not any(path.is_relative_to(point) for path in needed)
    ]


def keep_logs(names: Names, instance_id: str = "*") -> None:
    """Moves the logs of one host, or of all, from its folder to where the lab's own are."""
    for log in names.hosts.glob(f"{instance_id}/log"):
        remains = names.logs / log.parent.name
        shutil.rmtree(remains, ignore_errors=True)
        names.logs.mkdir(parents=True, exist_ok=True)
        log.rename(remains)


def unit_environment(names: Names, hostname: str) -> dict[str, str]:
    """What a unit of a node would have in its environment: nothing of the operator's shell."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "HOSTNAME": hostname,
        LAB_VARIABLE: names.lab_id,
    }
