"""docs/threat-model.md names a test for each of its rows: each of them has to exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/threat-model.md").read_text()
HEADS = ("| Who |", "| The intruder |", "| Somebody |", "| Taken away |")


def rows() -> list[str]:
    return [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(HEADS)]


def test_every_row_names_a_test() -> None:
    assert len(rows()) > 25
    assert [row for row in rows() if not re.search(r"`test_\w+\.py::test_\w+`", row)] == []


def test_every_test_that_is_named_exists() -> None:
    tests = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    missing = [
        f"{file}::{name}"
        for file, name in re.findall(r"`(test_\w+\.py)::(\w+)`", PAGE)
        if not any(path.name == file and f"\ndef {name}(" in text for path, text in tests.items())
    ]
    assert missing == []


def test_every_case_that_is_named_exists() -> None:
    cases = re.findall(r"\(`([\w-]+)`, `([\w-]+)`\)", PAGE)
    assert cases
    folder = ROOT / "tests/unit/agent/cases"
    assert [case for pair in cases for case in pair if not (folder / case).is_dir()] == []
