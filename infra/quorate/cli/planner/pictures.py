"""`--svg FILE` and `--html FILE`: what was planned, drawn."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from quorate.cli.planner.drawing import draw
from quorate.cli.planner.figures import Figures
from quorate.cli.planner.files import write_whole
from quorate.layout.checks import Check


def write(asked: argparse.Namespace, reckoned: Sequence[tuple[Check, Figures]]) -> None:
    """Writes the files that were asked for; the first layout is the one drawn and loaded."""
    if asked.svg:
        write_whole(Path(asked.svg), draw(reckoned[0][0]))
    if asked.html:
        from quorate.cli.planner.page import Page, render

        found, figured = reckoned[0]
        page = Page(found.zones, found.goal, asked.node_outage, figured.terms.bill, figured.terms.prices)
        write_whole(Path(asked.html), render(page, [one.layout for one, _ in reckoned]))
