"""Takes down the labs of a test run that ended without doing so: killed, or interrupted among its workers.

A process of its own, which reads a folder a line and begins when whoever writes them is gone.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from quorate.lab.hosts.host import SOURCES
from quorate.lab.lab import Lab

PEACE = "."
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def watch(patch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From now on every lab of this process is guarded; the answer ends the guard in peace."""
    guard = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        env={"PYTHONPATH": str(SOURCES), "PATH": PATH},
        text=True,
        start_new_session=True,
    )
    assert guard.stdin is not None
    told, made = guard.stdin, Lab.__init__

    def guarded(lab: Lab, *words: Any, **more: Any) -> None:
        made(lab, *words, **more)
        told.write(f"{lab.directory}\n")
        told.flush()

    patch.setattr(Lab, "__init__", guarded)

    def end() -> None:
        told.write(f"{PEACE}\n")
        told.close()
        guard.wait()

    return end


def main() -> None:
    folders = [line.rstrip("\n") for line in sys.stdin]
    if PEACE in folders:
        return
    for folder in dict.fromkeys(folders):
        with suppress(Exception):  # the others are taken down all the same
            if Path(folder).is_dir():
                Lab(Path(folder)).down()


if __name__ == "__main__":
    main()
