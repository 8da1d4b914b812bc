"""Instances that wait for their end, and the end of the whole cluster.

AWS ends an instance whatever we say: a termination hook only delays. So what is done here is done to leave
in order, and where order cannot be had, it is said, and the hook kept alive for as long as that may help.
"""

from __future__ import annotations

from quorate.agent.steward.actions import CompleteHook, Demote, Draft, Drain, Heartbeat, Remove, Tone
from quorate.agent.steward.members import may_go
from quorate.agent.steward.standing import Place, Standing
from quorate.layout import Verdict
from quorate.swarm.snapshot import Node

BEAT_SECONDS = 45.0
REPLACEMENT_SECONDS = 300.0  # for which a leaving manager is kept as a member while its replacement boots
DRAIN_SECONDS = 900.0  # for which a hook is kept alive while tasks stop


def leaving_instances(standing: Standing) -> list[Place]:
    """The instances that wait for their end, and are ours: managers' slots first, then pools."""
    waiting = [p for p in standing.places if p.listed.waits_to_end and (p.slot or p.pool)]
    return sorted(waiting, key=lambda place: (place.slot is None, place.slot or place.pool or "", place.id))


def see_off(standing: Standing, draft: Draft, *, membership: bool) -> None:
    """One step for each instance that waits for its end; `membership`: a member may be demoted now."""
    waiting = leaving_instances(standing)
    since = draft.remember("leaving", (place.id for place in waiting))
    draft.keep("beats", {i: at for i, at in draft.before.beats.items() if i in since})
    members = []
    for place in waiting:
        draft.again(1.0)
        nodes = standing.nodes_of(place)
        held = [node for node in nodes if node.member]
        if held:
            members.append((place, held[0]))
        elif nodes:
            _empty(standing, place, nodes, draft)
        elif place.ec2 is not None:
            draft.do(CompleteHook(place.group.name, place.id))
        else:
            _wait(place, f"{place.id} waits for its end, and EC2 does not say where it stands", draft, 0.0)
    if members:
        _demote_one(standing, members, draft, membership=membership)


def _demote_one(
    standing: Standing, members: list[tuple[Place, Node]], draft: Draft, *, membership: bool
) -> None:
    ready: list[tuple[Place, Node, Verdict]] = []
    for place, node in members:
        if node.changing:
            _wait(place, f"{place.id} ({node.id}) is being demoted", draft, DRAIN_SECONDS)
        elif _replacement_due(standing, place, draft):
            _wait(
                place,
                f"{place.id} is to end: it stays a manager until the replacement in {place.slot} is steady",
                draft,
                REPLACEMENT_SECONDS,
            )
        else:
            verdict = may_go(standing, node, zone_rule=False)
            if verdict.allowed:
                ready.append((place, node, verdict))
            else:
                _refuse(place, f"{place.id} is to end and stays a manager: {verdict.reason}", draft)
    # The one whose leaving keeps the declared goal goes first, the leader last.
    ready.sort(key=lambda one: (not _keeps_goal(standing, one[1]), one[1].leader))
    for number, (place, node, _) in enumerate(ready):
        if number == 0 and membership and not draft.membership_taken:
            draft.do(Demote(node.id))
        else:
            _wait(place, f"{place.id} is to end: its turn to leave the managers comes", draft, DRAIN_SECONDS)


def _keeps_goal(standing: Standing, node: Node) -> bool:
    verdict = may_go(standing, node, zone_rule=True)
    return verdict.allowed and verdict.keeps_goal is not False


def _replacement_due(standing: Standing, place: Place, draft: Draft) -> bool:
    """Whether the slot's group is to bring another instance, and that one does not stand steady yet."""
    if place.planned is None or place.group.closing:
        return False
    if draft.now - draft.after.leaving[place.id] >= REPLACEMENT_SECONDS:
        return False
    others = [p for p in standing.places if p.group.name == place.group.name and p.stays]
    return not any(
        node is not None and node.instance == other.id
        for other in others
        for node in [standing.only_ready(other)]
    )


def _empty(standing: Standing, place: Place, nodes: list[Node], draft: Draft) -> None:
    """Drain a worker (a manager too, once it is demoted), wait for its tasks, take it off the list."""
    for node in nodes:
        tasks = standing.snapshot.tasks.get(node.id)
        if node.down:
            draft.do(Remove(node.id))
        elif node.availability != "drain":
            draft.do(Drain(node.id))
        elif tasks is None:
            _wait(place, f"{place.id} is drained; its tasks are not known", draft, DRAIN_SECONDS)
        elif tasks:
            _wait(place, f"{place.id} is drained, {tasks} of its tasks still stop", draft, DRAIN_SECONDS)
        else:
            draft.do(Remove(node.id))


def _wait(place: Place, text: str, draft: Draft, beat_for: float) -> None:
    draft.note(place.id, Tone.WAITS, text)
    if draft.now - draft.after.leaving[place.id] < beat_for:
        _beat(place, draft)


def _refuse(place: Place, text: str, draft: Draft) -> None:
    draft.note(place.id, Tone.REFUSES, text)
    _beat(place, draft)


def _beat(place: Place, draft: Draft) -> None:
    last = draft.after.beats.get(place.id, draft.after.leaving[place.id])
    if draft.now - last >= BEAT_SECONDS:
        draft.do(Heartbeat(place.group.name, place.id))
        draft.keep("beats", {**draft.after.beats, place.id: draft.now})


def dissolving(standing: Standing) -> bool:
    """Whether every slot's group is being deleted: then there is no quorum left to keep.

    A group that is not in the answer has been deleted; this steward's own must be there, closing, or the
    answer is not to be believed.
    """
    own = standing.place_of.get(standing.snapshot.instance_id)
    if own is None or own.slot is None or not own.group.closing:
        return False
    groups = (standing.groups.get(slot.group) for slot in standing.plan.slots)
    return all(group is None or group.closing for group in groups)


def dissolve(standing: Standing, draft: Draft) -> None:
    """Complete every termination hook at once, this node's own when no other manager is left to see off."""
    me = standing.snapshot.instance_id
    draft.again(1.0)
    others = [place for place in leaving_instances(standing) if place.id != me]
    draft.do(*(CompleteHook(place.group.name, place.id) for place in others))
    left = [
        p for p in standing.places if p.id != me and (p.slot or p.pool) and p.listed.lifecycle != "Terminated"
    ]
    still_to_come = [p for p in left if not p.listed.lifecycle.startswith("Terminating:")]
    own = standing.place_of[me]
    if still_to_come:
        named = ", ".join(sorted(place.id for place in still_to_come))
        draft.note("dissolve", Tone.WAITS, f"every slot is being deleted: waiting to see off {named}")
    elif own.listed.waits_to_end:
        draft.do(CompleteHook(own.group.name, own.id))
        draft.note("dissolve", Tone.WAITS, "every slot is being deleted: the cluster ends here")
