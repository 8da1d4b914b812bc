"""A lab's folder: what makes it one, who may change it now, and how it is emptied."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quorate.errors import Refused

MARK = "lab"
LOCK = "lock"
KEPT = frozenset({MARK, LOCK, "log"})
"""What stays when a lab is down: the mark, and the logs of its last run."""


def claim(directory: Path) -> None:
    """Makes the folder a lab's. Refused when there is something in it that no lab has put there."""
    if directory.exists() and not directory.is_dir():
        raise Refused(
            str(directory), "not a folder", "a lab lives in a folder", "Give another with --directory"
        )
    if not is_lab(directory) and directory.is_dir() and any(directory.iterdir()):
        raise Refused(
            str(directory),
            "not empty, and not a lab's",
            "a lab deletes what is in its folder when it goes down",
            "Give an empty or a new folder with --directory",
        )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / MARK).write_text("A folder of Quorate's lab: `lab down` empties it.\n")


def is_lab(directory: Path) -> bool:
    return (directory / MARK).is_file()


def erase(directory: Path) -> None:
    """Deletes what the lab has put there; never from a folder that is no lab's."""
    if not is_lab(directory):
        return
    for entry in directory.iterdir():
        if entry.name in KEPT:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


GRACE = 1.0
"""Seconds in which the last child of a killed command may still hold its lock, until it executes."""


@contextmanager
def exclusive(directory: Path, what: str) -> Iterator[None]:
    """Holds the folder for one command; Refused while another holds it. A killed command holds nothing."""
    handle = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _locks(handle):
            holder = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another command"
            raise Refused(
                f"lab {what}",
                f"one at a time in {directory}",
                f"{holder} is at work there",
                "Wait until it is done, or end it and run this again",
            )
        os.truncate(handle, 0)
        os.pwrite(handle, f"`lab {what}` (process {os.getpid()})\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _locks(handle: int) -> bool:
    deadline = time.monotonic() + GRACE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        else:
            return True
