"""Which layouts are best: against a ranking of every layout there is."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.layout import (
    Goal,
    LayoutError,
    Zone,
    alternatives,
    best_spread,
    check,
    even_spread,
    meets,
    plan,
    tolerance,
    unavailability,
)

NODE_OUTAGE = 0.01


def every_layout(managers, zones):
    return [s for s in product(range(managers + 1), repeat=zones) if sum(s) == managers]


def too_many_lost(spread, goal):
    fullest = sorted(spread, reverse=True)
    lost = {
        "none": 0,
        "node": 1,
        "zone": fullest[0],
        "zone+node": fullest[0] + 1,
        "2-zones": sum(fullest[:2]),
    }
    # more than half must stay
    return max(0, lost[goal] - (sum(spread) - 1) // 2)


@settings(deadline=None, max_examples=60)
@given(
    managers=st.integers(1, 7),
    outages=st.lists(st.floats(1e-6, 0.9), min_size=1, max_size=4, unique=True),
    goal=st.sampled_from(list(Goal)),
)
def test_the_plan_is_the_head_of_all_layouts_sorted_by_goal_and_probability(managers, outages, goal):
    ranked = sorted(
        (too_many_lost(s, goal), float(f"{unavailability(s, outages, NODE_OUTAGE):.9g}"), s)
        for s in every_layout(managers, len(outages))
    )
    zones = [Zone(f"z{i}", outage) for i, outage in enumerate(outages)]
    planned = plan(managers, zones, goal, NODE_OUTAGE, top=5).layouts
    assert len(planned) == min(5, len(ranked))
    for found, (distance, chance, _) in zip(planned, ranked, strict=False):
        assert too_many_lost(found.layout, goal) == distance
        assert float(f"{found.unavailability:.9g}") == chance


@settings(deadline=None, max_examples=40)
@given(managers=st.integers(1, 9), zones=st.integers(1, 6), outage=st.floats(1e-6, 0.6))
def test_over_alike_zones_each_layout_stands_once_with_the_fuller_zones_first(managers, zones, outage):
    planned = plan(managers, [Zone(f"z{i}", outage) for i in range(zones)], "none", top=1000).layouts
    expected = {tuple(sorted(s, reverse=True)) for s in every_layout(managers, zones)}
    assert {c.layout for c in planned} == expected
    assert len(planned) == len(expected)


def test_the_order_of_a_plan_is_the_same_each_time():
    first, second = (plan([3, 5, 7], 4, "zone").to_json() for _ in range(2))
    assert first == second


def test_five_over_three_is_two_two_one():
    assert plan(5, 3).layouts[0].layout == (2, 2, 1)


def test_the_even_spread_is_not_best_when_zones_differ():
    zones = [Zone("good", 0.0001), Zone("bad", 0.2), Zone("also-good", 0.0001)]
    assert plan(3, zones, "none").layouts[0].layout != (1, 1, 1)
    # the goal is kept where it can be, and the flaky zone gets the fewest
    assert plan(5, zones, "zone").layouts[0].layout == (2, 1, 2)


def test_a_range_of_managers_is_planned_together():
    counts = {c.managers for c in plan(range(3, 8), 3, "zone", top=100).layouts}
    assert counts == {3, 4, 5, 6, 7}


def test_no_spread_of_as_many_managers_tolerates_more_zones_than_the_even_one():
    for managers in range(1, 10):
        for zones in range(1, 7):
            even = tolerance(even_spread(managers, zones))
            assert even.zones == max(tolerance(s).zones for s in every_layout(managers, zones))


@pytest.mark.parametrize("goal", list(Goal))
def test_the_best_spread_is_refused_exactly_where_no_layout_meets_the_goal(goal):
    for managers in range(1, 8):
        for zones in range(1, 6):
            possible = any(meets(s, goal) for s in every_layout(managers, zones))
            if possible:
                assert meets(best_spread(managers, zones, goal), goal)
            else:
                with pytest.raises(LayoutError, match=f"^{managers} managers over {zones} zone"):
                    best_spread(managers, zones, goal)


@pytest.mark.parametrize("goal", list(Goal))
def test_alternatives_meet_the_goal_are_odd_and_none_is_nearer(goal):
    for managers in range(1, 9):
        for zones in range(1, 6):
            found = alternatives(managers, zones, goal)
            assert found
            assert all(meets(s, goal) and sum(s) % 2 for s in found)
            changes = [abs(sum(s) - managers) + abs(len(s) - zones) for s in found]
            assert changes == sorted(changes)
            nearer = [
                (m, z)
                for m in range(1, 30, 2)
                for z in range(1, 17)
                if abs(m - managers) + abs(z - zones) < changes[0]
                and any(meets(s, goal) for s in [even_spread(m, z)])
                and (z <= m or z == zones)
            ]
            assert not nearer


def test_four_over_three_says_use_three_and_why():
    advice = " ".join(check((2, 1, 1)).advice)
    assert "use 3 over 3 (1,1,1)" in advice
    assert "4 managers tolerate 1 lost, no more than 3 do" in advice


def test_seven_over_five_says_that_five_over_five_survives_more_zones():
    assert any(
        "5 over 5 (1,1,1,1,1) survives the loss of 2 zones" in a for a in check((2, 2, 1, 1, 1)).advice
    )


def test_five_over_two_says_that_no_spread_over_two_zones_survives_a_zone():
    advice = " ".join(check((3, 2)).advice)
    assert "no spread of 5 over 2 survives the loss of any one zone" in advice
    assert "3 over 3 (1,1,1)" in advice


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, 3), "the count of managers is 0: the bound is 1 to 99"),
        ((10**9, 3), "the count of managers is 1000000000: the bound is 1 to 99"),
        ((5, 0), "the count of zones is 0: the bound is 1 to 16"),
        ((5, ["a", "a"]), "zone name 'a': zone names must be unique"),
        ((5, [Zone("a", 1.5)]), "the outage of zone 'a' is 1.5"),
        ((5, 3, "planet"), "goal 'planet' is unknown"),
    ],
)
def test_a_wish_that_cannot_be_planned_gets_one_clear_line(arguments, said):
    with pytest.raises(LayoutError, match=said):
        plan(*arguments)
