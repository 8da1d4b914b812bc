"""The probability that no quorum stands, against the sum over every outage in exact fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.layout import LayoutError, unavailability

CHANCES = st.fractions(min_value=0, max_value=1, max_denominator=50)
SPREADS = st.lists(st.integers(0, 3), min_size=1, max_size=4).filter(lambda s: 1 <= sum(s) <= 7)


def summed_over_all_outages(spread, zone_outages, node_outage):
    zone_of = [zone for zone, count in enumerate(spread) for _ in range(count)]
    total = Fraction(0)
    for zones_up in product((True, False), repeat=len(spread)):
        for nodes_up in product((True, False), repeat=len(zone_of)):
            answering = sum(up and zones_up[zone] for up, zone in zip(nodes_up, zone_of, strict=True))
            if 2 * answering <= len(zone_of):
                chance = Fraction(1)
                for up, outage in zip(zones_up, zone_outages, strict=True):
                    chance *= 1 - outage if up else outage
                for up in nodes_up:
                    chance *= 1 - node_outage if up else node_outage
                total += chance
    return total


@given(spread=SPREADS, chances=st.lists(CHANCES, min_size=4, max_size=4), node_outage=CHANCES)
def test_in_fractions_it_equals_the_sum_over_every_outage(spread, chances, node_outage):
    outages = chances[: len(spread)]
    exact = unavailability(tuple(spread), outages, node_outage)
    assert exact == summed_over_all_outages(spread, outages, node_outage)


@given(
    spread=st.lists(st.integers(0, 6), min_size=1, max_size=8).filter(lambda s: sum(s) >= 1),
    outage=st.floats(1e-9, 1),
    node_outage=st.floats(1e-9, 1),
)
def test_in_floats_it_keeps_twelve_digits_of_the_exact_value(spread, outage, node_outage):
    found = unavailability(tuple(spread), [outage] * len(spread), node_outage)
    # 1 - p itself rounds: the exact value is taken at the complements that floats have
    exact = unavailability(tuple(spread), [Fraction(outage)] * len(spread), Fraction(node_outage))
    assert isclose(found, exact, rel_tol=1e-12)


def test_floats_after_equal_fractions_stay_floats():
    exact = unavailability((1, 1, 1), [Fraction(1, 2)] * 3, Fraction(1, 2))
    assert isinstance(exact, Fraction)
    assert isinstance(unavailability((1, 1, 1), [0.5] * 3, 0.5), float)


def test_a_cluster_is_out_for_certain_when_every_zone_is_and_never_when_nothing_fails():
    assert unavailability((2, 2, 1), [1, 1, 1], 0) == 1
    assert unavailability((2, 2, 1), [0, 0, 0], 0) == 0


@pytest.mark.parametrize(
    ("outages", "node", "said"),
    [
        ([0.1, 0.1, 1.5], 0.1, "the outage of zone 2 is 1.5: a probability lies between 0 and 1"),
        ([0.1, 0.1, float("nan")], 0.1, "the outage of zone 2 is nan"),
        ([0.1, 0.1, 0.1], -0.5, "the outage of a node is -0.5"),
        ([0.1, 0.1], 0.1, "2 zone outages for 3 zones"),
        ([0.1, 0.1, "x"], 0.1, "the outage of zone 2 is 'x': a probability"),
    ],
)
def test_what_is_no_probability_gets_one_clear_line(outages, node, said):
    with pytest.raises(LayoutError, match=said):
        unavailability((2, 2, 1), outages, node)
