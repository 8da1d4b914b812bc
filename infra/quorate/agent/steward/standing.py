"""Which node is which instance in which slot or pool, and who is gone: relations in one snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from quorate.swarm.snapshot import (
    LABEL_POOL,
    LABEL_ROLE,
    LABEL_SLOT,
    LABEL_ZONE,
    Group,
    GroupInstance,
    Instance,
    Node,
    Plan,
    PlannedPool,
    PlannedSlot,
    Snapshot,
)


@dataclass(frozen=True)
class Place:
    """An instance as its group lists it, with EC2's answer about it (None: no answer, or it is absent).

    A manager's place names its slot, also of a slot that has left the plan (`planned` is None then).
    """

    group: Group
    listed: GroupInstance
    ec2: Instance | None
    slot: str | None
    pool: str | None
    planned: PlannedSlot | PlannedPool | None

    @property
    def id(self) -> str:
        return self.listed.id

    @property
    def address(self) -> str | None:
        return self.ec2.address if self.ec2 is not None else None

    @property
    def running(self) -> bool:
        return self.ec2 is not None and self.ec2.state == "running" and self.ec2.address is not None

    @property
    def stays(self) -> bool:
        """Nothing says that it should go."""
        return self.listed.here and not self.group.closing


@dataclass(frozen=True)
class Standing:
    """A snapshot whose plan and groups are known, with its relations."""

    snapshot: Snapshot
    plan: Plan
    groups: Mapping[str, Group]

    @cached_property
    def instances(self) -> dict[str, Instance]:
        """What EC2 said of every zone that answered."""
        return {one.id: one for zone in self.snapshot.zones.values() for one in zone.values()}

    @cached_property
    def places(self) -> tuple[Place, ...]:
        planned: dict[str, PlannedSlot | PlannedPool] = {slot.group: slot for slot in self.plan.slots}
        planned |= {pool.group: pool for pool in self.plan.pools}
        found = []
        for group in self.groups.values():
            home = planned.get(group.name)
            slot, pool = self.plan.home_of(group.name)
            found += [
                Place(group, listed, self.instances.get(listed.id), slot, pool, home)
                for listed in group.instances
            ]
        return tuple(found)

    @cached_property
    def place_of(self) -> dict[str, Place]:
        return {place.id: place for place in self.places}

    @cached_property
    def at(self) -> dict[str, list[Node]]:
        """Nodes by the address that the managers see."""
        found: dict[str, list[Node]] = defaultdict(list)
        for node in self.snapshot.nodes:
            found[node.address].append(node)
        return found

    @cached_property
    def labelled(self) -> dict[str, list[Node]]:
        """Nodes by the instance in their label."""
        found: dict[str, list[Node]] = defaultdict(list)
        for node in self.snapshot.nodes:
            if node.instance is not None:
                found[node.instance].append(node)
        return found

    def only_ready(self, place: Place) -> Node | None:
        """The Ready node at the instance's address, if exactly one stands there."""
        if place.address is None:
            return None
        ready = [node for node in self.at.get(place.address, []) if node.ready]
        return ready[0] if len(ready) == 1 else None

    @cached_property
    def answering(self) -> frozenset[str]:
        """Zones of which some node answers.

        A member that raft reaches does, also when Swarm lists its node as down: a node that registers in the
        moment in which its grace ends stays listed so (SwarmKit's dispatcher.go: `register` adds it after
        `markNodeNotReady` has taken it out).
        """
        return frozenset(
            place.ec2.zone
            for place in self.places
            if place.ec2 and (self.only_ready(place) or any(node.reachable for node in self.nodes_of(place)))
        )

    def nodes_of(self, place: Place) -> list[Node]:
        """Every node that is this instance, by label, or without a label by its address."""
        named = self.labelled.get(place.id, [])
        unnamed = [n for n in self.at.get(place.address or "", []) if n.instance is None]
        return [*named, *unnamed]

    @cached_property
    def members(self) -> tuple[Node, ...]:
        return tuple(node for node in self.snapshot.nodes if node.member)

    @cached_property
    def slot_holders(self) -> dict[str, list[Node]]:
        """Members by their slot's label."""
        found: dict[str, list[Node]] = defaultdict(list)
        for node in self.members:
            slot = node.labels.get(LABEL_SLOT)
            if slot is not None:
                found[slot].append(node)
        return found

    def zone_of(self, node: Node) -> str | None:
        return node.labels.get(LABEL_ZONE)

    def gone(self, node: Node) -> bool:
        """Whether this look says that the node's instance has ended. An unknown answer says no.

        By its label: terminated; or absent from its zone's answer, which is only there if it was complete,
        while its slot's group lists a successor (a pool's group: no longer lists the instance). A worker
        that was never labelled: no instance is at its address.
        """
        if node.instance is None:
            return not node.member and self._unlabelled_gone(node)
        zone = self.snapshot.zones.get(self.zone_of(node) or "")
        if zone is None:
            return False
        instance = zone.get(node.instance)
        if instance is not None:
            return instance.ended
        return self._succeeded(node)

    def _succeeded(self, node: Node) -> bool:
        slot, pool = node.labels.get(LABEL_SLOT), node.labels.get(LABEL_POOL)
        if slot is None and pool is None:
            return False
        group = self.groups.get(self.plan.group_of(slot, pool))
        if group is None:
            # The group itself has ended with its instances; only believed of one that has left the plan.
            return slot not in {one.name for one in self.plan.slots} and pool not in {
                one.name for one in self.plan.pools
            }
        listed = {one.id for one in group.instances}
        if node.instance in listed:
            return False
        return group.closing or slot is None or any(one.here for one in group.instances)

    def _unlabelled_gone(self, node: Node) -> bool:
        if any(zone not in self.snapshot.zones for zone in self.plan.zones):
            return False  # where it stood is not known, so every zone must have answered
        known = self.snapshot.at_address
        return known is not None and node.address in known and not known[node.address]

    def superseded(self, node: Node) -> bool:
        """Whether the engine at a Down worker's address is another node now: it left, and joined again."""
        if node.member or not node.down or not node.address:
            return False
        return sum(other.ready for other in self.at[node.address] if other.id != node.id) == 1


def labelled_homes(nodes: tuple[Node, ...]) -> set[tuple[str | None, str | None]]:
    """The (slot, pool) pairs in nodes' labels, also of slots and pools that have left the plan."""
    homes: set[tuple[str | None, str | None]] = set()
    for node in nodes:
        slot, pool = node.labels.get(LABEL_SLOT), node.labels.get(LABEL_POOL)
        if node.labels.get(LABEL_ROLE) and (slot or pool):
            homes.add((slot, None) if slot else (None, pool))
    return homes
