"""One look of the leader: the swarm from its engine, the rest from AWS; what did not answer is unknown."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from quorate.agent.metadata import Identity
from quorate.agent.steward.standing import labelled_homes
from quorate.agent.userdata import UserData
from quorate.errors import Failed, Unknown
from quorate.swarm.aws import Absent, Aws
from quorate.swarm.engine import Engine
from quorate.swarm.rendezvous import Rendezvous
from quorate.swarm.snapshot import LABEL_ZONE, Claim, Group, Instance, Node, Plan, Snapshot

T = TypeVar("T")

PLAN_SECONDS = 5.0  # for which a plan that was read is still what it is
CLAIM_SECONDS = 60.0
TOKEN_SECONDS = 300.0
HOMES_SECONDS = 60.0
LATER_SECONDS = 5.0  # after the first look: what may wait while a cluster forms, or finds a new leader


@dataclass
class Kept:
    """An answer and when it was given."""

    value: object = None
    at: float = float("-inf")


@dataclass
class Observer:
    """Looks, and keeps what does not change between two looks. Troubles are for the journal."""

    orders: UserData
    identity: Identity
    engine: Engine
    aws: Aws
    clock: Callable[[], float] = time.monotonic
    troubles: list[str] = field(default_factory=list)
    _zone_ids: dict[str, str] = field(default_factory=dict)
    _plan: Kept = field(default_factory=Kept)
    _claim: Kept = field(default_factory=Kept)
    _token: Kept = field(default_factory=Kept)
    _homes: Kept = field(default_factory=Kept)
    _former: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._table = Rendezvous(self.aws, self.orders.table)
        self._began = self.clock()

    @property
    def _has_settled(self) -> bool:
        return self.clock() - self._began >= LATER_SECONDS

    def look(self, node_id: str) -> Snapshot:
        """What is now. Unknown or EngineRefused if the swarm itself does not answer."""
        self.troubles = []
        cluster_id, token = self.engine.swarm()
        nodes = self.engine.nodes()
        bare = Snapshot(
            now=self.clock(),
            node_id=node_id,
            instance_id=self.identity.instance,
            cluster_id=cluster_id,
            nodes=nodes,
            token_fresh=self._token_fresh(token),
        )
        claim_known, claim = self._read_claim()
        plan = self._read_plan()
        if plan is None:
            return replace(bare, claim=claim, claim_known=claim_known)
        groups = self._read_groups(plan, nodes)
        if groups is None:
            return replace(bare, claim=claim, claim_known=claim_known, plan=plan)
        return replace(
            bare,
            claim=claim,
            claim_known=claim_known,
            plan=plan,
            groups=groups,
            zones=self._read_zones(plan, groups, nodes),
            at_address=self._read_addresses(nodes),
            tasks=self._read_tasks(groups, nodes),
        )

    def forget_claim(self) -> None:
        """Read the claim again at the next look: it was just written."""
        self._claim = Kept()

    def token_was_published(self, token: str) -> None:
        self._token = Kept(_digest(token), self.clock())

    def _try(self, what: str, ask: Callable[[], T]) -> T | None:
        try:
            return ask()
        except (Unknown, Failed) as error:
            self.troubles.append(f"{what}: {error}")
            return None

    def _token_fresh(self, token: str) -> bool | None:
        """Whether the published token is the swarm's; None: not known. Only a digest of it is kept."""
        if self.clock() - self._token.at < TOKEN_SECONDS:
            return self._token.value == _digest(token)
        if not self._has_settled:
            return None
        try:
            published = self.aws.get_parameter(self.orders.token_parameter)
        except Absent:
            return False
        except Unknown as error:
            self.troubles.append(f"worker token: {error}")
            return None
        self._token = Kept(_digest(published), self.clock())
        return self._token.value == _digest(token)

    def _read_plan(self) -> Plan | None:
        if self.clock() - self._plan.at >= PLAN_SECONDS:
            self._plan = Kept(self._try("plan", self._table.read_plan), self.clock())
            if self._plan.value is None:
                self._plan.at = float("-inf")
        return self._plan.value if isinstance(self._plan.value, Plan) else None

    def _read_claim(self) -> tuple[bool, Claim | None]:
        if self.clock() - self._claim.at >= CLAIM_SECONDS:
            try:
                self._claim = Kept(self._table.read_claim(), self.clock())
            except Unknown as error:
                self.troubles.append(f"claim: {error}")
                return False, None
        return True, self._claim.value if isinstance(self._claim.value, Claim) else None

    def _read_groups(self, plan: Plan, nodes: tuple[Node, ...]) -> dict[str, Group] | None:
        """Groups with zone ids, believed only if one of them lists the instance that asks."""
        names = {slot.group for slot in plan.slots} | {pool.group for pool in plan.pools}
        self._former |= {plan.group_of(slot, pool) for slot, pool in labelled_homes(nodes)}
        names |= self._former | self._tagged(plan)
        found = self._try("groups", lambda: self.aws.groups(sorted(names)))
        if found is None:
            return None
        listed = {one.id for group in found.values() for one in group.instances}
        if self.identity.instance not in listed:
            self.troubles.append(f"groups: no group lists {self.identity.instance}, who asked: not complete")
            return None
        ids = self._zone_names({one.zone for group in found.values() for one in group.instances})
        return {
            name: replace(
                group,
                instances=tuple(replace(one, zone=ids.get(one.zone, one.zone)) for one in group.instances),
            )
            for name, group in found.items()
        }

    def _tagged(self, plan: Plan) -> frozenset[str]:
        """Groups that neither plan nor labels name any more: their last instance may wait for its end."""
        if self._has_settled and self.clock() - self._homes.at >= HOMES_SECONDS:
            found = self._try("tagged groups", lambda: self.aws.groups_tagged(plan.cluster))
            if found is not None:
                self._homes = Kept(frozenset(found), self.clock())
        return self._homes.value if isinstance(self._homes.value, frozenset) else frozenset()

    def _zone_names(self, names: Iterable[str]) -> dict[str, str]:
        if not set(names) <= self._zone_ids.keys():
            self._zone_ids |= self._try("zones", self.aws.zone_ids) or {}
        return self._zone_ids

    def _read_zones(
        self, plan: Plan, groups: Mapping[str, Group], nodes: tuple[Node, ...]
    ) -> dict[str, dict[str, Instance]]:
        """EC2's answers, zone by zone: one that fails leaves the others as good as they were."""
        wanted: dict[str, set[str]] = defaultdict(set)
        for group in groups.values():
            for one in group.instances:
                wanted[one.zone].add(one.id)
        for node in nodes:
            zone = node.labels.get(LABEL_ZONE)
            if zone and node.instance:
                wanted[zone].add(node.instance)
        answers: dict[str, dict[str, Instance]] = {zone: {} for zone in plan.zones if zone not in wanted}
        for zone, ids in sorted(wanted.items()):
            answer = self._try(f"zone {zone}", partial(self.aws.instances, self.identity.instance, ids))
            if answer is not None:
                answers[zone] = {
                    one.id: replace(one, zone=self._zone_ids.get(one.zone, one.zone))
                    for one in answer.values()
                    if one.id in ids
                }
        return answers

    def _read_addresses(self, nodes: tuple[Node, ...]) -> dict[str, frozenset[str]] | None:
        asked = {n.address for n in nodes if n.down and not n.member and n.instance is None and n.address}
        if not asked:
            return {}
        own = self.identity.address
        found = self._try(
            "addresses", lambda: self.aws.instances_at(self.identity.instance, own, asked - {own})
        )
        if found is None:
            return None
        there: dict[str, set[str]] = {address: set() for address in asked}
        for one in found.values():
            if one.address in there:
                there[one.address].add(one.id)
        return {address: frozenset(ids) for address, ids in there.items()}

    def _read_tasks(self, groups: Mapping[str, Group], nodes: tuple[Node, ...]) -> dict[str, int]:
        """Live tasks of the drained nodes whose instance waits for its end."""
        leaving = {one.id for group in groups.values() for one in group.instances if one.waits_to_end}
        counted: dict[str, int] = {}
        for node in nodes:
            if node.instance in leaving and node.availability == "drain" and not node.member:
                tasks = self._try("tasks", partial(self.engine.tasks_alive, node.id))
                if tasks is not None:
                    counted[node.id] = tasks
        return counted


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
