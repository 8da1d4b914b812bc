"""`quorum-layout move FROM TO`: the safest, then shortest way from one layout to another."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from quorate.cli.planner import arguments, words
from quorate.cli.planner.arguments import Usage
from quorate.cli.quorum_layout import refuse
from quorate.layout import bounds
from quorate.layout.bounds import text
from quorate.layout.errors import LayoutError
from quorate.layout.goals import Goal
from quorate.layout.move_advice import advise_move
from quorate.layout.move_files import MovePlan, Verified, read_move, verify
from quorate.layout.moves import ADD, plan_move
from quorate.layout.spreads import LOSSES

ABOUT = """\
The safest, then shortest way from one layout to another: fewest layouts on
the way that do not survive the goal, fewest exposed catch-ups (a member
counts as soon as it is added and holds no log yet), fewest steps. One member
is added or removed at a time.

Each step is a value of the config key `layout`; where a member is replaced
within its slot, the key keeps its value and the slot's instance is replaced.
With --out the plan is written to a file; --verify FILE asks the living swarm,
before a step, whether it may go."""

EXAMPLES: tuple[tuple[str, str], ...] = (
    (
        "quorum-layout move 1,1,1 2,2,1 --spare-zone",
        """\
4 steps, and after each the quorum survives the loss of any one zone, 2 exposed
  catch-ups.

step     zone   layout   tolerates
   1  +  spare  1,1,1,1  1 node, or 1 zone   exposed until caught up
   2  +  a      2,1,1,1  2 nodes, or 1 zone
   3  +  b      2,2,1,1  2 nodes, or 1 zone  exposed until caught up
   4  -  spare  2,2,1,0  2 nodes, or 1 zone
advice: neither a spare zone nor more managers on the way would make it safer
""",
    ),
    (
        "quorum-layout move 2,2,1 2,2,1 --replace c",
        """\
6 steps, and after each the quorum survives the loss of any one zone, 1 exposed
  catch-up.

step     zone           layout  tolerates
   1  +  c              2,2,2   2 nodes, or 1 zone  exposed until caught up
   2  +  c              2,2,3   3 nodes, or 1 zone
   3  -  c (in slot 1)  2,2,2   2 nodes, or 1 zone
   4  +  c (in slot 1)  2,2,3   3 nodes, or 1 zone
   5  -  c              2,2,2   2 nodes, or 1 zone
   6  -  c              2,2,1   2 nodes, or 1 zone
