"""`lab drill`: the rehearsal as a table, or one JSON document."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from quorate.lab.drill.rehearse import Outcome
    from quorate.lab.lab import Lab

HELP = """\
Loses every single zone, then every pair where the layout promises that two may be lost, then every
single host: with a service and its clients running, one after the other, each brought back before the
next. Prints what layout predicted beside what was seen. It can be interrupted: what it took down
comes up again and its service is removed.

examples:
  scripts/lab drill
  scripts/lab drill --only zones --json

exit codes: 0 everything was as predicted; 1 something was not, or the cluster was not whole at the start
"""


def drill(lab: Lab, arguments: argparse.Namespace) -> int:
    from quorate.cli.progress import Steps
    from quorate.lab.drill.rehearse import drill as rehearse

    signal.signal(signal.SIGTERM, _interrupt)
    with Steps() as steps:
        outcomes = list(rehearse(lab, arguments.only, steps))
    holds = all(outcome.as_predicted for outcome in outcomes)
    if arguments.json:
        rows = [outcome.to_json() for outcome in outcomes]
        print(json.dumps({"schema": 1, "holds": holds, "outages": rows}, indent=2))
    else:
        print_table(outcomes)
    for outcome in outcomes:
        if not outcome.as_predicted:
            print(
                f"lab: {outcome.lost}: predicted {outcome.predicted}, {_fell_short(outcome)}", file=sys.stderr
            )
    return 0 if holds else 1


def print_table(outcomes: Sequence[Outcome]) -> None:
    rows = [("LOST", "PREDICTED", "SEEN", "LEADER AFTER", "FULL COUNT AFTER", "FAILED REQUESTS")]
    rows += [
        (
            outcome.lost,
            outcome.predicted,
            outcome.seen,
            _seconds(outcome.seconds_to_leader),
            _seconds(outcome.seconds_to_full_count),
            f"{outcome.failed_requests} of {outcome.requests}",
        )
        for outcome in outcomes
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())


def take(verb: argparse.ArgumentParser) -> None:
    verb.epilog, verb.formatter_class = HELP, argparse.RawDescriptionHelpFormatter
    verb.add_argument("--json", action="store_true", help="one JSON document on standard output")
    verb.add_argument(
        "--only", choices=("all", "zones", "hosts"), default="all", help="what is lost (default: %(default)s)"
    )


def _fell_short(outcome: Outcome) -> str:
    if outcome.predicted == outcome.seen:
        return "seen, but the service did not come back to its count"
    return f"seen {outcome.seen}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
