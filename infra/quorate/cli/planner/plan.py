"""`quorum-layout plan --managers N --zones K`: the best layouts, best first."""

from __future__ import annotations

from collections.abc import Sequence

from quorate.cli.planner import arguments, figures, words
from quorate.cli.planner.figures import Figures
from quorate.cli.quorum_layout import refuse
from quorate.layout.bounds import text
from quorate.layout.checks import Check
from quorate.layout.cost import cheapest, monthly
from quorate.layout.plans import TOP, plan
from quorate.layout.spreads import LOSSES

ABOUT = """\
The best layouts of a number of managers over some zones: those that meet the
goal first, then by the probability that no quorum stands. Exit code 1 if none
meets the goal."""
TIES = "more zones tolerated, fewer managers, then the fuller zones first"
EXAMPLES: tuple[tuple[str, str], ...] = (
    (
        "quorum-layout plan --managers 5 --zones 3 --top 3",
        """\
Best: 2,2,1 keeps its quorum through the loss of any one zone.

layout  goal   tolerates            no quorum  USD/month
2,2,1   holds  2 nodes, or 1 zone   4.27e-06   186.47
3,1,1   fails  2 nodes, or no zone  0.000101   186.47
3,2,0   fails  2 nodes, or no zone  0.000103   186.47
ties: more zones tolerated, fewer managers, then the fuller zones first; prices
  of 2026-06-17, us-east-1
""",
    ),
    (
        "quorum-layout plan --managers 3-9 --zones 3 --by cost --top 3",
        """\
Best: 1,1,1 keeps its quorum through the loss of any one zone.

layout  goal   tolerates           no quorum  USD/month
1,1,1   holds  1 node, or 1 zone   7.77e-05   151.30
2,2,1   holds  2 nodes, or 1 zone  4.27e-06   186.47
2,2,2   holds  2 nodes, or 1 zone  8.46e-06   204.05
ties: more zones tolerated, fewer managers, then the fuller zones first; prices
  of 2026-06-17, us-east-1
""",
    ),
    (
        "quorum-layout plan --managers 5 --zone flaky=0.01 --zone b --zone c --top 2",
        """\
Best: 1,2,2 keeps its quorum through the loss of any one zone.

layout  goal   tolerates           no quorum  USD/month
1,2,2   holds  2 nodes, or 1 zone  7.68e-06   186.47
2,2,1   holds  2 nodes, or 1 zone  0.000154   186.47
ties: more zones tolerated, fewer managers, then the fuller zones first; prices
  of 2026-06-17, us-east-1
""",
    ),
)


def parser() -> arguments.Words:
    parser = arguments.Words("plan", ABOUT, EXAMPLES)
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
    parser.add_argument(
        "--by",
        choices=("availability", "cost"),
        default="availability",
        metavar="WHAT",
        help="what ranks the layouts that meet the goal: availability (default), or cost",
    )
    figures.add_options(parser)
    parser.add_pictures()
    parser.add_json()
    return parser


def run(given: Sequence[str]) -> int:
    asked = parser().read(given)
    for managers in asked.managers:
        arguments.refuse_even(managers, asked.strict)
    rates = figures.settle_outages(asked)
    over = arguments.zones(asked)
    names = tuple(zone.name for zone in over)
    terms = figures.terms(asked, names, rates)
    made = plan(
        asked.managers,
        over,
        asked.survive,
        asked.node_outage,
        top=asked.top,
        fewest_first=asked.by == "cost",
    )
    reckoned = [(one, figures.reckon(one, terms)) for one in made.layouts]
    best = made.layouts[0]
    advice = [*best.advice] if best.meets_goal else [*best.advice, _cheapest(best, terms)]
    if asked.svg or asked.html:
        from quorate.cli.planner import pictures

        pictures.write(asked, reckoned)
    if asked.json:
        layouts = [{**one.to_json(), **found.to_json(one.layout, names)} for one, found in reckoned]
        print(words.as_json({"layouts": layouts, "advice": advice, "ties": TIES}))
    else:
        print(shown(reckoned, advice))
    if best.meets_goal:
        return 0
    return refuse(
        f"no spread of {_counts(asked.managers)} managers over {words.count(len(over), 'zone')} survives the "
        f"loss of {LOSSES[best.goal]}"
    )


def shown(reckoned: Sequence[tuple[Check, Figures]], advice: Sequence[str]) -> str:
    """The plan for people: the best layout, then the table."""
    best, figured = reckoned[0]
    prices = figured.terms.prices
    head = ["layout", "goal", "tolerates", "no quorum", f"{prices.currency}/month"]
    if figured.lifetime is not None:
        head.append("until loss")
    if figured.latencies is not None:
        head.append("commit ms")
    rows = [head, *(_row(one, found) for one, found in reckoned)]
    answer = (
        f"Best: {words.verdict(best)}" if best.meets_goal else f"None does. Nearest: {words.verdict(best)}"
    )
    return "\n".join(
        [
            words.paint(words.wrapped(answer), words.GOOD if best.meets_goal else words.BAD),
            "",
            *words.table(rows),
            words.wrapped(f"ties: {TIES}; prices of {prices.date}, {prices.region}"),
            *(words.wrapped(f"advice: {line}") for line in advice),
        ]
    )


def _row(one: Check, found: Figures) -> list[str]:
    row = [
        text(one.layout),
        "holds" if one.meets_goal else "fails",
        words.tolerated(one.tolerates),
        f"{one.unavailability:.3g}",
        f"{found.cost:,.2f}",
    ]
    if found.lifetime is not None:
        row.append(figures.years(found.lifetime))
    if found.latencies is not None:
        times = [latency.whole for latency in found.latencies]
        row.append(f"{min(times):g}-{max(times):g}" if min(times) < max(times) else f"{times[0]:g}")
    return row


def _cheapest(best: Check, terms: figures.Terms) -> str:
    spread = cheapest(best.goal, terms.bill, terms.prices)
    cost = monthly(spread, terms.bill, terms.prices)
    return (
        f"the cheapest that survives the loss of {LOSSES[best.goal]}: {sum(spread)} over {len(spread)} "
        f"({text(spread)}), {cost:,.2f} {terms.prices.currency} a month"
    )


def _counts(managers: Sequence[int]) -> str:
    if len(managers) == 1:
        return str(managers[0])
    return f"{min(managers)} to {max(managers)}"
