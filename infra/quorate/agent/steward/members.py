"""The members of raft: how many, where, whether one may go, and whether a change is under way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from quorate.agent.steward.actions import Draft, MarkUnhealthy, Remove, Tone
from quorate.agent.steward.standing import Standing
from quorate.layout import Goal, Verdict, ZoneView, gate
from quorate.swarm.snapshot import Node

STUCK_SECONDS = 20.0  # after which a node that was to become a manager, and fell silent, is given up


@dataclass(frozen=True)
class Count:
    """The members as layout counts them."""

    members: int
    reachable: int


def count(standing: Standing) -> Count:
    raft = [node for node in standing.members if node.reachability is not None]
    return Count(len(raft), sum(node.reachable for node in raft))


def zone_view(standing: Standing, zone: str | None) -> ZoneView | None:
    """The members by zone, for layout's zone rule; None while a member's zone is not known."""
    raft = [node for node in standing.members if node.reachability is not None]
    zones = list(standing.plan.zones)
    held = [standing.zone_of(node) for node in raft]
    zones += sorted({one for one in held if one is not None and one not in zones})
    if zone is None or zone not in zones or None in held:
        return None
    members, up = Counter(held), Counter(standing.zone_of(node) for node in raft if node.reachable)
    return ZoneView(
        members=tuple(members[one] for one in zones),
        reachable=tuple(up[one] for one in zones),
        zone=zones.index(zone),
        goal=Goal(standing.plan.survive),
    )


def may_go(standing: Standing, node: Node, *, zone_rule: bool) -> Verdict:
    """Layout's gate for one member."""
    now = count(standing)
    view = zone_view(standing, standing.zone_of(node)) if zone_rule else None
    return gate(now.members, now.reachable, "up" if node.reachable else "down", view)


def settle(standing: Standing, draft: Draft) -> bool:
    """Whether no change of membership is under way; one that never arrives is given up.

    Swarm refuses to demote what is no member of raft (SwarmKit's controlapi/node.go, UpdateNode), and for as
    long as it is listed no other change is made. So its instance is replaced, and the node taken off the
    list, which Swarm in turn refuses if it has become a member after all.
    """
    changing = [node for node in standing.members if node.changing]
    silent = [node for node in changing if node.reachability is None and not node.ready]
    since = draft.remember("stuck", (node.id for node in silent))
    for node in silent:
        if draft.now - since[node.id] >= STUCK_SECONDS:
            _give_up(standing, node, draft)
            return False
    for node in changing:
        draft.again(0.3)
        turn = "become a manager" if node.role == "manager" else "stop being one"
        draft.note(node.id, Tone.WAITS, f"waiting for node {node.id} ({node.address}) to {turn}")
    return not changing


def _give_up(standing: Standing, node: Node, draft: Draft) -> None:
    text = f"node {node.id} was promoted and fell silent before it arrived"
    places = [
        p for p in standing.places if node in standing.nodes_of(p) and p.listed.lifecycle == "InService"
    ]
    if any(place.ec2 is None or place.ec2.zone not in standing.answering for place in places):
        draft.note(node.id, Tone.WAITS, f"{text}, and so is every node of its zone: it is waited for")
        return
    draft.do(*(MarkUnhealthy(place.id) for place in places if place.listed.healthy), Remove(node.id))
    draft.note(node.id, Tone.WAITS, f"{text}: taken off the list, and its instance is replaced")
