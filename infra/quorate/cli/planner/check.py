"""`quorum-layout check LAYOUT`: one layout against a goal."""

from __future__ import annotations

from collections.abc import Sequence

from quorate.cli.planner import arguments, figures, words
from quorate.cli.planner.figures import Figures
from quorate.cli.quorum_layout import refuse
from quorate.layout.bounds import text
from quorate.layout.checks import Check, check
from quorate.layout.durability import durability
from quorate.layout.spreads import LOSSES

ABOUT = """\
One layout against a goal: what it survives, which zones take its quorum, how
likely that is, and what it costs. Exit code 1 if it does not meet the goal,
with the zones named."""
SETS_SHOWN = 12
EXAMPLES: tuple[tuple[str, str], ...] = (
    (
        "quorum-layout check 2,2,1",
        """\
2,2,1 keeps its quorum through the loss of any one zone.

managers    5, of which 3 are a quorum
tolerates   2 nodes, or 1 zone
zones lost  1: survived 3 of 3   2: survived 0 of 3   3: survived 0 of 1
fails with  a+b, a+c, b+c
no quorum   4.27e-06 of the time (2 min 14 s a year)
durable     every write through 2 nodes or 1 zone destroyed
cost        186.47 USD a month (t3.small, egress per-zone, us-east-1, prices of
            2026-06-17)
""",
    ),
    (
        "quorum-layout check 3,2",
        """\
3,2 does not survive the loss of any one zone.

managers    5, of which 3 are a quorum
tolerates   2 nodes, or no zone
zones lost  1: survived 1 of 2   2: survived 0 of 1
fails with  a
no quorum   0.000103 of the time (54 min 1 s a year)
durable     every write through 2 nodes or no zone destroyed
cost        153.62 USD a month (t3.small, egress per-zone, us-east-1, prices of
            2026-06-17)
advice      no spread of 5 over 2 survives the loss of any one zone: use 5 over
            3 (2,2,1) or 5 over 4 (2,1,1,1) or 3 over 3 (1,1,1)
""",
    ),
)


def parser() -> arguments.Words:
    parser = arguments.Words("check", ABOUT, EXAMPLES)
    parser.add_argument("layout", type=arguments.layout, help="managers per zone, as 2,2,1")
    parser.add_goal()
    parser.add_zones()
    figures.add_options(parser)
    parser.add_pictures()
    parser.add_json()
    return parser


def run(given: Sequence[str]) -> int:
    asked = parser().read(given)
    arguments.refuse_even(sum(asked.layout), asked.strict)
    rates = figures.settle_outages(asked)
    over = arguments.zones(asked, len(asked.layout))
    terms = figures.terms(asked, tuple(zone.name for zone in over), rates)
    found = check(asked.layout, over, asked.survive, asked.node_outage)
    reckoned = figures.reckon(found, terms)
    if asked.svg or asked.html:
        from quorate.cli.planner import pictures

        pictures.write(asked, [(found, reckoned)])
    if asked.json:
        names = tuple(zone.name for zone in over)
        print(words.as_json({**found.to_json(), **reckoned.to_json(found.layout, names)}))
    else:
        print(shown(found, reckoned))
    return 0 if found.meets_goal else refuse(reason(found))


def shown(found: Check, reckoned: Figures) -> str:
    """The check for people: the answer, then why."""
    lines = [
        words.paint(words.wrapped(words.verdict(found)), words.GOOD if found.meets_goal else words.BAD),
        "",
        f"managers    {found.managers}, of which {found.quorum} are a quorum",
        f"tolerates   {words.tolerated(found.tolerates)}",
        _block("zones lost", [f"{o.zones_lost}: survived {o.survived} of {o.total}" for o in found.outages]),
        f"fails with  {_failing(found)}",
        f"no quorum   {found.unavailability:.3g} of the time ({words.a_year(found.unavailability)})",
        *_figures(found, reckoned),
    ]
    return "\n".join([*lines, *(words.entry("advice", line) for line in found.advice)])


def _figures(found: Check, reckoned: Figures) -> list[str]:
    held, terms = durability(found.layout), reckoned.terms
    lines = [
        f"durable     every write through {words.count(held.nodes, 'node')} or "
        f"{words.count(held.zones, 'zone')} destroyed",
    ]
    if reckoned.loss is not None:
        lines.append(f"writes lost with a probability of {reckoned.loss:.3g}")
    if reckoned.lifetime is not None:
        lines.append(f"quorum lost after {figures.years(reckoned.lifetime)} on average")
    for latency in reckoned.latencies or ():
        without = [
            f"{'no quorum' if time is None else f'{time:g} ms'} without {zone.name}"
            for zone, time in zip(found.zones, latency.without, strict=True)
            if zone.name != found.zones[latency.zone].name
        ]
        lead = f"led from {found.zones[latency.zone].name} {latency.whole:g} ms"
        lines.append(words.entry("commit", ", ".join([lead, *without])))
    lines.append(
        words.entry(
            "cost",
            f"{reckoned.cost:,.2f} {terms.prices.currency} a month ({terms.bill.instance_type}, egress "
            f"{terms.bill.egress}, {terms.prices.region}, prices of {terms.prices.date})",
        )
    )
    return lines


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
