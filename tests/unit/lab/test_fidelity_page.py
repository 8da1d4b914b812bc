"""docs/fidelity.md names a test for each claim: each of them has to exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_test_that_the_page_names_exists() -> None:
    page = (ROOT / "docs/fidelity.md").read_text()
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", page)
    assert len(named) > 20
    tests = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not any(
            str(path).endswith(f"/{file}") and re.search(rf"^def {name}\(", text, re.MULTILINE)
            for path, text in tests.items()
        )
    ]
    assert missing == []


def test_every_row_of_the_page_names_a_test() -> None:
    page = (ROOT / "docs/fidelity.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and "| Test |" not in line]
    assert rows
    assert [row for row in rows if "::test_" not in row] == []
