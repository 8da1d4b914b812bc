"""`quorum-layout check LAYOUT`: one layout against a goal."""

from __future__ import annotations

from collections.abc import Sequence

from quorate.cli.planner import arguments, words
from quorate.cli.quorum_layout import refuse
from quorate.layout.bounds import text
from quorate.layout.checks import Check, check
from quorate.layout.spreads import LOSSES

SETS_SHOWN = 12
EXAMPLES = (
    (
        "quorum-layout check 2,2,1",
        """\
2,2,1 keeps its quorum through the loss of any one zone.

managers    5, of which 3 are a quorum
tolerates   2 nodes, or 1 zone
zones lost  1: survived 3 of 3   2: survived 0 of 3   3: survived 0 of 1
fails with  a+b, a+c, b+c
no quorum   4.27e-06 of the time (2 min 14 s a year)
""",
    ),
)


def run(given: Sequence[str]) -> int:
    parser = arguments.Words("check", __doc__ or "", EXAMPLES)
    parser.add_argument("layout", type=arguments.layout, help="managers per zone, as 2,2,1")
    parser.add_goal()
    parser.add_zones()
    parser.add_json()
    asked = parser.read(given)
    arguments.refuse_even(sum(asked.layout), asked.strict)
    over = arguments.zones(asked, len(asked.layout))
    found = check(asked.layout, over, asked.survive, asked.node_outage)
    print(words.as_json(found.to_json()) if asked.json else shown(found))
    return 0 if found.meets_goal else refuse(reason(found))


def shown(found: Check) -> str:
    """The check for people: the answer, then why."""
    lines = [
        words.paint(words.verdict(found), words.GOOD if found.meets_goal else words.BAD),
        "",
        f"managers    {found.managers}, of which {found.quorum} are a quorum",
        f"tolerates   {words.tolerated(found.tolerates)}",
        _block("zones lost", [f"{o.zones_lost}: survived {o.survived} of {o.total}" for o in found.outages]),
        f"fails with  {_failing(found)}",
        f"no quorum   {found.unavailability:.3g} of the time ({words.a_year(found.unavailability)})",
    ]
    return "\n".join(
        [
            *lines,
            *(f"advice      {words.wrapped(' ' * 12 + line, ' ' * 12).strip()}" for line in found.advice),
        ]
    )


def reason(found: Check) -> str:
    """Why the goal does not hold, with the failing zones named."""
    sets = [names for names in found.failing if len(names) <= (2 if found.goal == "2-zones" else 1)]
    named = ", ".join("+".join(names) for names in sets[:SETS_SHOWN])
    because = (
        f"losing {named} takes the quorum" if sets else f"it tolerates {words.tolerated(found.tolerates)}"
    )
    return f"{text(found.layout)} does not survive the loss of {LOSSES[found.goal]}: {because}"


def _failing(found: Check) -> str:
    named = ["+".join(names) for names in found.failing[:SETS_SHOWN]]
    more = ", …" if len(found.failing) > SETS_SHOWN else ""
    return words.wrapped(" " * 12 + (", ".join(named) or "nothing") + more, " " * 12).strip()


def _block(title: str, parts: Sequence[str]) -> str:
    lines = [parts[start : start + 3] for start in range(0, len(parts), 3)]
    return f"{title:<12}" + ("\n" + " " * 12).join("   ".join(line) for line in lines)
