"""How answers are worded for people: tolerance, probabilities, colour where a terminal reads."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from quorate.layout.bounds import text
from quorate.layout.checks import Check
from quorate.layout.spreads import LOSSES
from quorate.layout.survival import Tolerance

SECONDS_A_YEAR = 365.25 * 24 * 3600
GOOD, BAD, BOLD = "32", "31", "1"


def paint(words: str, colour: str) -> str:
    """`words` in a colour, if a terminal reads them and NO_COLOR is not set."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return words
    return f"\033[{colour}m{words}\033[0m"


def count(number: int, what: str) -> str:
    """2 zones, 1 zone, no zone."""
    return f"{number or 'no'} {what}{'s' * (number > 1)}"


def tolerated(held: Tolerance) -> str:
    """What may fail, in short: 2 nodes, 2 zones, or 1 zone and 1 node."""
    if held.zone_plus_nodes:
        extra = f"1 zone and {count(held.zone_plus_nodes, 'node')}"
        more = "" if held.zones == 1 else f"{count(held.zones, 'zone')}, or "
        return f"{count(held.nodes, 'node')}, {more or 'or '}{extra}"
    return f"{count(held.nodes, 'node')}, or {count(held.zones, 'zone')}"


def verdict(found: Check) -> str:
    """The answer to a check in one sentence."""
    if str(found.goal) == "none":
        return f"{text(found.layout)}: nothing is asked of it (goal none)."
    if found.meets_goal:
        return f"{text(found.layout)} keeps its quorum through the loss of {LOSSES[found.goal]}."
    return f"{text(found.layout)} does not survive the loss of {LOSSES[found.goal]}."


def a_year(probability: float) -> str:
    """A share of time as time per year, two leading units."""
    seconds = float(probability) * SECONDS_A_YEAR
    if seconds < 1:
        return "less than a second a year"
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        whole, seconds = divmod(seconds, size)
        if whole:
            parts.append(f"{int(whole)} {unit}")
    return f"{' '.join(parts[:2])} a year"


def wrapped(line: str, indent: str = "  ", width: int = 80) -> str:
    """`line` over several lines of at most `width` columns, the later ones indented."""
    first, *others = line.split()
    lines, current = [], line[: len(line) - len(line.lstrip())] + first
    for word in others:
        if len(current) + 1 + len(word) > width:
            lines.append(current)
            current = f"{indent}{word}"
        else:
            current = f"{current} {word}"
    return "\n".join([*lines, current])


def entry(title: str, said: str) -> str:
    """A titled line of a check, wrapped beside its title."""
    return f"{title:<12}{wrapped(' ' * 12 + said, ' ' * 12).strip()}"


def as_json(document: Mapping[str, object]) -> str:
    """The document with its schema number, as text."""
    import json

    return json.dumps({"schema": 1, **document}, indent=2)


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows as aligned columns; `right` columns are flush right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