advice: neither a spare zone nor more managers on the way would make it safer
""",
    ),
)


def run(given: Sequence[str]) -> int:
    asked = parser().read(given)
    return _verify(asked) if asked.verify else _plan(asked)


def parser() -> arguments.Words:
    parser = arguments.Words("move", ABOUT, EXAMPLES)
    parser.add_argument("start", nargs="?", type=arguments.layout, metavar="FROM", help="as 1,1,1")
    parser.add_argument("end", nargs="?", type=arguments.layout, metavar="TO", help="as 2,2,1")
    parser.add_argument(
        "--max-managers",
        type=arguments.counted("managers", 1, bounds.MAX_MANAGERS),
        metavar="N",
        help="never more managers than this on the way (default: two more than either end)",
    )
    parser.add_argument(
        "--spare-zone", action="store_true", help="one more zone, empty at both ends, may be used on the way"
    )
    parser.add_argument(
        "--replace",
        action="append",
        default=[],
        metavar="ZONE",
        help="replace every manager of this zone; may be repeated",
    )
    parser.add_argument("--replace-all", action="store_true", help="replace every manager")
    parser.add_argument(
        "--survive",
        type=arguments.goal,
        default=Goal.ZONE,
        metavar="GOAL",
        help=f"what the quorum must survive: {', '.join(arguments.Goals)} (default zone)",
    )
    parser.add_argument(
        "--zone",
        action="append",
        metavar="NAME",
        help="names of the zones, in order; with --spare-zone one more name may stand last",
    )
    parser.add_argument("--out", metavar="FILE", help="write the plan to FILE")
    parser.add_argument(
        "--verify", metavar="FILE", help="may the next step of the plan in FILE go, by the living swarm"
    )
    parser.add_argument(
        "--step",
        type=arguments.counted("steps", 1, 9999),
        metavar="N",
        help="with --verify: the number of the step about to be taken",
    )
    parser.add_argument(
        "--docker-host",
        metavar="HOST",
        help="with --verify: the engine to ask (default: DOCKER_HOST, else the lab)",
    )
    parser.add_argument("--html", metavar="FILE", help="write a self-contained page to FILE")
    parser.add_json()
    return parser


def _plan(asked: argparse.Namespace) -> int:
    if asked.start is None or asked.end is None:
        raise Usage("from which layout to which? quorum-layout move 1,1,1 2,2,1")
    zones = _zones(asked)
    replaced = (
        range(len(asked.start)) if asked.replace_all else [_index(zones, name) for name in asked.replace]
    )
    move = plan_move(
        asked.start,
        asked.end,
        asked.survive,
        max_managers=asked.max_managers,
        spare_zone=asked.spare_zone,
        replaced=tuple(replaced),
    )
    plan = MovePlan(move, zones)
    advice = advise_move(move)
    document = {**plan.to_json(), "advice": list(advice)}
    if asked.out:
        _write(asked.out, json.dumps(document, indent=2) + "\n")
    if asked.html:
        _page(asked, plan)
    print(words.as_json(document) if asked.json else shown(plan, advice))
    if asked.out and not asked.json:
        print(f"\nwritten to {asked.out}; before each step: quorum-layout move --verify {asked.out}")
    if move.unsafe_steps == 0:
        return 0
    return refuse(
        f"{_layouts(move.unsafe_steps)} on the way whose quorum the loss of {LOSSES[move.goal]} takes"
    )


def shown(plan: MovePlan, advice: Sequence[str]) -> str:
    """The move for people: the answer, the steps, what would be safer."""
    move = plan.move
    rows = [["step", "", "zone", "layout", "tolerates", ""]]
    for number, step in enumerate(move.steps, start=1):
        notes = [] if step.meets_goal else ["UNSAFE"]
        notes += [] if step.catch_up_safe else ["exposed until caught up"]
        sign = "+" if step.action == ADD else "-"
        where = f"{plan.zones[step.zone]}" + (f" (in slot {step.slot})" if step.in_slot else "")
        rows.append(
            [str(number), sign, where, text(step.layout), words.tolerated(step.tolerates), ", ".join(notes)]
        )
    colour = words.BAD if move.unsafe_steps else words.GOOD
    lines = [words.paint(words.wrapped(_answer(plan)), colour)]
    if move.steps:
        lines += ["", *words.table(rows, right=(0,))]
    return "\n".join([*lines, *(words.wrapped(f"advice: {line}") for line in advice)])


def _answer(plan: MovePlan) -> str:
    move = plan.move
    if not move.steps:
        return f"{text(move.start)} is there already: nothing to do."
    count = words.count(len(move.steps), "step")
    if move.unsafe_steps:
        return f"{count}, {_layouts(move.unsafe_steps)} of them unsafe: no sequence does better here."
    exposed = f", {words.count(move.unsafe_catch_ups, 'exposed catch-up')}" if move.unsafe_catch_ups else ""
    return f"{count}, and after each the quorum survives the loss of {LOSSES[move.goal]}{exposed}."


def _layouts(number: int) -> str:
    return words.count(number, "layout")


def _zones(asked: argparse.Namespace) -> tuple[str, ...]:
    count = len(asked.start) + asked.spare_zone
    given = tuple(name.partition("=")[0].strip() for name in asked.zone or ())
    if not given:
        letters = tuple(chr(ord("a") + zone) for zone in range(len(asked.start)))
        return (*letters, "spare") if asked.spare_zone else letters
    if asked.spare_zone and len(given) == len(asked.start):
        given = (*given, "spare")
    if len(given) != count:
        raise Usage(f"{len(given)} zone names for {count} zones: name each zone once with --zone")
    return bounds.names(given, count)


def _index(zones: Sequence[str], name: str) -> int:
    if name not in zones:
        raise Usage(
            f"zone {name!r} is unknown{arguments.nearest(name, zones)}: the zones are {', '.join(zones)}"
        )
    return zones.index(name)


def _page(asked: argparse.Namespace, plan: MovePlan) -> None:
    from quorate.cli.planner.page import Page, render
    from quorate.layout.cost import LIST_PRICES, USUAL
    from quorate.layout.probability import NODE_OUTAGE
    from quorate.layout.zones import as_zones

    page = Page(as_zones(plan.zones), plan.move.goal, NODE_OUTAGE, USUAL, LIST_PRICES)
    _write(asked.html, render(page, [plan.move.start, plan.move.end], plan))


def _write(name: str, content: str) -> None:
    from quorate.cli.planner.files import write_whole

    write_whole(Path(name), content)


def _verify(asked: argparse.Namespace) -> int:
    from quorate.cli.planner import engines

    if asked.start is not None:
        raise Usage("--verify FILE takes the layouts from the file: leave out FROM and TO")
    plan = _read(asked.verify)
    found = engines.steady_members(engines.engine(asked.docker_host))
    members, reachable = engines.by_zone(plan.zones, found)
    verified = verify(plan, members, reachable, asked.step)
    step = verified.step
    if asked.json:
        document = {
            "allowed": verified.allowed,
            "reason": verified.reason,
            "done": verified.done,
            "steps": len(plan.move.steps),
            "layout": list(members),
            "next": None if step is None or verified.done is None else plan.to_json()["steps"][verified.done],  # type: ignore[index]
        }
        print(words.as_json(document))
    else:
        print(_said(plan, verified))
    return 0 if verified.allowed else refuse(verified.reason)


def _said(plan: MovePlan, verified: Verified) -> str:
    step = verified.step
    if step is None or verified.done is None:
        return words.wrapped(f"{'yes' if verified.allowed else 'no'}: {verified.reason}")
    what = f"{step.action} {plan.slot(step)}, which makes {text(step.layout)}"
    answer = "may go" if verified.allowed else "must not go now"
    return words.wrapped(
        f"step {verified.done + 1} of {len(plan.move.steps)} {answer}: {what}. {verified.reason}"
    )


def _read(name: str) -> MovePlan:
    try:
        document = json.loads(Path(name).read_text())
    except OSError as error:
        raise Usage(f"the plan {name!r} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise Usage(
            f"the plan {name!r} is no JSON ({error}): write it with quorum-layout move --out"
        ) from None
    try:
        return read_move(document)
    except LayoutError as error:
        raise Usage(f"{name}: {error}") from None
