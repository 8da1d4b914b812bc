"""Moves against exhaustive search over slots that are members, old or new, each by itself."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quorate.layout import LayoutError
from quorate.layout.move_advice import advise_move
from quorate.layout.moves import plan_move


def takes_quorum(spread, extra=0):
    """Whether some zone's loss, with `extra` members out beside it, leaves no majority."""
    return any(2 * (sum(spread) - held - extra) <= sum(spread) for held in spread)


def least_cost(start, end, most, replaced=frozenset()):
    """(unsafe, exposed, steps) of the best sequence, by relaxing every state until nothing changes.

    A state is, for each zone, a tuple of slots; True in a slot: its first member, which must go.
    """
    zones = range(len(start))

    def spread(state):
        return tuple(len(slots) for slots in state)

    def put(state, zone, slots):
        return (*state[:zone], slots, *state[zone + 1 :])

    def joining(before, after):
        # the new member is out while it catches up: any zone of the layout before may be lost beside it
        exposed = any(2 * (sum(before) - held) <= sum(after) for held in before)
        return (takes_quorum(after), exposed, 1)

    def leaving(after):
        return (takes_quorum(after), 0, 1)

    def changes(state):
        now = spread(state)
        for zone in zones:
            slots = state[zone]
            if sum(now) < most:
                after = put(state, zone, (*slots, False))
                yield after, joining(now, spread(after))
            if slots and sum(now) > 1:
                after = put(state, zone, slots[:-1])
                yield after, leaving(spread(after))
                for index, old in enumerate(slots):
                    if old:
                        less = tuple(count - (z == zone) for z, count in enumerate(now))
                        cost = tuple(a + b for a, b in zip(leaving(less), joining(less, now), strict=True))
                        yield put(state, zone, (*slots[:index], False, *slots[index + 1 :])), cost

    first = tuple((zone in replaced,) * count for zone, count in enumerate(start))
    best = {first: (0, 0, 0)}
    open_states = [first]
    while open_states:
        following = []
        for state in open_states:
            for after, cost in changes(state):
                total = tuple(a + b for a, b in zip(best[state], cost, strict=True))
                if after not in best or total < best[after]:
                    best[after] = total
                    following.append(after)
        open_states = following
    return best.get(tuple((False,) * count for count in end))


def walked(move):
    """The steps replayed; each must change one zone by one."""
    layout = move.start
    for step in move.steps:
        by = {"add": 1, "remove": -1}[step.action]
        expected = tuple(count + by * (zone == step.zone) for zone, count in enumerate(layout))
        assert step.layout == expected
        layout = expected
        yield step
    assert layout == move.end


def cost_of(move):
    before = move.start
    unsafe = exposed = 0
    for step in walked(move):
        unsafe += takes_quorum(step.layout)
        if step.action == "add":
            exposed += any(2 * (sum(before) - held) <= sum(step.layout) for held in before)
        assert sum(step.layout) <= move.max_managers
        before = step.layout
    return unsafe, exposed, len(move.steps)


SPREADS = st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(lambda s: 1 <= sum(s) <= 5)


@settings(deadline=None, max_examples=50)
@given(start=SPREADS, end=SPREADS, room=st.integers(0, 2), spare=st.booleans())
@example(start=[1, 1, 1], end=[2, 2, 1], room=2, spare=True)
@example(start=[1, 1, 1], end=[2, 2, 1], room=2, spare=False)
def test_no_sequence_is_safer_less_exposed_or_shorter(start, end, room, spare):
    most = max(sum(start), sum(end)) + room
    padding = (0,) if spare else ()
    least = least_cost((*start, *padding), (*end, *padding), most)
    if least is None:
        with pytest.raises(LayoutError, match="the last one can only leave once another has joined"):
            plan_move(tuple(start), tuple(end), max_managers=most, spare_zone=spare)
        return
    move = plan_move(tuple(start), tuple(end), max_managers=most, spare_zone=spare)
    found = cost_of(move)
    assert found == (move.unsafe_steps, move.unsafe_catch_ups, len(move.steps))
    assert found == least


@settings(deadline=None, max_examples=50)
@given(
    start=st.lists(st.integers(0, 2), min_size=2, max_size=3).filter(sum),
    data=st.data(),
    room=st.integers(0, 2),
)
@example(start=[2, 2, 1], data=None, room=1)
def test_a_replacement_is_as_good_as_exhaustive_search_over_slots_finds(start, data, room):
    if data is None:
        end, replaced = start, frozenset({0, 1, 2})
    else:
        same_size = st.lists(st.integers(0, 2), min_size=len(start), max_size=len(start)).filter(sum)
        end = data.draw(st.one_of(st.just(start), same_size))
        replaced = data.draw(st.frozensets(st.integers(0, len(start) - 1)))
    most = max(sum(start), sum(end)) + room
    least = least_cost(start, end, most, replaced)
    if least is None:
        with pytest.raises(LayoutError, match="the last one can only leave once another has joined"):
            plan_move(tuple(start), tuple(end), max_managers=most, replaced=replaced)
        return
    assert cost_of(plan_move(tuple(start), tuple(end), max_managers=most, replaced=replaced)) == least


