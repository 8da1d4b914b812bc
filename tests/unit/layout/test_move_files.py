"""The plan file of a move: written, read back, distrusted, and followed against the members there are."""

from __future__ import annotations

import json

import pytest

from quorate.layout import LayoutError
from quorate.layout.move_files import MovePlan, read_move, verify
from quorate.layout.moves import plan_move

ZONES = ("az1", "az2", "az4", "spare")


def growth():
    return MovePlan(plan_move((1, 1, 1), (2, 2, 1), spare_zone=True), ZONES)


def renewal():
    return MovePlan(plan_move((2, 2, 1), (2, 2, 1), replaced={0, 1, 2}), ZONES[:3])


@pytest.mark.parametrize("plan", [growth(), renewal()])
def test_a_plan_written_and_read_is_the_same_plan(plan):
    assert read_move(json.loads(json.dumps(plan.to_json()))) == plan


def test_each_step_names_its_slot_and_the_value_of_the_config_key():
    steps = growth().to_json()["steps"]
    assert [step["slot"] for step in steps] == [
        "manager-spare-1",
        "manager-az1-2",
        "manager-az2-2",
        "manager-spare-1",
    ]
    assert steps[-1]["config_layout"] == [2, 2, 1, 0]


def test_a_plan_is_followed_step_by_step_to_its_end():
    plan = growth()
    members = plan.move.start
    for number, step in enumerate(plan.move.steps):
        found = verify(plan, members, members)
        assert found.allowed
        assert (found.done, found.step) == (number, step)
        members = step.layout
    last = verify(plan, members, members)
    assert last.allowed
    assert last.step is None
    assert "the move is complete" in last.reason


def test_a_swarm_that_is_nowhere_in_the_plan_stops_it():
    found = verify(growth(), (3, 1, 1, 0), (3, 1, 1, 0))
    assert not found.allowed
    assert "no point of the plan has" in found.reason


def test_a_member_that_does_not_answer_stops_the_next_step():
    found = verify(growth(), (2, 1, 1, 1), (2, 1, 0, 1))
    assert not found.allowed
    assert "1 of 5 managers do not answer" in found.reason


def test_where_the_plan_passes_a_layout_twice_the_step_must_be_said():
    plan = renewal()
    passed = [plan.move.start, *(step.layout for step in plan.move.steps)]
    twice = next(layout for layout in passed if passed.count(layout) > 1)
    assert "say which is next" in verify(plan, twice, twice).reason
    at = passed.index(twice) + 1
    assert verify(plan, twice, twice, at).done == at - 1


def test_a_step_that_does_not_fit_the_swarm_is_refused():
    found = verify(growth(), (1, 1, 1, 0), (1, 1, 1, 0), 3)
    assert not found.allowed
    assert found.reason == "before step 3 the plan has 2,1,1,1, the swarm has 1,1,1,0"


def test_a_step_that_the_plan_marks_unsafe_was_accepted_with_it():
    plan = MovePlan(plan_move((2, 2, 1), (2, 1, 0)), ZONES[:3])
    layout = plan.move.start
    for step in plan.move.steps:
        assert verify(plan, layout, layout).allowed
        layout = step.layout


def test_safety_is_computed_again_and_not_read():
    document = growth().to_json()
    for step in document["steps"]:
        step["meets_goal"], step["tolerates"] = False, {"nodes": 9, "zones": 9, "zone_plus_nodes": 9}
    assert read_move(document) == growth()


def edited(**changes):
    return {**growth().to_json(), **changes}


def with_step(number, **changes):
    document = growth().to_json()
    document["steps"][number] = {**document["steps"][number], **changes}
    return document


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "the plan is no JSON object"),
        ({}, "the plan is None of schema None"),
        (edited(schema=2), "of schema 2: 'quorate-move' of schema 1 is read here"),
        (edited(steps="x"), "'steps' in the plan is no list"),
        (edited(zones=["a"]), "1 zone names for a layout over 4 zones"),
        (edited(goal="all"), "goal 'all' is unknown"),
        (edited(to=[2, 2, 2, 0]), "the plan's steps end at 2,2,1,0 and not at 2,2,2,0"),
        (edited(replace=["az9"]), "zone 'az9' to replace is none of"),
        (edited(max_managers="x"), "the count of managers is 'x'"),
        (with_step(1, action="swap"), "step 2 of the plan: action 'swap'"),
        (with_step(1, zone=7), "the zone of step 2 is 7: the bound is 0 to 3"),
        (with_step(1, layout=[1, 2, 1, 1]), "step 2 of the plan: add in zone 0 makes 2,1,1,1 of 1,1,1,1"),
        (with_step(1, layout=[1, 2, "1", 1]), "a number in 'the layout of step 2' is '1'"),
        (with_step(1, slot="manager"), "the slot of step 2 is 'manager'"),
    ],
)
def test_a_plan_that_was_tampered_with_gets_one_clear_line(document, said):
    with pytest.raises(LayoutError) as caught:
        read_move(document)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
