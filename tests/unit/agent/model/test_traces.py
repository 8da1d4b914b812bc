"""Runs that were written down: each breaks no law and ends whole, or lost where its file says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .traces import replay

TRACES = sorted((Path(__file__).parents[1] / "traces").glob("*.json"))
LAB = {"launch", "wait", "expect whole", "kill when", "kill", "terminate", "end in order", "rotate", "well"}
LAB |= {"zone down", "zone partition", "zones up", "fault"}


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_a_run_that_was_written_down_breaks_no_law_and_ends_as_it_says(path: Path) -> None:
    trace = json.loads(path.read_text())
    world = replay(trace["world"], trace["events"])
    assert world.lost() == trace.get("lost", False)
    assert len(world.witness.published) == 1


def test_a_founder_that_cannot_publish_goes_on_with_the_one_swarm_that_it_has_made() -> None:
    events = [
        {"do": "fault", "service": "ssm", "kind": "error"},
        {"do": "launch"},
        {"do": "wait", "seconds": 60},
        {"do": "well"},
    ]
    world = replay({"layout": (1, 1, 1)}, events)
    assert len(world.swarms) == 1


def test_runs_for_the_lab_hold_only_what_a_lab_can_do() -> None:
    labs = [trace for trace in map(json.loads, (path.read_text() for path in TRACES)) if trace["lab"]]
    assert len(labs) >= 3
    assert {event["do"] for trace in labs for event in trace["events"]} <= LAB
