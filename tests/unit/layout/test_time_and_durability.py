"""Mean time to quorum loss, commit latency, durability and cost, each against its own long way round."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product
from math import isclose

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quorate.layout import LayoutError, meets
from quorate.layout.cost import LIST_PRICES, Bill, cheapest, monthly
from quorate.layout.durability import durability, loss_probability
from quorate.layout.goals import Goal
from quorate.layout.latency import commit_latency
from quorate.layout.lifetime import Rates, mean_time_to_quorum_loss

SMALL = [(1,), (2,), (1, 1), (1, 1, 1), (2, 1), (3,), (2, 0, 1)]


def passage_time(spread, rates):
    """Every zone and every node by itself, in fractions, by Gauss and Jordan."""
    node_fails, node_returns, zone_fails, zone_returns = (
        1 / Fraction(hours) for hours in (rates.node_mtbf, rates.node_mttr, rates.zone_mtbf, rates.zone_mttr)
    )
    zone_of = [zone for zone, count in enumerate(spread) for _ in range(count)]
    parts = len(spread) + len(zone_of)

    def stands(state):
        zones, nodes = state[: len(spread)], state[len(spread) :]
        return 2 * sum(up and zones[zone_of[i]] for i, up in enumerate(nodes)) > len(zone_of)

    states = [state for state in product((True, False), repeat=parts) if stands(state)]
    number = {state: i for i, state in enumerate(states)}
    rows = []
    for i, state in enumerate(states):
        row = [Fraction(0)] * (len(states) + 1)
        row[-1] = Fraction(1)
        for part, up in enumerate(state):
            fails, returns = (zone_fails, zone_returns) if part < len(spread) else (node_fails, node_returns)
            rate = fails if up else returns
            row[i] += rate
            after = (*state[:part], not up, *state[part + 1 :])
            if after in number:
                row[number[after]] -= rate
        rows.append(row)
    for column in range(len(rows)):
        pivot = next(r for r in range(column, len(rows)) if rows[r][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [value / rows[column][column] for value in rows[column]]
        for r, row in enumerate(rows):
            if r != column and row[column]:
                rows[r] = [a - row[column] * b for a, b in zip(row, rows[column], strict=True)]
    return rows[number[(True,) * parts]][-1]


HOURS = st.integers(1, 20_000)


@settings(deadline=None, max_examples=30)
@given(spread=st.sampled_from(SMALL), hours=st.tuples(HOURS, HOURS, HOURS, HOURS))
@example(spread=(1,), hours=(179, 1, 1607, 1))
def test_the_mean_time_to_quorum_loss_is_the_markov_chains(spread, hours):
    rates = Rates(*hours)
    assert isclose(mean_time_to_quorum_loss(spread, rates), passage_time(spread, rates), rel_tol=1e-9)


def test_a_loss_in_a_million_years_keeps_its_digits():
    rates = Rates(node_mtbf=50_000, node_mttr=0.05, zone_mtbf=500_000, zone_mttr=0.5)
    assert isclose(mean_time_to_quorum_loss((1, 1, 1), rates), passage_time((1, 1, 1), rates), rel_tol=1e-9)


def test_one_node_in_one_zone_fails_at_the_sum_of_both_rates():
    assert isclose(mean_time_to_quorum_loss((1,), Rates(1000, 1, 1000, 1)), 500)


def test_the_usual_layouts_are_within_reach_and_five_over_three_outlives_three():
    rates = Rates(2000, 1, 8760, 2)
    times = [
        mean_time_to_quorum_loss(s, rates) for s in [(1, 1, 1), (2, 2, 1), (3, 3, 3), (2, 2, 2, 1, 1, 1)]
    ]
    assert times == sorted(times)


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf"), True, "1"])
def test_rates_must_be_hours_above_zero(bad):
    with pytest.raises(LayoutError, match="hours above 0 are needed"):
        Rates(1000, bad, 1000, 1)


def test_a_chain_with_too_many_states_is_refused_with_their_number():
    with pytest.raises(LayoutError, match="states, more than 20000"):
        mean_time_to_quorum_loss((9, 8, 7, 6), Rates(2000, 1, 8760, 2))


# commit latency

MATRIX = ((0.2, 1.0, 3.0), (1.0, 0.3, 2.0), (3.0, 2.0, 0.4))


def commit_by_hand(spread, leader, lost=None):
    """The smallest time within which a majority, the leader with it, can have answered."""
    everyone = [zone for zone, count in enumerate(spread) for _ in range(count)]
    others = [zone for zone in everyone if zone != lost]
    others.remove(leader)
    majority = len(everyone) // 2 + 1
    ways = [
        max((MATRIX[leader][z] for z in chosen), default=0.0) for chosen in combinations(others, majority - 1)
    ]
    return min(ways) if ways else None


@pytest.mark.parametrize(
    "spread", [(1, 1, 1), (2, 2, 1), (1, 0, 0), (3, 1, 1), (1, 2, 2), (0, 2, 1), (2, 2, 0)]
)
def test_a_commit_takes_as_long_as_the_nearest_majority_from_each_leader(spread):
    for latency in commit_latency(spread, MATRIX):
        assert latency.whole == commit_by_hand(spread, latency.zone)
        for lost, time in enumerate(latency.without):
            assert time == (None if lost == latency.zone else commit_by_hand(spread, latency.zone, lost))


def test_only_zones_that_hold_a_manager_may_hold_the_leader():
    assert [latency.zone for latency in commit_latency((2, 0, 1), MATRIX)] == [0, 2]


@pytest.mark.parametrize(
    "matrix", [((1.0,),), ((1, 2, 3), (1, 2), (1, 2, 3)), ((1, 2, -3),) * 3, ((1, 2, "3"),) * 3]
)
def test_round_trips_must_be_a_square_of_times(matrix):
    with pytest.raises(LayoutError, match="round trip"):
        commit_latency((1, 1, 1), matrix)


# durability


@pytest.mark.parametrize(
    "spread", [(1, 1, 1), (2, 2, 1), (2, 1, 1), (3, 2, 2), (1,), (2, 2), (4, 1, 0), (1,) * 6]
)
def test_a_write_is_lost_exactly_when_all_its_holders_may_be_destroyed(spread):
    everyone = [zone for zone, count in enumerate(spread) for _ in range(count)]
    majority = len(everyone) // 2 + 1
    holders = [set(chosen) for chosen in combinations(range(len(everyone)), majority)]

    def kept(destroyed):
        return all(group - destroyed for group in holders)

    held = durability(spread)
    nodes = max(
        n
        for n in range(len(everyone) + 1)
        if all(kept(set(gone)) for gone in combinations(range(len(everyone)), n))
    )
    zones = max(
        n
        for n in range(len(spread) + 1)
        if all(
            kept({m for m, zone in enumerate(everyone) if zone in gone})
            for gone in combinations(range(len(spread)), n)
        )
    )
    assert (held.copies, held.nodes) == (majority, nodes)
    assert held.zones == min(zones, sum(count > 0 for count in spread))
    assert held.last_copy_zones == sum(count > 0 for count in spread) - 1


def test_an_even_count_keeps_writes_through_one_more_than_it_keeps_its_quorum_through():
    assert durability((1, 1, 1, 1)).nodes == 2
    assert durability((1, 1, 1)).nodes == 1


@given(zone=st.fractions(0, 1, max_denominator=20), node=st.fractions(0, 1, max_denominator=20))
def test_the_chance_of_loss_is_the_sum_over_every_destruction(zone, node):
    spread = (2, 1, 1)
    zone_of = [0, 0, 1, 2]
    total = Fraction(0)
    for zones in product((True, False), repeat=3):
        for nodes in product((True, False), repeat=4):
            destroyed = sum(nodes[i] or zones[zone_of[i]] for i in range(4))
            if destroyed >= 3:
                chance = Fraction(1)
                for gone in zones:
                    chance *= zone if gone else 1 - zone
                for gone in nodes:
                    chance *= node if gone else 1 - node
                total += chance
    assert loss_probability(spread, [zone] * 3, node) == total


# cost


def test_a_month_is_managers_with_their_disks_and_a_way_out_of_each_zone():
    # t3.small 0.0208 and a NAT gateway 0.045 an hour, gp3 0.08 a GiB and month, 730 hours
    assert round(monthly((2, 2, 1)), 2) == round(5 * (0.0208 * 730 + 30 * 0.08) + 3 * 0.045 * 730, 2)
    assert round(monthly((3,), Bill(egress="single")), 2) == round(3 * (0.0208 * 730 + 2.4) + 0.045 * 730, 2)


def test_the_price_table_is_dated():
    assert LIST_PRICES.date.count("-") == 2


@pytest.mark.parametrize("goal", list(Goal))
def test_nothing_that_meets_the_goal_is_cheaper_than_the_cheapest(goal):
    found = cheapest(goal)
    assert meets(found, goal)
    others = [s for n in range(1, 6) for s in product(range(4), repeat=n) if sum(s) % 2 and meets(s, goal)]
    assert all(monthly(s) >= monthly(found) for s in others)


@pytest.mark.parametrize(
    ("bill", "said"),
    [(Bill(instance_type="t9.huge"), "instance type 't9.huge' is not in"), (Bill(egress="x"), "egress 'x'")],
)
def test_what_has_no_price_gets_one_clear_line(bill, said):
    with pytest.raises(LayoutError, match=said):
        monthly((1, 1, 1), bill)
