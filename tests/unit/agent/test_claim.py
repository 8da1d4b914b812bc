"""Exactly one init: managers that boot, are killed at any call, start again, end, with clocks an hour off.

The real steps of a boot run against a store, engines and an EC2 in memory. Each manager acts on a claim that
it may have read long ago; every call outside may be its last, before or after it took effect.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from quorate.agent.join.boot import Boot
from quorate.agent.join.certificate import Issued
from quorate.agent.join.claim import CLAIM_SECONDS
from quorate.agent.journal import Journal
from quorate.agent.metadata import Identity
from quorate.agent.userdata import read_user_data
from quorate.errors import Unknown
from quorate.swarm.engine import EngineRefused, Membership
from quorate.swarm.snapshot import Claim, Group, GroupInstance, Instance, Plan, PlannedSlot

from .scenes import plan_of, whole
from .test_userdata import MANAGER, body


class Killed(BaseException):
    """kill -9."""


@dataclass
class Fuse:
    """Kills at the n-th call from now, before or after it takes effect."""

    left: int | None = None
    after: bool = False

    def burn(self, effect: Any) -> Any:
        if self.left is None:
            return effect()
        self.left -= 1
        if self.left >= 0:
            return effect()
        self.left = None
        if self.after:
            effect()
        raise Killed


@dataclass
class Cloud:
    """What all managers share: the item, the token, the instances, and the swarms that ever were."""

    claim: Claim | None = None
    token: str = "none yet"
    ended: set[str] = field(default_factory=set)
    made: list[str] = field(default_factory=list)
    published: set[str] = field(default_factory=set)
    nodes: dict[str, Node] = field(default_factory=dict)
    answers: bool = True


@dataclass
class Node:
    """One manager: its engine's swarm outlives a kill of its join."""

    name: str
    cloud: Cloud
    skew: float
    fuse: Fuse = field(default_factory=Fuse)
    swarm: str | None = None
    manages: bool = False
    member: bool = False
    boot: Boot | None = None

    @property
    def address(self) -> str:
        return f"10.0.0.{int(self.name[2:]) + 1}"

    # the engine

    def membership(self) -> Membership:
        if self.swarm is None:
            return Membership("inactive")
        return Membership("active", node_id=self.name, manages=self.manages, cluster_id=self.swarm)

    def init(self, address: str, overlay_cidr: str) -> str:
        def effect() -> str:
            if self.swarm is not None:
                raise EngineRefused("swarm init", 503, "This node is already part of a swarm")
            self.swarm, self.manages = f"swarm{len(self.cloud.made)}", True
            self.cloud.made.append(self.swarm)
            return self.name

        return cast(str, self.fuse.burn(effect))

    def join(self, address: str, managers: tuple[str, ...], token: str) -> None:
        def effect() -> None:
            for other in self.cloud.nodes.values():
                up = other.name not in self.cloud.ended and other.manages
                if up and f"{other.address}:2377" in managers and token == f"SWMTKN-{other.swarm}":
                    self.swarm = other.swarm
                    return
            raise EngineRefused("swarm join", 500, "connection refused")

        self.fuse.burn(effect)

    def leave(self) -> None:
        self.swarm, self.manages = None, False

    def swarm_and_token(self) -> tuple[str, str]:
        if not self.manages or self.swarm is None:
            raise EngineRefused("swarm inspect", 503, "not a manager")
        return self.swarm, f"SWMTKN-{self.swarm}"

    def issued(self) -> Issued | None:
        return Issued(self.swarm, "swarm-manager") if self.swarm else None

    # AWS

    def read_claim(self) -> Claim | None:
        return cast("Claim | None", self._aws(lambda: self.cloud.claim))

    def create_claim(self, claim: Claim) -> bool:
        def effect() -> bool:
            if self.cloud.claim is not None:
                return False
            self.cloud.claim = claim
            return True

        return cast(bool, self._aws(effect))

    def replace_claim(self, nonce: str, claim: Claim) -> bool:
        def effect() -> bool:
            now = self.cloud.claim
            if now is None or now.ready or now.nonce != nonce:
                return False
            self.cloud.claim = claim
            if claim.ready:
                self.cloud.published.add(claim.cluster_id)
            return True

        return cast(bool, self._aws(effect))

    def read_plan(self) -> Plan:
        slot = PlannedSlot(MANAGER["slot"], "z", MANAGER["group"])
        return replace(plan_of(whole()), slots=(slot,))

    def groups(self, names: list[str]) -> dict[str, Group]:
        listed = tuple(GroupInstance(name, "Pending:Wait") for name in self.cloud.nodes)
        return {names[0]: Group(names[0], 1, listed)}

    def get_parameter(self, name: str) -> str:
        return cast(str, self._aws(lambda: self.cloud.token))

    def put_parameter(self, name: str, value: str, key: str) -> None:
        self._aws(lambda: setattr(self.cloud, "token", value))

    def instances(self, asker: str, ids: list[str]) -> dict[str, Instance]:
        def effect() -> dict[str, Instance]:
            return {
                one: Instance(one, "terminated" if one in self.cloud.ended else "running", None, "z")
                for one in (asker, *ids)
            }

        return cast("dict[str, Instance]", self._aws(effect))

    def _aws(self, effect: Any) -> Any:
        if not self.cloud.answers:
            raise Unknown("AWS did not answer")
        return self.fuse.burn(effect)


