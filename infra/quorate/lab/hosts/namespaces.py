"""Entering namespaces: functions run inside one, sockets opened inside one, programs started inside one."""

from __future__ import annotations

import ctypes
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from quorate.errors import Failed

T = TypeVar("T")

RUN_NETNS = Path("/run/netns")
CLONE_NEWNET = 0x40000000
"""sched.h; os.setns is there from Python 3.12 on."""

_libc = ctypes.CDLL(None, use_errno=True)


def inside(netns: str, work: Callable[[], T]) -> T:
    """What `work` returns when run in the named network namespace, in a thread that ends with it.

    Sockets belong to the namespace they were opened in and keep it alive until they are closed.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def visit() -> None:
        try:
            with open_netns(netns) as handle:
                if _libc.setns(handle, CLONE_NEWNET) != 0:
                    code = ctypes.get_errno()
                    raise Failed(f"network namespace {netns} cannot be entered: {os.strerror(code)}")
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - handed over to the caller's thread below
            failures.append(error)

    thread = threading.Thread(target=visit, name=f"inside {netns}")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


@contextmanager
def open_netns(netns: str) -> Iterator[int]:
    """A descriptor of a named network namespace; Failed if there is none of that name."""
    try:
        descriptor = os.open(RUN_NETNS / netns, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise Failed(f"network namespace {netns} is not there") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def listen(netns: str, address: str, port: int, backlog: int = 128) -> socket.socket:
    """A TCP socket that listens inside the named namespace, usable from any thread of this process."""

    def bind() -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, port))
            listener.listen(backlog)
        except OSError:
            listener.close()
            raise
        return listener

    return inside(netns, bind)


def enter(pid: int, argv: Sequence[str], directory: str = "/") -> list[str]:
    """The argv that runs a program in all namespaces of a host, given its outermost process.

    That process has the host's namespaces but for the PID namespace, which its children have.
    """
    base = f"/proc/{pid}/ns"
    return [
        "nsenter",
        f"--net={base}/net",
        f"--mount={base}/mnt",
        f"--uts={base}/uts",
        f"--ipc={base}/ipc",
        f"--pid={base}/pid_for_children",
        f"--wdns={directory}",
        "--",
        *argv,
    ]


def children(pid: int) -> list[int]:
    """Process ids of the direct children; none when the process is gone (proc(5), task/tid/children)."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def mount_points() -> list[str]:
    """Of this process's namespace (proc(5), mountinfo: fifth field, octal escapes)."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), line.split()[4]) for line in lines]
