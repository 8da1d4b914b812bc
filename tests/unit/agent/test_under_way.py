"""What the leader waits for between two passes: changes under way, and not members that fell silent."""

from __future__ import annotations

from quorate.agent.steward.loop import UnderWay
from quorate.swarm.snapshot import Node


def node(
    name: str, role: str = "manager", reachability: str | None = "reachable", state: str = "ready"
) -> Node:
    return Node(
        id=name, address="10.20.0.4", role=role, state=state, availability="drain", labels={},
        reachability=reachability,
    )  # fmt: skip


def test_a_member_that_falls_silent_while_swarm_still_calls_it_ready_is_not_waited_for() -> None:
    under_way = UnderWay()
    assert not under_way.look([node("n1"), node("n2")])
    assert not under_way.look([node("n1"), node("n2", reachability="unreachable")])


def test_a_promoted_node_is_waited_for_until_it_was_reachable_and_not_again_afterwards() -> None:
    under_way = UnderWay()
    assert under_way.look([node("n1"), node("n2", reachability=None)])
    assert under_way.look([node("n1"), node("n2", reachability="unreachable")])
    assert not under_way.look([node("n1"), node("n2")])
    assert not under_way.look([node("n1"), node("n2", reachability="unreachable")])


def test_a_promotion_so_quick_that_it_was_never_seen_under_way_is_waited_for_too() -> None:
    under_way = UnderWay()
    under_way.expect(["n2"])
    assert under_way.look([node("n1"), node("n2", reachability="unreachable")])


def test_a_new_member_that_goes_down_is_waited_for_no_longer() -> None:
    under_way = UnderWay()
    under_way.expect(["n2"])
    assert not under_way.look([node("n1"), node("n2", reachability="unreachable", state="down")])


def test_a_demotion_is_waited_for_until_it_is_done() -> None:
    under_way = UnderWay()
    assert under_way.look([node("n1"), node("n2", role="worker")])
    assert not under_way.look([node("n1"), node("n2", role="worker", reachability=None)])