class _Engine:
    def __init__(self, node: Node) -> None:
        self.membership, self.init, self.join, self.leave = node.membership, node.init, node.join, node.leave
        self.swarm = node.swarm_and_token


class _Hook:
    def beat(self) -> None: ...


NAMES = ("i-0", "i-1", "i-2")
KILLS = st.sampled_from([2, 1, 0, None, 3, 4])


class Managers(RuleBasedStateMachine):
    @initialize(skews=st.tuples(*[st.sampled_from([0.0, 3600.0, -3600.0])] * 3))
    def three_managers_boot(self, skews: tuple[float, ...]) -> None:
        self.cloud = Cloud()
        self.now = 1_000_000.0
        self.read: list[Claim | None] = [None]
        for name, skew in zip(NAMES, skews, strict=True):
            self.cloud.nodes[name] = Node(name, self.cloud, skew)
            self._start(self.cloud.nodes[name])

    def _start(self, node: Node) -> None:
        node.boot = Boot(
            orders=read_user_data(body(MANAGER)),
            identity=Identity(node.name, node.address),
            engine=cast(Any, _Engine(node)),
            aws=cast(Any, node),
            hook=cast(Any, _Hook()),
            journal=Journal("join", quiet=True),
            store=node,
            issued=node.issued,
            wall=lambda: self.now + node.skew,
            clock=lambda: self.now,
        )

    @rule(name=st.sampled_from(NAMES), kill=KILLS, after=st.booleans())
    def one_acts(self, name: str, kill: int | None, after: bool) -> None:
        self._act(self.cloud.nodes[name], self.cloud.claim, kill, after)

    @rule(name=st.sampled_from(NAMES), kill=KILLS, after=st.booleans(), ago=st.integers(1, 4))
    def one_acts_on_what_it_read_long_ago(self, name: str, kill: int | None, after: bool, ago: int) -> None:
        self._act(self.cloud.nodes[name], self.read[-ago:][0], kill, after)

    @rule(name=st.sampled_from(NAMES))
    def one_acts_without_aws(self, name: str) -> None:
        self.cloud.answers = False
        self._act(self.cloud.nodes[name], self.cloud.claim)
        self.cloud.answers = True

    def _act(self, node: Node, claim: Claim | None, kill: int | None = None, after: bool = False) -> None:
        if node.name in self.cloud.ended or node.member or node.boot is None:
            return
        node.fuse.left, node.fuse.after = kill, after
        try:
            if node.swarm is not None and not (claim and claim.owner == node.name):
                node.member = bool(claim and claim.ready and claim.cluster_id == node.swarm)
            else:
                node.member = node.boot.step(claim)
        except (Unknown, EngineRefused):
            pass
        except Killed:
            self._start(node)  # its unit starts it again
        finally:
            node.fuse.left = None
            self.read.append(self.cloud.claim)

    @precondition(lambda self: len(self.cloud.ended) < 2)
    @rule(name=st.sampled_from(NAMES))
    def an_instance_ends(self, name: str) -> None:
        self.cloud.ended.add(name)

    @precondition(lambda self: self.cloud.claim is not None and len(self.cloud.ended) < 2)
    @rule()
    def the_owner_of_the_claim_ends(self) -> None:
        claim = self.cloud.claim
        if claim is not None and not claim.ready:
            self.cloud.ended.add(claim.owner)

    @rule(seconds=st.sampled_from([CLAIM_SECONDS / 2, CLAIM_SECONDS + 1]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def one_swarm_at_most_was_ever_published(self) -> None:
        if hasattr(self, "cloud"):
            assert len(self.cloud.published) <= 1

    @invariant()
    def every_member_is_in_the_published_swarm(self) -> None:
        if hasattr(self, "cloud"):
            members = {node.swarm for node in self.cloud.nodes.values() if node.member}
            assert members <= self.cloud.published

    @invariant()
    def a_second_swarm_is_made_only_after_its_maker_is_gone(self) -> None:
        if hasattr(self, "cloud"):
            alive = {
                node.swarm
                for node in self.cloud.nodes.values()
                if node.manages and node.name not in self.cloud.ended
            }
            assert len(alive) <= 1

    def teardown(self) -> None:
        """Faults end: whoever lives becomes a member, unless the swarm's only maker has ended for good."""
        if not hasattr(self, "cloud"):
            return
        for _ in range(8):
            self.now += CLAIM_SECONDS
            for node in self.cloud.nodes.values():
                self._act(node, self.cloud.claim)
        living = [node for node in self.cloud.nodes.values() if node.name not in self.cloud.ended]
        leads = [node for node in living if node.manages]
        if living and (leads or not self.cloud.published):
            assert all(node.member for node in living)
            assert {node.swarm for node in living} == self.cloud.published


Managers.TestCase.settings = settings(max_examples=200, stateful_step_count=25, deadline=None)
TestManagers = Managers.TestCase
