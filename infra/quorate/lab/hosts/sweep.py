"""Everything of a lab that is on the machine, found by the lab's id alone, and its removal.

Works in every state: half started, after a kill -9 of anything, after the folder was deleted by hand.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from quorate.errors import Failed
from quorate.lab.hosts.command import attempt
from quorate.lab.hosts.names import LAB_VARIABLE, Names
from quorate.lab.hosts.namespaces import RUN_NETNS, mount_points

CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Remains:
    """What is still there; all empty when a lab is down."""

    processes: tuple[int, ...]
    namespaces: tuple[str, ...]
    mounts: tuple[str, ...]
    cgroups: tuple[Path, ...]

    def __bool__(self) -> bool:
        return bool(self.processes or self.namespaces or self.mounts or self.cgroups)

    def __str__(self) -> str:
        counts = {
            "process": len(self.processes),
            "network namespace": len(self.namespaces),
            "mount": len(self.mounts),
            "control group": len(self.cgroups),
        }
        plural = {"process": "processes"}
        words = [f"{n} {what if n == 1 else plural.get(what, what + 's')}" for what, n in counts.items() if n]
        return ", ".join(words) or "nothing"


def find(names: Names) -> Remains:
    """Looks only for what carries this lab's id, or lies in its namespaces or below its folder."""
    spaces = _namespaces(names)
    return Remains(
        processes=tuple(_processes(names, spaces)),
        namespaces=spaces,
        mounts=tuple(_mounts(names)),
        cgroups=tuple(_cgroups(names)),
    )


def sweep(names: Names, patience: float = 15.0) -> None:
    """Removes all of it, processes first. Raises Failed with what resists after `patience` seconds."""
    deadline = time.monotonic() + patience
    while remains := find(names):
        for pid in remains.processes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not remains.processes:
            for mount in sorted(remains.mounts, reverse=True):
                attempt(["umount", "--lazy", mount])
            for netns in remains.namespaces:
                attempt(["ip", "netns", "del", netns])
            for group in remains.cgroups:
                _remove_cgroup(group)
        if time.monotonic() > deadline:
            raise Failed(f"still on the machine after {patience:.0f} s: {remains}; run `lab down` again")
        time.sleep(0.02)
    _forget_netns_folder()


def _namespaces(names: Names) -> tuple[str, ...]:
    if not RUN_NETNS.is_dir():
        return ()
    return tuple(
        sorted(path.name for path in RUN_NETNS.iterdir() if path.name.startswith(f"{names.prefix}-"))
    )


def _processes(names: Names, spaces: tuple[str, ...]) -> Iterator[int]:
    """Processes that carry the lab's id in their environment or run in one of its network namespaces."""
    marker = f"{LAB_VARIABLE}={names.lab_id}".encode()
    inodes = set()
    for netns in spaces:
        with suppress(OSError):
            inodes.add((RUN_NETNS / netns).stat().st_ino)
    own = {os.getpid(), os.getppid()}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in own:
            continue
        with suppress(OSError):
            if (entry / "ns/net").stat().st_ino in inodes or marker in (entry / "environ").read_bytes().split(
                b"\0"
            ):
                yield int(entry.name)


def _mounts(names: Names) -> Iterator[str]:
    """Mount points below the lab's folder in the root namespace."""
    below = f"{names.directory}/"
    return (point for point in mount_points() if point.startswith(below))


def _cgroups(names: Names) -> Iterator[Path]:
    """The lab's groups in a v2 hierarchy, or in each of v1's."""
    for parent in (CGROUPS, *(path for path in CGROUPS.glob("*") if path.is_dir() and not path.is_symlink())):
        group = parent / names.prefix
        if group.is_dir():
            yield group


def _remove_cgroup(group: Path) -> None:
    """A control group goes by rmdir, deepest first; busy ones are tried again on the next round."""
    for folder, _, _ in os.walk(group, topdown=False):
        with suppress(OSError):
            Path(folder).rmdir()


def _forget_netns_folder() -> None:
    """`ip netns add` mounts /run/netns on itself, for ever; when it is empty it goes too.

    With namespaces of anybody else in it the unmount is refused by the kernel, and it stays.
    """
    with suppress(OSError):
        if any(RUN_NETNS.iterdir()):
            return
        if str(RUN_NETNS) in mount_points():
            attempt(["umount", str(RUN_NETNS)])
        RUN_NETNS.rmdir()
