"""The steps of a boot, in their order."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from quorate.agent.join.certificate import Issued, read_certificate
from quorate.agent.join.claim import Fate, Step, Watch, new_claim, next_step
from quorate.agent.join.founding import Founding
from quorate.agent.join.hook import LaunchHook
from quorate.agent.join.joining import Joining, OutOfReach
from quorate.agent.journal import Journal
from quorate.agent.metadata import Identity
from quorate.agent.userdata import UserData
from quorate.errors import Failed, Unknown
from quorate.swarm.aws import Aws
from quorate.swarm.engine import Engine, EngineRefused
from quorate.swarm.patience import Backoff, Deadline
from quorate.swarm.rendezvous import ClaimStore
from quorate.swarm.snapshot import Claim

JOIN_SECONDS = 480.0  # more than a claim's time, less than the launch hook's
END_SECONDS = 10.0  # between two looks whether the cluster is to end
WAY_BACK = (
    "Nobody will make a second swarm. Start the instances of its managers again until a majority answers, "
    "or restore one from a backup"
)


@dataclass
class Boot:
    """One boot of one node."""

    orders: UserData
    identity: Identity
    engine: Engine
    aws: Aws
    hook: LaunchHook
    journal: Journal
    store: ClaimStore
    issued: Callable[[], Issued | None] = read_certificate
    let_go: Callable[[], bool] = lambda: False
    """Lets this instance go if the whole cluster is to end; whether it did."""
    deadline: Deadline = field(default_factory=lambda: Deadline(JOIN_SECONDS))
    wall: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._watch = Watch()
        self._asked_to_end = self.clock()
        self._founding = Founding(
            self.orders, self.identity, self.engine, self.aws, self.store, self.journal, self.wall
        )
        self._joining = Joining(self.orders, self.identity, self.engine, self.aws, self.journal, self.issued)

    def become_member(self) -> None:
        """From whatever this boot finds to a verified member; Failed says why not."""
        issued = self._membership_before()
        if issued is None or not self._come_back(issued):
            self._until(self.step)

    def finish(self) -> None:
        """Let Auto Scaling put the instance into service."""
        self.hook.complete(Deadline(JOIN_SECONDS))

    def _membership_before(self) -> Issued | None:
        """The certificate of a membership from before; None on a fresh node.

        An engine that is pending with a certificate is a member that waits for its managers: it must never
        be made to leave, as a manager's copy of the cluster is on its disk. Without one it is the remains
        of a join that was cut short.
        """
        issued = self.issued()
        state = ""

        def ask() -> bool:
            nonlocal state
            state = self.engine.membership().state
            return True

        self._again_until(ask, "the engine did not answer")
        return None if state == "inactive" else issued

    def _come_back(self, issued: Issued) -> bool:
        """Wait until the old membership is active; False if it was a worker's and is broken."""
        broken = False

        def step(claim: Claim | None) -> bool:
            nonlocal broken
            if claim is not None and not claim.ready and claim.owner == self.identity.instance:
                return self._found(claim)
            self._check_home(issued, claim)
            found = self.engine.membership()
            if found.active:
                self.journal.say(f"back in swarm {issued.cluster_id}")
                return True
            if found.state == "error" and issued.role == "swarm-worker":
                self.journal.say(
                    f"the engine cannot go on as a worker ({found.error}): leaving, to join anew"
                )
                self.engine.leave()
                broken = True
                return True
            self._wait_for_leader(f"the engine is {found.state} {found.error}".strip())
            return False

        # Nothing takes the place of a member whose hook is done, and no steward runs before this ends: it
        # waits for AWS and engine for as long as they need.
        self._again_until(lambda: step(self.store.read_claim()), "the claim was not read", patient=True)
        return not broken

    def _check_home(self, issued: Issued, claim: Claim | None) -> None:
        known = "knows of none" if claim is None or not claim.ready else f"names {claim.cluster_id}"
        if claim is None or claim.cluster_id != issued.cluster_id:
            raise Failed(
                f"this node's disk is a member of swarm {issued.cluster_id}, and table {self.orders.table} "
                f"{known}. Nothing was changed: look whether the disk comes from another cluster"
            )

    def step(self, claim: Claim | None) -> bool:
        """One step of a fresh node, for a claim read now or a while ago; whether it is a member."""
        if claim is not None and claim.ready:
            return self._join(claim)
        if not self.orders.manages:
            self.journal.say_once("claim", "waiting for the managers to make the swarm")
            self.hook.beat()
            return False
        return self._advance(claim)

    def _advance(self, claim: Claim | None) -> bool:
        """One step of a manager towards READY; True when this node has founded the swarm."""
        me, wall = self.identity.instance, self.wall()
        if claim is None:
            self._check_place()
            mine = new_claim(me, wall)
            if not self.store.create_claim(mine):
                return False
            self.journal.say("claimed the cluster's only init")
            return self._found(mine)
        seen = self._watch.seen(claim, self.clock())
        step = next_step(claim, me, wall, seen)
        if step is Step.ASK:
            step = next_step(claim, me, wall, seen, self._fate(claim.owner))
        if step is Step.FOUND:
            return self._found(claim)
        if step is Step.TAKE_OVER:
            self._check_place()
            mine = new_claim(me, wall)
            if not self.store.replace_claim(claim.nonce, mine):
                return False
            self.journal.say(f"took over the claim of {claim.owner}, which EC2 says is gone")
            return self._found(mine)
        self.journal.say_once("claim", f"waiting for {claim.owner}, which makes the swarm")
        return False

    def _check_place(self) -> None:
        """Unknown unless plan and Auto Scaling say, too, that this instance stands in its manager's slot.

        User-data alone makes no founder: who founds is a manager, and all that follows trusts it.
        """
        plan = self.store.read_plan()
        if plan is None:
            raise Unknown(f"table {self.orders.table}: the plan is not written yet")
        slot, group = self.orders.slot, self.orders.group
        if not any(one.name == slot and one.group == group for one in plan.slots):
            raise Unknown(f"user-data says slot {slot} of group {group}: the plan has no such slot")
        listed = self.aws.groups([group]).get(group)
        if listed is None or self.identity.instance not in {one.id for one in listed.instances}:
            raise Unknown(f"user-data says group {group}: Auto Scaling does not list this instance there")

    def _found(self, claim: Claim) -> bool:
        return self._founding.found(claim) is not None

    def _fate(self, owner: str) -> Fate:
        try:
            answer = self.aws.instances(self.identity.instance, [owner])
        except Unknown as error:
            self.journal.say_once("fate", f"the claim's owner {owner}: {error}")
            return Fate.UNKNOWN
        return Fate.GONE if owner not in answer or answer[owner].ended else Fate.HERE

    def _join(self, claim: Claim) -> bool:
        try:
            self._joining.attempt(claim)
        except OutOfReach as error:
            self._wait_for_leader(f"swarm {claim.cluster_id}: {error}")
            return False
        self.journal.say(f"joined swarm {claim.cluster_id} as a drained worker")
        return True

    def _wait_for_leader(self, trouble: str) -> None:
        """A swarm that was made and has no leader: neither time nor failure makes another one."""
        self.hook.beat()
        self.deadline = Deadline(JOIN_SECONDS)
        self.journal.say_once("leader", f"waiting for a leader: {trouble}. {WAY_BACK}")
        self._end_without_leader()

    def _end_without_leader(self) -> None:
        """No steward runs before this boot ends, and without a leader nobody else completes the hook."""
        if self.clock() - self._asked_to_end < END_SECONDS:
            return
        self._asked_to_end = self.clock()
        if self.let_go():
            self.journal.say("every slot is being deleted and there is no leader: this instance may end")

    def _until(self, step: Callable[[Claim | None], bool]) -> None:
        """Read the claim and take the step, until it says done."""
        self._again_until(lambda: step(self.store.read_claim()), "the claim did not become READY")

    def _again_until(self, done: Callable[[], bool], trouble: str, *, patient: bool = False) -> None:
        """Try again with growing pauses until it is done; Failed when the deadline has passed.

        `patient`: each trouble moves the deadline, so that only another reason ends it.

        What AWS or the engine refuses meanwhile is said once and tried again: in a node's first seconds its
        role may not have reached every endpoint.
        """
        for _ in Backoff(first=0.25, most=4.0, factor=1.25).rounds():
            if self.deadline.passed:
                raise Failed(f"no member after {JOIN_SECONDS:.0f} s: {trouble}")
            try:
                if done():
                    return
            except (Unknown, EngineRefused) as error:
                trouble = str(error)
                self.journal.say_once("trouble", f"{trouble}; trying again")
                if patient:
                    self.hook.beat()
                    self.deadline = Deadline(JOIN_SECONDS)
