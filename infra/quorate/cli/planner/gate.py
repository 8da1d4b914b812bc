"""`quorum-layout gate`: may one member leave the swarm now."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from quorate.cli.planner import arguments, words
from quorate.cli.planner.arguments import Usage
from quorate.cli.quorum_layout import refuse
from quorate.layout import bounds
from quorate.layout.bounds import Spread, text
from quorate.layout.goals import Goal
from quorate.layout.membership import DOWN, UP, Verdict, ZoneView, gate

ABOUT = """\
May one member leave the swarm now, by removal, demotion or replacement?
Swarm's own rule: those left that answer must be a quorum of those left. With
the members by zone (--layout) the zone rule stands on top: a goal that holds
now must hold afterwards. --node asks the living swarm about one of its
managers. Exit code 1 for no."""

EXAMPLES: tuple[tuple[str, str], ...] = (
    (
        "quorum-layout gate --members 5 --reachable 4 --target down",
        """\
yes: 4 of the 4 that remain answer, 3 are needed (slack 1)
""",
    ),
    (
        "quorum-layout gate --layout 2,2,1 --leaves c --target up",
        """\
no: with 2,2,0 reachable of 4 the loss of any one zone would take the quorum,
  and now it does not. Add a manager elsewhere first: quorum-layout move plans
  it (slack 1)
""",
    ),
)


def parser() -> arguments.Words:
    parser = arguments.Words("gate", ABOUT, EXAMPLES)
    count = arguments.counted("members", 1, bounds.MAX_MANAGERS)
    answering = arguments.counted("reachable members", 0, bounds.MAX_MANAGERS)
    parser.add_argument("--members", type=count, metavar="N", help="all managers")
    parser.add_argument("--reachable", type=answering, metavar="R", help="managers that answer, of all")
    parser.add_argument("--target", choices=(UP, DOWN), metavar="up|down", help="does the one to go answer")
    parser.add_argument("--layout", type=arguments.layout, metavar="LAYOUT", help="all managers by zone")
    parser.add_argument(
        "--reachable-layout",
        type=arguments.layout,
        metavar="LAYOUT",
        help="managers that answer, by zone (default: all)",
    )
    parser.add_argument("--zone", action="append", metavar="NAME", help="a zone's name; repeat in order")
    parser.add_argument("--leaves", metavar="ZONE", help="the zone of the one to go")
    parser.add_argument("--node", metavar="NAME", help="ask the living swarm whether this manager may go")
    parser.add_argument(
        "--docker-host", metavar="HOST", help="with --node: the engine to ask (default: DOCKER_HOST)"
    )
    parser.add_argument(
        "--survive",
        type=arguments.goal,
        default=Goal.ZONE,
        metavar="GOAL",
        help=f"the goal of the zone rule: {', '.join(arguments.Goals)} (default zone)",
    )
    parser.add_json()
    return parser


def run(given: Sequence[str]) -> int:
    asked = parser().read(given)
    verdict = _judge(asked)
    if asked.json:
        print(words.as_json(verdict.to_json()))
    else:
        answer = words.paint("yes" if verdict.allowed else "no", words.GOOD if verdict.allowed else words.BAD)
        print(words.wrapped(f"{answer}: {verdict.reason} (slack {verdict.slack})"))
    return 0 if verdict.allowed else refuse(verdict.reason)


def _judge(asked: argparse.Namespace) -> Verdict:
    if asked.node:
        return _of_node(asked)
    if asked.target is None:
        raise Usage(f"--target {UP} or {DOWN} is missing: it says whether the member to go answers")
    if asked.layout:
        return _by_zone(asked)
    if asked.members is None or asked.reachable is None:
        raise Usage("how many members? Give --members and --reachable, or --layout by zone, or --node")
    return gate(asked.members, asked.reachable, asked.target)


def _by_zone(asked: argparse.Namespace) -> Verdict:
    members: Spread = asked.layout
    reachable: Spread = asked.reachable_layout or members
    if len(reachable) != len(members):
        raise Usage(
            f"--reachable-layout {text(reachable)} and --layout {text(members)} differ in their zones"
        )
    for given, found, what in (
        (asked.members, sum(members), "--members"),
        (asked.reachable, sum(reachable), "--reachable"),
    ):
        if given not in (None, found):
            raise Usage(f"{what} {given} beside layouts that add up to {found}: leave it out")
    zones = asked.zone or [chr(ord("a") + zone) for zone in range(len(members))]
    bounds.names(zones, len(members))
    if asked.leaves not in zones:
        raise Usage(f"--leaves {asked.leaves}: name the zone of the one to go, one of {', '.join(zones)}")
    view = ZoneView(members, reachable, zones.index(asked.leaves), asked.survive)
    return gate(sum(members), sum(reachable), asked.target, view)


def _of_node(asked: argparse.Namespace) -> Verdict:
    from quorate.cli.planner import engines

    found = engines.steady_members(engines.engine(asked.docker_host))
    chosen = [member for member in found if member.name == asked.node]
    if len(chosen) != 1:
        known = ", ".join(sorted(member.name for member in found))
        how_many = "no manager has" if not chosen else f"{len(chosen)} managers have"
        raise Usage(f"{how_many} the name {asked.node!r}: the managers are {known}")
    zones = tuple(sorted({member.zone for member in found}))
    members, reachable = engines.by_zone(zones, found)
    view = ZoneView(members, reachable, zones.index(chosen[0].zone), asked.survive)
    return gate(sum(members), sum(reachable), UP if chosen[0].reachable else DOWN, view)
