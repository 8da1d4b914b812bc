"""`quorum-layout plan --managers N --zones K`: the best layouts, best first."""

from __future__ import annotations

from collections.abc import Sequence

from quorate.cli.planner import arguments, words
from quorate.cli.quorum_layout import refuse
from quorate.layout.bounds import text
from quorate.layout.plans import TOP, Plan, plan
from quorate.layout.spreads import LOSSES

EXAMPLES = (
    (
        "quorum-layout plan --managers 5 --zones 3 --top 3",
        """\
""",
    ),
)


def run(given: Sequence[str]) -> int:
    parser = arguments.Words("plan", __doc__ or "", EXAMPLES)
    parser.add_argument(
        "--managers", type=arguments.counts, required=True, metavar="N", help="5, or a range 3-9, or 3,5,7"
    )
    parser.add_goal()
    parser.add_zones()
    parser.add_argument(
        "--top",
        type=arguments.counted("layouts", 1, 1000),
        default=TOP,
        metavar="K",
        help="how many layouts to show (default %(default)s)",
    )
    parser.add_json()
    asked = parser.read(given)
    for managers in asked.managers:
        arguments.refuse_even(managers, asked.strict)
    made = plan(asked.managers, arguments.zones(asked), asked.survive, asked.node_outage, asked.top)
    print(words.as_json(made.to_json()) if asked.json else shown(made))
    best = made.layouts[0]
    if best.meets_goal:
        return 0
    return refuse(f"no layout here survives the loss of {LOSSES[best.goal]}")


def shown(made: Plan) -> str:
    """The plan for people: the best layout, then the table."""
    best = made.layouts[0]
    rows = [["layout", "goal", "tolerates", "no quorum"]]
    rows += [
        [
            text(one.layout),
            "holds" if one.meets_goal else "fails",
            words.tolerated(one.tolerates),
            f"{one.unavailability:.3g}",
        ]
        for one in made.layouts
    ]
    return "\n".join(
        [
            words.paint(f"Best: {words.verdict(best)}", words.GOOD if best.meets_goal else words.BAD),
            "",
            *words.table(rows),
            *(words.wrapped(f"advice: {line}") for line in best.advice),
        ]
    )
