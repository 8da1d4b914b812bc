"""Slots: names of places that stay as a layout grows and shrinks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.layout import LayoutError, slots

ZONES = ("use1-az1", "use1-az2", "use1-az4")


def test_slots_are_named_by_zone_and_counted_from_one():
    assert [slot.name for slot in slots(ZONES, (2, 2, 1))] == [
        "manager-use1-az1-1",
        "manager-use1-az1-2",
        "manager-use1-az2-1",
        "manager-use1-az2-2",
        "manager-use1-az4-1",
    ]


@given(spread=st.tuples(*[st.integers(0, 4)] * 3).filter(sum), zone=st.integers(0, 2))
def test_one_more_manager_in_a_zone_adds_exactly_one_name(spread, zone):
    grown = tuple(count + (index == zone) for index, count in enumerate(spread))
    before, after = ({slot.name for slot in slots(ZONES, s)} for s in (spread, grown))
    assert before < after
    assert len(after - before) == 1


@pytest.mark.parametrize("zones", [("a", "b"), ("a", "a", "b"), ("a", "b", "")])
def test_zones_must_be_as_many_as_the_numbers_and_differ(zones):
    with pytest.raises(LayoutError):
        slots(zones, (1, 1, 1))
