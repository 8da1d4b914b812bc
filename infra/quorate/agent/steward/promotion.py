"""Planned members in: one at a time, seen steady, through layout's gate."""

from __future__ import annotations

from collections import Counter, defaultdict

from quorate.agent.steward.actions import Draft, Promote, Tone
from quorate.agent.steward.chores import facts
from quorate.agent.steward.members import count, zone_view
from quorate.agent.steward.standing import Place, Standing
from quorate.layout import admit
from quorate.swarm.snapshot import Node, PlannedSlot

STEADY_SECONDS = 0.25  # between the first look that found a node fit and the one that promotes it


def promote(standing: Standing, draft: Draft, *, allowed: bool) -> None:
    """Promote one node that stands steady in an empty slot of the plan; remember who is steady."""
    fit = _candidates(standing, draft)
    since = draft.remember("steady", (_key(place, node) for place, node in fit))
    if fit:
        draft.again(0.3)
    if not allowed:
        return
    steady = [
        (place, node)
        for place, node in fit
        if draft.now - since[_key(place, node)] >= STEADY_SECONDS and _labelled(standing, place, node)
    ]
    filled = Counter(standing.zone_of(node) for node in standing.members)
    order = {slot.name: number for number, slot in enumerate(standing.plan.slots)}
    for place, node in sorted(
        steady, key=lambda one: (filled[standing.zone_of(one[1])], order[one[0].slot or ""])
    ):
        now = count(standing)
        verdict = admit(now.members, now.reachable, zone_view(standing, standing.zone_of(node)))
        if verdict.allowed:
            draft.do(Promote(node.id))
        else:
            draft.again(2.0)
            draft.note(place.id, Tone.REFUSES, f"{place.slot} ({place.id}) is not promoted: {verdict.reason}")
        return


def _labelled(standing: Standing, place: Place, node: Node) -> bool:
    return all(node.labels.get(key) == value for key, value in facts(standing, place).items())


def _key(place: Place, node: Node) -> str:
    return f"{node.id}/{place.id}"


def _candidates(standing: Standing, draft: Draft) -> list[tuple[Place, Node]]:
    by_group: dict[str, list[Place]] = defaultdict(list)
    for place in standing.places:
        if place.stays:
            by_group[place.group.name].append(place)
    fit = []
    for slot in standing.plan.slots:
        staying = by_group[slot.group]
        if len(staying) > 1:
            named = " and ".join(place.id for place in staying)
            draft.note(
                slot.name, Tone.REFUSES, f"{slot.name} holds {named}: one may be there, none is promoted"
            )
        node = _fit_for(standing, slot, staying[0], draft) if len(staying) == 1 else None
        if node is not None:
            fit.append((staying[0], node))
        elif not standing.slot_holders.get(slot.name):
            draft.again(1.0)  # an empty slot: its node is on its way
    return fit


def _last_one_leaves(standing: Standing) -> bool:
    """Whether the only member waits for its end: it cannot go before its replacement is a member, too."""
    only = standing.members[0].instance if len(standing.members) == 1 else None
    place = standing.place_of.get(only or "")
    return place is not None and place.listed.waits_to_end


def _fit_for(standing: Standing, slot: PlannedSlot, place: Place, draft: Draft) -> Node | None:
    """The one Ready node at the slot's one instance, if nothing but steadiness is missing."""
    node = standing.only_ready(place) if place.running else None
    if node is None or node.member or place.ec2 is None:
        return None
    holders = standing.slot_holders.get(slot.name)
    if holders and not _last_one_leaves(standing):
        held = f"{holders[0].id} ({holders[0].instance}) is a member of {slot.name}"
        draft.note(slot.name, Tone.WAITS, f"{place.id} waits: {held}")
        return None
    if place.ec2.zone != slot.zone:
        draft.note(
            slot.name,
            Tone.REFUSES,
            f"{place.id} stands in {place.ec2.zone}, its slot {slot.name} in {slot.zone}: not promoted. "
            f"Look at the group's subnet",
        )
        return None
    return node
