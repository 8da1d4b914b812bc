"""Join and steward in a world of their own: no run of events breaks a law, and every run ends well.

QUORATE_MODEL_RUNS=1000 looks further, at runs that were not looked at before. What breaks is cut down to a
few events and told as JSON, in the form of the files in ../traces.
"""

from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from .machine import Life
from .traces import shortest, trouble_of

RUNS = int(os.environ.get("QUORATE_MODEL_RUNS", "0"))


class Written(Life):
    """Keeps what befell the world that came last."""

    last: tuple[dict[str, Any], list[dict[str, Any]]] = ({}, [])

    def teardown(self) -> None:
        if hasattr(self, "world"):
            Written.last = (self.kind, list(self.world.trace))
        super().teardown()


def test_no_run_of_events_breaks_a_law_and_every_run_ends_well() -> None:
    """Given any layout, birth and clocks, when anything that may happen does, in any order."""
    search = settings(
        max_examples=RUNS or 30,
        stateful_step_count=40,
        derandomize=not RUNS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(Written, settings=search)
    except AssertionError as broken:
        kind, events = Written.last
        if trouble_of(kind, events) is not None:
            events = shortest(kind, events)
        told = json.dumps({"world": kind, "events": events}, indent=1)
        raise AssertionError(f"{broken}\ncut down to:\n{told}") from broken