@settings(deadline=None, max_examples=50)
@given(
    start=st.lists(st.integers(0, 3), min_size=2, max_size=4).filter(lambda s: 1 <= sum(s) <= 6),
    data=st.data(),
)
def test_after_a_replacement_every_slot_holds_a_new_member(start, data):
    replaced = data.draw(st.frozensets(st.integers(0, len(start) - 1), min_size=1))
    move = plan_move(tuple(start), tuple(start), replaced=replaced)
    slots = [dict.fromkeys(range(1, count + 1), "old") for count in start]
    gone = None
    for step in walked(move):
        zone = slots[step.zone]
        if step.action == "remove":
            assert step.slot == gone if gone else True
            if not step.in_slot:
                assert step.slot == max(zone)
            del zone[step.slot]
        else:
            assert step.slot not in zone
            if not step.in_slot:
                assert step.slot == len(zone) + 1
            zone[step.slot] = "new"
    for zone, members in enumerate(slots):
        assert sorted(members) == list(range(1, start[zone] + 1))
        if zone in replaced:
            assert set(members.values()) <= {"new"}


def test_the_config_layout_stays_through_both_halves_of_a_replacement_in_a_slot():
    move = plan_move((2, 2, 1), (2, 2, 1), replaced={2})
    pairs = list(zip(move.steps, move.config_layouts(), strict=True))
    halves = [(step.layout, config) for step, config in pairs if step.in_slot]
    assert halves == [((2, 2, 2), (2, 2, 3)), ((2, 2, 3), (2, 2, 3))]
    assert all(step.layout == config for step, config in pairs if not step.in_slot)


def test_three_zones_cannot_grow_from_one_each_to_five_without_risk_and_a_spare_zone_helps():
    plain = plan_move((1, 1, 1), (2, 2, 1), max_managers=7)
    assert plain.unsafe_steps == 1
    assert any("--spare-zone" in line for line in advise_move(plain))
    assert plan_move((1, 1, 1), (2, 2, 1), max_managers=7, spare_zone=True).unsafe_steps == 0


def test_a_move_to_a_layout_that_does_not_survive_a_zone_says_so():
    advice = advise_move(plan_move((2, 2, 1), (3, 2, 0)))
    assert any("the layout at the end does not survive" in line for line in advice)


def test_a_safe_move_needs_no_advice():
    assert advise_move(plan_move((3, 3, 3), (3, 3, 3))) == ()


def test_the_same_move_is_planned_the_same_way_each_time():
    assert plan_move((3, 3, 1), (1, 3, 3)) == plan_move((3, 3, 1), (1, 3, 3))


def test_other_goals_are_kept_on_the_way_too():
    for goal, (start, end) in product(["node", "zone+node"], [((3, 3, 3), (2, 2, 2, 2, 1)[:3])]):
        move = plan_move(start, end, goal)
        assert all(step.meets_goal or goal == "zone+node" for step in move.steps)


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (((1, 1, 1), (2, 2)), {}, "from 1,1,1 to 2,2: 3 zones and 2"),
        (((2, 2, 1), (3, 3, 3)), {"max_managers": 7}, "at most 7 managers .* an end itself has 9"),
        (((2, 2, 1), (2, 2, 1)), {"replaced": [3]}, "the zone to replace is 3: the bound is 0 to 2"),
        (((2, 2, 1), (2, -2, 1)), {}, "the count of managers in zone 1 is -2"),
        (((2, 2, 1), (2, 2, 1)), {"goal": "moon"}, "goal 'moon' is unknown"),
        (((1,) * 16, (1,) * 16), {"spare_zone": True}, "the count of zones is 17"),
    ],
)
def test_a_move_that_cannot_be_gets_one_clear_line(arguments, options, said):
    with pytest.raises(LayoutError, match=said):
        plan_move(*arguments, **options)


def test_a_move_too_large_to_search_is_given_up_with_a_next_step():
    with pytest.raises(LayoutError, match=r"has too many ways to search\. Allow fewer managers"):
        plan_move((50, 49, *[0] * 10), (*[0] * 10, 50, 49))
