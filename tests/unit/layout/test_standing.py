"""A living swarm's standing, against enumeration over its members."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.layout import LayoutError
from quorate.layout.standing import Member, stand

MEMBERS = st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), min_size=1, max_size=9).map(
    lambda drawn: [Member(f"m{i}", zone, up) for i, (zone, up) in enumerate(drawn)]
)


def quorum_stands(members, zones_lost=(), names_lost=()):
    answering = [m for m in members if m.reachable and m.zone not in zones_lost and m.name not in names_lost]
    return 2 * len(answering) > len(members)


@given(members=MEMBERS)
def test_what_may_still_fail_is_what_enumeration_says(members):
    standing = stand(members)
    zones = sorted({m.zone for m in members})
    assert standing.has_quorum == quorum_stands(members)
    assert standing.meets_goal == all(quorum_stands(members, zones_lost=z) for z in zones)
    if standing.tolerates:
        up = [m.name for m in members if m.reachable]
        nodes = max(
            n
            for n in range(len(up) + 1)
            if all(quorum_stands(members, names_lost=gone) for gone in combinations(up, n))
        )
        assert standing.tolerates.nodes == nodes


@given(members=MEMBERS)
def test_a_failure_is_fatal_exactly_where_it_takes_the_quorum(members):
    for failure in stand(members).failures:
        if failure.kind == "zone":
            assert (failure.slack >= 0) == quorum_stands(members, zones_lost=failure.name)
        else:
            assert (failure.slack >= 0) == quorum_stands(members, names_lost=[failure.name])


@given(members=MEMBERS)
def test_with_a_zone_away_the_rest_is_judged(members):
    zone = members[0].zone
    standing = stand(members, zones_lost=[zone])
    assert standing.has_quorum == quorum_stands(members, zones_lost=zone)


def healthy(**zones):
    return [Member(f"{zone}{n}", zone, True) for zone, count in zones.items() for n in range(count)]


def test_the_most_dangerous_failure_comes_first():
    standing = stand(healthy(a=2, b=2, c=1))
    assert (standing.failures[0].kind, standing.failures[0].slack) == ("zone", 0)
    assert not standing.fatal


def test_what_differs_from_the_plan_is_named_by_zone():
    standing = stand(healthy(a=2, b=1, c=1), planned={"a": 2, "b": 2, "d": 1})
    assert [(d.zone, d.planned, d.found) for d in standing.differences] == [
        ("b", 2, 1),
        ("c", 0, 1),
        ("d", 1, 0),
    ]


def test_a_member_without_a_zone_label_counts_as_if_in_the_zone_that_is_lost():
    labelled = healthy(a=2, b=2)
    standing = stand([*labelled, Member("stray", "", True)])
    assert not standing.meets_goal
    assert standing.unlabelled == ("stray",)


@pytest.mark.parametrize(
    ("members", "lost", "said"),
    [
        ([], [], "the count of managers is 0"),
        (healthy(a=3), ["x"], "zone 'x' is unknown: this swarm knows a"),
    ],
)
def test_a_question_about_nothing_gets_one_clear_line(members, lost, said):
    with pytest.raises(LayoutError, match=said):
        stand(members, zones_lost=lost)
