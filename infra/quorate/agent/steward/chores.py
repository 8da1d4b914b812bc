"""What keeps the cluster known and its nodes in order, and changes no membership."""

from __future__ import annotations

from quorate.agent.steward.actions import Draft, Label, PublishAddresses, PublishToken, Tone
from quorate.agent.steward.standing import Place, Standing
from quorate.swarm.snapshot import (
    LABEL_INSTANCE,
    LABEL_POOL,
    LABEL_ROLE,
    LABEL_SCHEDULABLE,
    LABEL_SLOT,
    LABEL_ZONE,
    MANAGER_PORT,
    Node,
    PlannedPool,
    PlannedSlot,
    Snapshot,
)


def publish(snapshot: Snapshot, draft: Draft) -> None:
    """Addresses and worker token, as nodes that boot next need them."""
    if snapshot.token_fresh is False:
        draft.do(PublishToken())
    if not snapshot.claim_known:
        draft.note(
            "claim", Tone.UNKNOWN, "the table did not say who holds the claim: addresses stay as they are"
        )
        return
    claim = snapshot.claim
    addresses = _addresses(snapshot)
    if claim is not None and (not claim.ready or claim.cluster_id != snapshot.cluster_id):
        held = f"names swarm {claim.cluster_id}" if claim.ready else f"is being held by {claim.owner}"
        draft.note(
            "claim",
            Tone.REFUSES,
            f"addresses of swarm {snapshot.cluster_id} are not published: the claim {held}. Two swarms "
            f"would share one table. Find out which one is to live, and terminate the instances of the other",
        )
        return
    if addresses and (claim is None or set(claim.addresses) != set(addresses)):
        draft.do(PublishAddresses(addresses))


def _addresses(snapshot: Snapshot) -> tuple[str, ...]:
    """Where nodes may join: at reachable managers, and not at those that are to end, unless no other is left.

    Until a node has heard of the other managers, it knows the one that it joined at and no other; promoted
    then, it would look for raft there for ever.
    """
    groups = (snapshot.groups or {}).values()
    leaving = {instance.id for group in groups for instance in group.instances if instance.ending}
    managers = [n for n in snapshot.nodes if n.role == "manager" and n.reachable and n.address]
    chosen = [node for node in managers if node.instance not in leaving] or managers
    return tuple(sorted(f"{node.address}:{MANAGER_PORT}" for node in chosen))


def label(standing: Standing, draft: Draft) -> None:
    """Labels from what AWS says of the instance at a node's address; the first ones activate a worker."""
    accounted: set[str] = set()
    for place in standing.places:
        accounted |= {node.id for node in standing.nodes_of(place)}
        if not place.running or not place.stays or place.planned is None:
            continue
        node = standing.only_ready(place)
        if node is None:
            _say_if_crowded(standing, place, draft)
            continue
        accounted.add(node.id)
        if node.instance not in {None, place.id}:
            draft.note(
                node.id,
                Tone.REFUSES,
                f"node {node.id} is labelled {node.instance}, and EC2 has {place.id} at its address "
                f"{node.address}: nothing is changed. Remove the node by hand if {node.instance} is gone",
            )
            continue
        action = _labels(standing, place, node)
        if action is not None:
            draft.do(action)
    _say_strangers(standing, accounted, draft)


def _labels(standing: Standing, place: Place, node: Node) -> Label | None:
    labels = facts(standing, place)
    if all(node.labels.get(key) == value for key, value in labels.items()):
        return None
    # Only the first labels, and a changed rule for managers, touch availability: later a person may have
    # drained the node, and that is theirs to undo.
    first = node.instance is None
    rule_changed = node.labels.get(LABEL_SCHEDULABLE) != labels.get(LABEL_SCHEDULABLE)
    availability = None
    if first or rule_changed:
        works = place.pool is not None or standing.plan.managers_schedulable
        availability = "active" if works else "drain"
    return Label(node.id, labels, availability)


def facts(standing: Standing, place: Place) -> dict[str, str]:
    """The labels that a node at this place shall carry."""
    assert place.ec2 is not None
    labels = {LABEL_INSTANCE: place.id, LABEL_ZONE: place.ec2.zone}
    if isinstance(place.planned, PlannedSlot):
        schedulable = "true" if standing.plan.managers_schedulable else "false"
        return labels | {
            LABEL_ROLE: "manager",
            LABEL_SLOT: place.planned.name,
            LABEL_SCHEDULABLE: schedulable,
        }
    if isinstance(place.planned, PlannedPool):
        return {**place.planned.labels, **labels, LABEL_ROLE: "worker", LABEL_POOL: place.planned.name}
    return labels


def _say_if_crowded(standing: Standing, place: Place, draft: Draft) -> None:
    ready = [node.id for node in standing.at.get(place.address or "", []) if node.ready]
    if len(ready) > 1:
        draft.again(1.0)
        draft.note(
            place.id,
            Tone.WAITS,
            f"{len(ready)} Ready nodes at {place.address}, one may be there: waiting until {place.id} is one",
        )


def _say_strangers(standing: Standing, accounted: set[str], draft: Draft) -> None:
    unknown_zones = [zone for zone in standing.plan.zones if zone not in standing.snapshot.zones]
    if unknown_zones:
        draft.note(
            "zones",
            Tone.UNKNOWN,
            f"EC2 gave no complete answer for {', '.join(unknown_zones)}: nothing is changed there",
        )
        return
    for node in standing.snapshot.nodes:
        if node.ready and node.id not in accounted and node.instance is None:
            draft.again(1.0)
            draft.note(
                node.id,
                Tone.WAITS,
                f"node {node.id} at {node.address} is no instance of this cluster's groups: it stays drained",
            )
