"""decide against case files: cases/<case>/input.json, a scene look by look, and expected.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quorate.agent.steward.actions import Memory
from quorate.agent.steward.decide import decide

from .scenes import changed, snapshot_of, whole, words

CASES = sorted(path.parent for path in (Path(__file__).parent / "cases").glob("*/input.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_a_case_gives_its_actions_and_reasons(case: Path) -> None:
    given = json.loads((case / "input.json").read_text())
    expected = json.loads((case / "expected.json").read_text())
    scene = changed(whole(given.get("layout", [2, 2, 1]), given.get("workers", 2)), given.get("scene", {}))
    memory = Memory()
    for number, look in enumerate(given["looks"]):
        scene = changed(scene, look)
        decision = decide(snapshot_of(scene), memory)
        memory = decision.memory
        wanted = expected["looks"][number]
        assert [words(action) for action in decision.actions] == wanted["actions"], f"look {number}"
        said = " | ".join(note.text for note in decision.notes)
        for part in wanted.get("says", []):
            assert part in said, f"look {number}: {said}"
        if not wanted.get("says"):
            assert said == "", f"look {number}"
    assert len(given["looks"]) == len(expected["looks"])


def test_there_are_case_files() -> None:
    assert len(CASES) >= 25
