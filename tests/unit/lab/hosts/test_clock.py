"""A program of a host whose clock was set: its wall clock is wrong, its monotonic one is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quorate.lab.hosts import units

PROGRAM = """
import datetime, json, time
from datetime import datetime as early
print(json.dumps({
    "time": time.time(), "ns": time.time_ns() / 1e9, "monotonic": time.monotonic(),
    "now": datetime.datetime.now(datetime.timezone.utc).timestamp(), "early": early.now().timestamp(),
    "utcnow": datetime.datetime.utcnow().replace(tzinfo=datetime.timezone.utc).timestamp(),
    "is": isinstance(datetime.datetime.fromtimestamp(0), datetime.datetime),
}))
"""


@pytest.mark.parametrize("off", [3600.0, -3600.0, 0.0])
def test_every_way_to_ask_for_the_time_of_day_is_off_and_the_monotonic_clock_is_not(
    tmp_path: Path, off: float
) -> None:
    (tmp_path / "clock").write_text(f"{off}\n")
    preload = str(Path(units.__file__).with_name("clock"))
    environment = {**os.environ, "PYTHONPATH": preload, "QUORATE_LAB_CLOCK": str(tmp_path / "clock")}
    before, start = time.time(), time.monotonic()
    words = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    told = json.loads(subprocess.run(words, env=environment, capture_output=True, check=True).stdout)
    after, end = time.time(), time.monotonic()
    assert told.pop("is") is True
    assert start <= told.pop("monotonic") <= end
    assert len(told) == 5 and all(before + off <= said <= after + off for said in told.values()), told
