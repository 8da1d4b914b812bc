"""Engines that hang while EC2 says that their instance is running."""

from __future__ import annotations

from quorate.agent.steward.actions import Draft, MarkUnhealthy, Tone
from quorate.agent.steward.members import may_go
from quorate.agent.steward.standing import Standing

HANG_SECONDS = 120.0  # of silence, while EC2 says running, before an engine is said to hang
MARK_AGAIN_SECONDS = 900.0


def replace_hung(standing: Standing, draft: Draft, *, allowed: bool) -> None:
    """Have an instance replaced whose engine is silent while EC2 says running; one at a time.

    Only where some node of its zone answers: a silent zone is a zone outage, and ending its instances would
    leave nothing to come back.
    """
    silent = {
        node.id: (node, place)
        for place in standing.places
        if place.running and place.listed.lifecycle == "InService" and place.listed.healthy
        for node in standing.nodes_of(place)
        if node.down and not standing.superseded(node)
    }
    since = draft.remember("silent", silent)
    recent = {i: at for i, at in draft.before.marked.items() if draft.now - at < MARK_AGAIN_SECONDS}
    in_turn = [place for place in standing.places if not place.listed.healthy or place.listed.ending]
    for node, place in silent.values():
        if draft.now - since[node.id] < HANG_SECONDS or place.id in recent:
            continue
        text = f"node {node.id} ({place.id}) has been silent for {HANG_SECONDS:.0f} s while EC2 says running"
        zone = place.ec2.zone if place.ec2 else "unknown"
        if zone not in standing.answering:
            draft.note(
                node.id,
                Tone.WAITS,
                f"{text}, and so is every node of zone {zone}: taken for an outage of the "
                f"zone, nothing is done. If the zone is well, terminate the instance",
            )
        elif not allowed or any((p.slot is None) == (place.slot is None) for p in in_turn):
            draft.note(
                node.id, Tone.WAITS, f"{text}: its turn comes when no other instance is being replaced"
            )
        elif node.member and not (verdict := may_go(standing, node, zone_rule=True)).allowed:
            draft.note(node.id, Tone.REFUSES, f"{text}: not replaced: {verdict.reason}")
        else:
            draft.do(MarkUnhealthy(place.id))
            draft.note(node.id, Tone.WAITS, f"{text}: Auto Scaling is told to replace it")
            recent[place.id] = draft.now
            allowed = False
    draft.keep("marked", recent)
