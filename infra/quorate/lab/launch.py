"""Starting a lab's daemon, and hearing its first word."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from quorate.errors import Failed
from quorate.lab.hosts.host import SOURCES
from quorate.lab.hosts.names import LAB_VARIABLE, Names
from quorate.lab.process import Identity

START_PATIENCE = 60.0


def launch(names: Names, port: int) -> Starting:
    """Starts the daemon without waiting for it, with fresh logs; `port` 0 takes a free one."""
    shutil.rmtree(names.logs, ignore_errors=True)
    names.logs.mkdir(parents=True)
    reader, writer = os.pipe()
    try:
        with (names.logs / "daemon.log").open("wb") as log:
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "quorate.lab.daemon", "--directory", str(names.directory)),
                    *("--ready", str(writer), "--port", str(port)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    "PATH": os.environ["PATH"],
                    "LANG": "C.UTF-8",
                    "PYTHONPATH": str(SOURCES),
                    LAB_VARIABLE: names.lab_id,
                },
                cwd="/",
                pass_fds=(writer,),
                start_new_session=True,
            ).wait()
    finally:
        os.close(writer)
    return Starting(reader=reader, log=names.logs / "daemon.log")


@dataclass
class Starting:
    """A daemon that runs, or one whose first word is still to come on `reader`."""

    identity: Identity | None = None
    reader: int = -1
    log: Path = Path()

    def wait(self) -> Identity:
        """Raises Failed with the daemon's words when it cannot start."""
        if self.identity is None:
            self.identity = self._listen()
        return self.identity

    def _listen(self) -> Identity:
        deadline = time.monotonic() + START_PATIENCE
        with os.fdopen(self.reader, "rb", buffering=0) as reader:
            words = b""
            while left := max(0.0, deadline - time.monotonic()):
                if select.select([reader], [], [], left)[0]:
                    more = reader.read(65536)
                    if not more:
                        break
                    words += more
        with suppress(ValueError, KeyError):
            document = json.loads(words)
            if "error" in document:
                raise Failed(document["error"])
            return Identity(**{key: document[key] for key in Identity.__dataclass_fields__})
        raise Failed(f"the lab's daemon did not start; its log says why: {self.log}")
