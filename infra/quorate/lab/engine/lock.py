"""One run at a time for one state."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quorate.errors import Refused


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Holds the state's lock; the kernel gives up the lock of an owner that died. Raises Refused."""
    path = state.with_name(state.name + ".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            owner = file.read().strip() or "another process"
            raise Refused(
                f"{state}",
                f"process {owner} is working on it",
                "two runs at once would lose each other's resources",
                "Wait until it has ended",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
