"""`quorum-layout live`: is the living swarm as good as its plan, and what is next to fatal."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from quorate.cli.planner import arguments, engines, words
from quorate.cli.planner.arguments import Usage
from quorate.cli.planner.words import count
from quorate.cli.quorum_layout import refuse
from quorate.layout.goals import as_goal
from quorate.layout.spreads import LOSSES
from quorate.layout.standing import Failure, Standing, stand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from quorate.placement import Outcome

ABOUT = """\
Reads the swarm at DOCKER_HOST (or of the lab that runs here): how the
managers stand by zone label and by reachability, what may still fail, which
single failure is next to fatal, and what differs from the plan (--stack NAME:
of Pulumi.NAME.yaml; --layout with --zone). Exit code 1 while the goal does
not hold.

--zone-lost ZONE asks what may still fail with that zone away, and whether the
services would still fit on the nodes that are left."""

EXAMPLES: tuple[tuple[str, str], ...] = ()
FAILURES_SHOWN = 4


def parser() -> arguments.Words:
    parser = arguments.Words("live", ABOUT, EXAMPLES)
    parser.add_argument("--zone-lost", metavar="ZONE", help="suppose that this zone is away")
    parser.add_argument(
        "--survive",
        type=arguments.goal,
        metavar="GOAL",
        help=f"{', '.join(arguments.Goals)} (default: the plan's, else zone)",
    )
    parser.add_argument("--stack", metavar="NAME", help="compare with the plan in Pulumi.NAME.yaml")
    parser.add_argument(
        "--layout",
        type=arguments.layout,
        metavar="LAYOUT",
        help="compare with this layout, over the zones named by --zone",
    )
    parser.add_argument("--zone", action="append", metavar="NAME", help="a zone of --layout; repeat in order")
    parser.add_argument("--docker-host", metavar="HOST", help="the engine to ask (default: DOCKER_HOST)")
    parser.add_json()
    return parser


def run(given: Sequence[str]) -> int:
    asked = parser().read(given)
    planned, goal = _planned(asked)
    engine = engines.engine(asked.docker_host)
    lost = [asked.zone_lost] if asked.zone_lost else []
    standing = stand(engines.members(engine), asked.survive or goal, planned, lost)
    fates = engines.fates(engine, asked.zone_lost) if asked.zone_lost else ()
    if asked.json:
        document = standing.to_json()
        if asked.zone_lost:
            document["services"] = [fate.to_json() for fate in fates]
        print(words.as_json(document))
    else:
        print(shown(standing, fates))
    reason = _reason(standing, fates)
    return refuse(reason) if reason else 0


def _planned(asked: argparse.Namespace) -> tuple[Mapping[str, int] | None, str]:
    if asked.stack and asked.layout:
        raise Usage("--stack and --layout both say what is planned: give one of them")
    if asked.layout:
        if len(asked.zone or ()) != len(asked.layout):
            raise Usage(f"--layout with {len(asked.layout)} numbers needs as many --zone NAME, in order")
        return dict(zip(asked.zone, asked.layout, strict=True)), "zone"
    if asked.zone:
        raise Usage("--zone names the zones of --layout, which is missing")
    # the lab that runs here was laid out from its own stack
    stack = asked.stack or (engines.LAB_STACK if engines.is_lab(asked.docker_host) else None)
    if stack:
        plan = engines.planned(stack)
        return plan.spread, plan.goal
    return None, "zone"


def shown(standing: Standing, fates: Sequence[Outcome] = ()) -> str:
    """The standing for people: the answer, the zones, what may fail next."""
    good = standing.meets_goal if not standing.lost else standing.has_quorum
    rows = [["zone", "managers", "reachable"]]
    rows += [
        [zone + (" (lost)" if zone in standing.lost else ""), str(held), str(up)]
        for zone, held, up in zip(standing.zones, standing.members, standing.reachable, strict=True)
    ]
    lines = [words.paint(words.wrapped(answer(standing)), words.GOOD if good else words.BAD), ""]
    lines += words.table(rows, right=(1, 2))
    lines += [words.wrapped(f"next to fatal: {_failure(one)}") for one in standing.failures[:FAILURES_SHOWN]]
    lines += [
        words.wrapped(f"differs from the plan: zone {d.zone} has {d.found}, planned {d.planned}")
        for d in standing.differences
    ]
    if standing.unlabelled:
        lines.append(words.wrapped(f"without a zone label: {', '.join(standing.unlabelled)}"))
    if standing.unreachable:
        lines.append(words.wrapped(f"not reachable: {', '.join(standing.unreachable)}"))
    lines += [words.wrapped(_fate(fate)) for fate in fates]
    return "\n".join(lines)


def answer(standing: Standing) -> str:
    """The answer in one sentence."""
    total = sum(standing.members) + len(standing.unlabelled)
    when = f" with {', '.join(standing.lost)} away" if standing.lost else ""
    if standing.tolerates is None:
        return f"No quorum{when}: too few of {total} managers answer."
    if standing.lost:
        return f"The quorum stands{when}, and tolerates {words.tolerated(standing.tolerates)} more."
    verb = "survives" if standing.meets_goal else "does not survive"
    return (
        f"The swarm {verb} the loss of {LOSSES[as_goal(standing.goal)]}; it tolerates "
        f"{words.tolerated(standing.tolerates)}."
    )


def _failure(failure: Failure) -> str:
    what = f"the loss of {failure.kind} {failure.name}"
    return f"{what} takes the quorum" if failure.slack < 0 else f"{what} leaves {failure.slack} to spare"


def _fate(fate: Outcome) -> str:
    if fate.fits:
        return f"service {fate.service}: all {fate.wanted} fit"
    why = "; ".join(f"{reason} ({count(nodes, 'node')})" for reason, nodes in fate.reasons)
    return (
        f"service {fate.service}: {fate.wanted - fate.placed} of {fate.wanted} would wait: {why or 'no node'}"
    )


def _reason(standing: Standing, fates: Sequence[Outcome]) -> str | None:
    if standing.lost:
        waiting = [fate.service for fate in fates if not fate.fits]
        if not standing.has_quorum:
            return f"without {', '.join(standing.lost)} there is no quorum"
        return f"services that would not fit: {', '.join(waiting)}" if waiting else None
    if standing.meets_goal:
        return None
    fatal = ", ".join(f"{one.kind} {one.name}" for one in standing.fatal)
    because = f"losing {fatal} takes the quorum" if fatal else "the members that answer are too few"
    return f"the swarm does not survive the loss of {LOSSES[as_goal(standing.goal)]}: {because}"
