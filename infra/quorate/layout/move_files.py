"""A move as a versioned document, and the check of it against the members that there are.

The document is written once and followed step by step. A reader trusts none of what it says about safety:
tolerance and goals are computed again, and each step must follow from the one before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quorate.layout import bounds
from quorate.layout.bounds import Spread, as_spread, text
from quorate.layout.errors import LayoutError
from quorate.layout.goals import as_goal, catch_up_safe, meets
from quorate.layout.membership import UP, ZoneView, admit, gate
from quorate.layout.moves import ADD, REMOVE, Move, Step
from quorate.layout.survival import tolerance

SCHEMA = 1
KIND = "quorate-move"


@dataclass(frozen=True)
class MovePlan:
    """A move with the names of its zones (a spare zone's last)."""

    move: Move
    zones: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        move = self.move
        return {
            "schema": SCHEMA,
            "kind": KIND,
            "zones": list(self.zones),
            "from": list(move.start),
            "to": list(move.end),
            "goal": str(move.goal),
            "max_managers": move.max_managers,
            "spare_zone": move.spare_zone,
            "replace": [self.zones[zone] for zone in move.replaced],
            "steps": [
                self._step(number, step, config)
                for number, (step, config) in enumerate(
                    zip(move.steps, move.config_layouts(), strict=True), start=1
                )
            ],
            "unsafe_steps": move.unsafe_steps,
            "unsafe_catch_ups": move.unsafe_catch_ups,
        }

    def slot(self, step: Step) -> str:
        """The name of the slot that a step fills or empties."""
        return f"manager-{self.zones[step.zone]}-{step.slot}"

    def _step(self, number: int, step: Step, config: Spread) -> dict[str, object]:
        return {
            "step": number,
            "action": step.action,
            "zone": step.zone,
            "zone_name": self.zones[step.zone],
            "slot": self.slot(step),
            "in_slot": step.in_slot,
            "layout": list(step.layout),
            "config_layout": list(config),
            "tolerates": step.tolerates.to_json(),
            "meets_goal": step.meets_goal,
            "catch_up_safe": step.catch_up_safe,
        }


def read_move(document: object) -> MovePlan:
    """The plan in a decoded document; LayoutError says what in it cannot be."""
    raw = _mapping(document, "the plan")
    if raw.get("kind") != KIND or raw.get("schema") != SCHEMA:
        raise LayoutError(
            f"the plan is {raw.get('kind')!r} of schema {raw.get('schema')!r}: {KIND!r} of schema {SCHEMA} "
            f"is read here. Write it with quorum-layout move --out FILE"
        )
    start = _spread(raw.get("from"), "from")
    end = _spread(raw.get("to"), "to")
    zones = bounds.names([str(name) for name in _list(raw.get("zones"), "zones")], len(start))
    goal = as_goal(str(raw.get("goal")))
    steps: list[Step] = []
    layout = start
    for number, given in enumerate(_list(raw.get("steps"), "steps"), start=1):
        step = _read_step(_mapping(given, f"step {number}"), number, layout, goal)
        steps.append(step)
        layout = step.layout
    if layout != end:
        raise LayoutError(
            f"the plan's steps end at {text(layout)} and not at {text(end)}: plan the move anew"
        )
    most = bounds.managers(raw.get("max_managers"))
    replaced = tuple(_index(zones, name) for name in _list(raw.get("replace"), "replace"))
    return MovePlan(
        Move(start, end, goal, most, raw.get("spare_zone") is True, replaced, tuple(steps)), zones
    )


def _read_step(raw: Mapping[str, object], number: int, before: Spread, goal: str) -> Step:
    action = raw.get("action")
    if action not in (ADD, REMOVE):
        raise LayoutError(f"step {number} of the plan: action {action!r} is neither {ADD!r} nor {REMOVE!r}")
    zone = bounds.whole(raw.get("zone"), f"the zone of step {number}", 0, len(before) - 1)
    by = 1 if action == ADD else -1
    expected = (*before[:zone], before[zone] + by, *before[zone + 1 :])
    layout = _spread(raw.get("layout"), f"the layout of step {number}")
    if layout != expected:
        raise LayoutError(
            f"step {number} of the plan: {action} in zone {zone} makes {text(expected)} of {text(before)}, "
            f"and the plan says {text(layout)}. Plan the move anew"
        )
    slot = bounds.whole(_slot_number(raw.get("slot")), f"the slot of step {number}", 1, bounds.MAX_MANAGERS)
    return Step(
        action=str(action),
        zone=zone,
        slot=slot,
        layout=layout,
        tolerates=tolerance(layout),
        meets_goal=meets(layout, goal),
        catch_up_safe=action == REMOVE or catch_up_safe(before, goal),
        in_slot=raw.get("in_slot") is True,
    )


@dataclass(frozen=True)
class Verified:
    """Where the swarm is in a plan, and whether the next step may go.

    `done`: steps behind it; `step` is None when the move is complete or its place is not known.
    """

    allowed: bool
    reason: str
    done: int | None = None
    step: Step | None = None


def verify(plan: MovePlan, members: Spread, reachable: Spread, at: int | None = None) -> Verified:
    """May the next step of `plan` go, the swarm having these members, and reachable ones, per zone.

    `at`: the number of the step about to be taken, from 1; needed where the plan passes the swarm's layout
    more than once. Every member must answer, and the gate must let the step through.
    """
    steps = plan.move.steps
    passed = [plan.move.start, *(step.layout for step in steps)]
    places = [done for done, layout in enumerate(passed) if layout == members]
    if at is not None:
        bounds.whole(at, "the number of the step", 1, len(steps) + 1)
        if at - 1 not in places:
            return Verified(
                False, f"before step {at} the plan has {text(passed[at - 1])}, the swarm has {text(members)}"
            )
        places = [at - 1]
    if not places:
        return Verified(
            False,
            f"the swarm has {text(members)}, and no point of the plan has: plan the move from here anew",
        )
    if len(places) > 1:
        listed = ", ".join(str(done + 1) for done in places)
        return Verified(
            False,
            f"the plan passes {text(members)} before each of the steps {listed}: say which is next (--step)",
        )
    done = places[0]
    if done == len(steps):
        return Verified(True, f"the move is complete: the swarm has {text(members)}", done)
    return _judge(plan, done, members, reachable)


def _judge(plan: MovePlan, done: int, members: Spread, reachable: Spread) -> Verified:
    step = plan.move.steps[done]
    total, up = sum(members), sum(reachable)
    if up < total:
        return Verified(
            False,
            f"{total - up} of {total} managers do not answer: bring them back, or remove them and plan anew",
            done,
            step,
        )
    if step.action == ADD:
        verdict = admit(total, up)
    else:
        # a step that the plan marks as unsafe was accepted with the plan: Swarm's own rule stays
        view = ZoneView(members, reachable, step.zone, plan.move.goal) if step.meets_goal else None
        verdict = gate(total, up, UP, view)
    return Verified(verdict.allowed, verdict.reason, done, step)


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise LayoutError(f"{what} is no JSON object: write the plan with quorum-layout move --out FILE")
    return value


def _list(value: object, what: str) -> Sequence[object]:
    if not isinstance(value, list):
        raise LayoutError(f"{what!r} in the plan is no list: write it with quorum-layout move --out FILE")
    return value


def _spread(value: object, what: str) -> Spread:
    listed = _list(value, what)
    return as_spread(bounds.whole(count, f"a number in {what!r}", 0, bounds.MAX_MANAGERS) for count in listed)


def _index(zones: tuple[str, ...], name: object) -> int:
    if name not in zones:
        raise LayoutError(f"zone {name!r} to replace is none of {', '.join(zones)}")
    return zones.index(str(name))


def _slot_number(name: object) -> object:
    number = str(name).rpartition("-")[2]
    return int(number) if number.isdecimal() and len(number) < 4 else name
