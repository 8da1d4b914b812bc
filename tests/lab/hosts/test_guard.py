"""A test run that is killed leaves no lab behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from quorate.lab.hosts.names import Names

RUN = """
from pathlib import Path
import pytest
from lab.guard import watch
from quorate.lab.lab import Lab

watch(pytest.MonkeyPatch())
Lab(Path({folder!r})).start()
print("started", flush=True)
input()
"""


def test_a_test_run_that_is_killed_leaves_no_lab(tmp_path: Path, eventually, left_behind) -> None:
    folder = tmp_path / "lab"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parents[2])])}
    words = [sys.executable, "-c", RUN.format(folder=str(folder))]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "started\n"
        assert left_behind(Names.of(folder)) != []
        run.send_signal(signal.SIGKILL)
    eventually(lambda: left_behind(Names.of(folder)) == [])
