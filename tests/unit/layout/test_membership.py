"""The gate: Swarm's own rule as swarmkit states it, and the zone rule by enumeration on top."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.layout import Goal, LayoutError, ZoneView, admit, gate


def swarmkit_lets_it_go(members, reachable, target_up):
    """CanRemoveMember: the reachable ones but the target, against the majority of those that stay."""
    reachable_others = reachable - 1 if target_up else reachable
    return reachable_others >= (members - 1) // 2 + 1 and members > 1


def every_question():
    for members in range(1, 12):
        for reachable in range(members + 1):
            for target in ("up", "down"):
                if (target == "up" and reachable == 0) or (target == "down" and reachable == members):
                    continue
                yield members, reachable, target


def test_without_zones_the_gate_is_swarms_own_rule():
    for members, reachable, target in every_question():
        found = gate(members, reachable, target)
        assert found.allowed == swarmkit_lets_it_go(members, reachable, target == "up")


def test_slack_is_how_many_more_may_fail_afterwards():
    for members, reachable, target in every_question():
        if members == 1:
            continue
        found = gate(members, reachable, target)
        others = reachable - (target == "up")
        stands = [lost for lost in range(others + 1) if 2 * (others - lost) > members - 1]
        assert found.slack == (max(stands) if stands else found.slack)
        assert found.allowed == (found.slack >= 0)


def test_one_more_is_admitted_only_if_its_failure_leaves_a_quorum():
    for members in range(2, 12):
        for reachable in range(members + 1):
            assert admit(members, reachable).allowed == (2 * reachable > members + 1)


def test_a_lone_manager_may_grow():
    found = admit(1, 1)
    assert found.allowed
    assert found.slack == -1


def zone_goal_holds(members, reachable):
    return all(2 * (sum(reachable) - lost) > members for lost in reachable)


VIEWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=5).map(
    lambda zones: ([held + extra for held, extra in zones], [held for held, _ in zones])
)


@given(view=VIEWS, target=st.sampled_from(["up", "down"]), data=st.data())
def test_a_zone_goal_that_holds_now_must_hold_afterwards(view, target, data):
    members, reachable = view
    candidates = [
        z for z in range(len(members)) if (reachable[z] if target == "up" else members[z] - reachable[z]) > 0
    ]
    if not candidates or sum(members) < 2:
        return
    zone = data.draw(st.sampled_from(candidates))
    after = [up - (z == zone and target == "up") for z, up in enumerate(reachable)]
    found = gate(
        sum(members), sum(reachable), target, ZoneView(tuple(members), tuple(reachable), zone, Goal.ZONE)
    )
    plain = gate(sum(members), sum(reachable), target)
    before_holds, after_holds = (
        zone_goal_holds(sum(members), reachable),
        zone_goal_holds(sum(members) - 1, after),
    )
    assert found.allowed == (plain.allowed and not (before_holds and not after_holds))
    if plain.allowed:
        assert found.keeps_goal == after_holds


def test_a_refusal_by_the_zone_rule_says_what_to_do_first():
    found = gate(5, 5, "up", ZoneView((2, 2, 1), (2, 2, 1), 2, Goal.ZONE))
    assert not found.allowed
    assert "with 2,2,0 reachable of 4 the loss of any one zone would take the quorum" in found.reason
    assert "Add a manager elsewhere first" in found.reason


def test_admitting_says_whether_the_goal_holds_and_does_not_depend_on_it():
    found = admit(3, 3, ZoneView((1, 1, 1), (1, 1, 1), 0, Goal.ZONE))
    assert found.allowed
    assert found.keeps_goal is False
    assert admit(4, 4, ZoneView((2, 1, 1), (2, 1, 1), 1, Goal.ZONE)).keeps_goal is True


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ((3, 4, "up"), "the count of reachable members is 4: the bound is 0 to 3"),
        ((0, 0, "down"), "the count of members is 0"),
        ((3, 0, "up"), "target 'up' with 0 reachable members"),
        ((3, 3, "down"), "target 'down' with all 3 members reachable"),
        ((3, 2, "sideways"), "target 'sideways'"),
        ((3, 3, "up", ZoneView((1, 1, 2), (1, 1, 1), 0, Goal.ZONE)), "that is no 3 members"),
        ((3, 3, "up", ZoneView((1, 1, 1), (1, 1, 1), 3, Goal.ZONE)), "the zone's index is 3"),
        ((3, 2, "up", ZoneView((1, 1, 1), (1, 1, 0), 2, Goal.ZONE)), "holds no member that is up"),
    ],
)
def test_a_question_that_contradicts_itself_gets_one_clear_line(question, said):
    with pytest.raises(LayoutError, match=said):
        gate(*question)


def test_every_verdict_has_a_reason_in_one_line():
    for (members, reachable, target), view in product(every_question(), [None]):
        reason = gate(members, reachable, target, view).reason
        assert reason
        assert "\n" not in reason
