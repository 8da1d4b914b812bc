"""Every layout up to 9 managers and 6 zones against plain enumeration of what can be lost."""

from __future__ import annotations

from itertools import chain, combinations, product

import pytest

from quorate.layout import Goal, LayoutError, failing_sets, meets, outages, survives, tolerance

ZONES = range(1, 7)


def layouts(most_managers: int, zones: int):
    return (s for s in product(range(most_managers + 1), repeat=zones) if 1 <= sum(s) <= most_managers)


def members(spread):
    """Each manager as the index of its zone."""
    return [zone for zone, count in enumerate(spread) for _ in range(count)]


def majority_stands(spread, zones_lost=(), managers_lost=()):
    everyone = members(spread)
    left = [m for m, zone in enumerate(everyone) if zone not in zones_lost and m not in managers_lost]
    return 2 * len(left) > len(everyone)


def any_managers(spread, how_many):
    return combinations(range(len(members(spread))), min(how_many, len(members(spread))))


def any_zones(spread, how_many):
    return combinations(range(len(spread)), min(how_many, len(spread)))


def most(holds_for, limit):
    """The largest number for which it holds, from 0 upwards without a gap."""
    number = 0
    while number < limit and holds_for(number + 1):
        number += 1
    return number


@pytest.mark.parametrize("zones", ZONES)
def test_outages_of_zones_are_counted_as_enumeration_counts_them(zones):
    for spread in layouts(9, zones):
        counted = [
            (lost, [majority_stands(spread, chosen) for chosen in combinations(range(zones), lost)])
            for lost in range(1, zones + 1)
        ]
        assert [(o.zones_lost, o.survived, o.total) for o in outages(spread)] == [
            (lost, sum(results), len(results)) for lost, results in counted
        ]


@pytest.mark.parametrize("zones", ZONES)
def test_the_failing_sets_are_exactly_the_smallest_ones_that_take_the_majority(zones):
    for spread in layouts(9, zones):
        every = chain.from_iterable(combinations(range(zones), size) for size in range(zones + 1))
        failing = [set(chosen) for chosen in every if not majority_stands(spread, chosen)]
        smallest = [one for one in failing if not any(other < one for other in failing)]
        assert sorted(map(sorted, failing_sets(spread))) == sorted(map(sorted, smallest))


@pytest.mark.parametrize("zones", ZONES)
def test_tolerance_is_what_survives_every_choice_of_that_many(zones):
    for spread in layouts(9, zones):
        if list(spread) != sorted(spread, reverse=True):
            continue  # which zone is which does not matter here; the order is tested below

        def stands(zones_lost, nodes_lost, spread=spread):
            return all(
                majority_stands(spread, lost, gone)
                for lost in any_zones(spread, zones_lost)
                for gone in any_managers(spread, nodes_lost)
            )

        held = tolerance(spread)
        assert held.nodes == most(lambda n: stands(0, n), sum(spread))
        assert held.zones == most(lambda k: stands(k, 0), zones)
        after_a_zone = most(lambda n: stands(1, n), sum(spread)) if held.zones else 0
        assert held.zone_plus_nodes == after_a_zone


@pytest.mark.parametrize("zones", ZONES)
def test_a_goal_is_met_exactly_where_every_such_loss_leaves_a_majority(zones):
    losses = {
        Goal.NONE: (0, 0),
        Goal.NODE: (0, 1),
        Goal.ZONE: (1, 0),
        Goal.ZONE_AND_NODE: (1, 1),
        Goal.TWO_ZONES: (2, 0),
    }
    for spread in layouts(7, zones):
        for goal, (zones_lost, nodes_lost) in losses.items():
            survived = all(
                majority_stands(spread, lost, gone)
                for lost in any_zones(spread, zones_lost)
                for gone in any_managers(spread, nodes_lost)
            )
            # a loss of two zones is worse than nothing left to lose where there is but one zone
            assert meets(spread, goal) == survived, (spread, goal)


def test_the_order_of_zones_changes_no_tolerance():
    for spread in layouts(6, 4):
        assert tolerance(spread) == tolerance(tuple(sorted(spread)))


def test_a_lost_zone_and_lost_nodes_elsewhere_add_up():
    assert survives((3, 3, 3), zones_lost=(0,), nodes_lost=1)
    assert not survives((3, 3, 3), zones_lost=(0,), nodes_lost=2)
    assert not survives((2, 2, 1), zones_lost=(0, 1))


@pytest.mark.parametrize(
    ("spread", "said"),
    [
        ((), "the count of zones is 0"),
        ((0, 0), "the count of managers in layout 0,0 is 0"),
        ((-1, 2), "the count of managers in zone 0 is -1"),
        ((10**9,), "is 1000000000: the bound is 0 to 99"),
        ((10**5000,), "is about 10^"),
        ((True, 1, 1), "is True: a whole number"),
        ((1.5, 1), "is 1.5: a whole number"),
        ((1,) * 17, "the count of zones is 17"),
    ],
)
def test_a_spread_that_is_none_gets_one_clear_line(spread, said):
    with pytest.raises(LayoutError, match=said.replace("^", r"\^").replace(".", r"\.")) as caught:
        tolerance(spread)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_an_unknown_goal_is_answered_with_the_known_ones():
    with pytest.raises(
        LayoutError, match=r"goal 'region' is unknown: use one of none, node, zone, zone\+node"
    ):
        meets((1, 1, 1), "region")
