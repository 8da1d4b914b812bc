"""Joining a swarm that is there: with the worker token, drained, verified; again and again until it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from quorate.agent.join.certificate import Issued, read_certificate
from quorate.agent.journal import Journal
from quorate.agent.metadata import Identity
from quorate.agent.userdata import UserData
from quorate.errors import Failed, QuorateError, Unknown
from quorate.swarm.aws import Aws
from quorate.swarm.engine import Engine, EngineRefused
from quorate.swarm.local import listening
from quorate.swarm.patience import Backoff, Deadline
from quorate.swarm.snapshot import Claim

PUBLISHED_FORM = "SWMTKN-"
LISTEN_SECONDS = 1.0
SETTLE_SECONDS = 4.0  # for a join that went on in the background after its call gave up
# What the engine says when asking again later would not help by itself; all else is a swarm out of reach.
OURS_TO_MEND = ("x509", "fingerprint", "invalid join token", "already part of a swarm", "remote ca")


class OutOfReach(Unknown):
    """No manager answered, or the swarm has no leader: a reason to wait, never to give up or to init."""


@dataclass
class Joining:
    """What one attempt needs."""

    orders: UserData
    identity: Identity
    engine: Engine
    aws: Aws
    journal: Journal
    issued: Callable[[], Issued | None] = read_certificate

    def attempt(self, claim: Claim) -> None:
        """One join; on return the node is a verified member. The token is read anew: it may be a new one.

        OutOfReach, Unknown or EngineRefused: try again later. Failed: the wrong swarm.
        """
        self._clear()
        token = self.aws.get_parameter(self.orders.token_parameter)
        if not token.startswith(PUBLISHED_FORM):
            raise Unknown(f"{self.orders.token_parameter}: no worker token has been published yet")
        own = f"{self.identity.address}:"
        managers = tuple(one for one in claim.addresses if not one.startswith(own)) or claim.addresses
        # The engine takes any one of them, and waits 20 s for one that is gone.
        there = listening(managers, LISTEN_SECONDS) or managers
        try:
            self.engine.join(self.identity.address, there, token)
        except (EngineRefused, Unknown) as error:
            if not self._settled():
                self.engine.leave()
                raise _sorted(error, managers) from error
        if not self._settled():
            self.engine.leave()
            raise Unknown("swarm join: it did not become active; left again")
        self.verify(claim)

    def verify(self, claim: Claim) -> None:
        """Failed, after leaving, if the node's certificate is of another swarm than the claim's."""
        found = self.issued()
        if found is None:
            raise Unknown("swarm join: active, and no certificate yet")
        if found.cluster_id != claim.cluster_id:
            try:
                self.engine.leave()
                left = "left it again"
            except (EngineRefused, Unknown) as error:
                left = f"leaving it again, but {error}"
            raise Failed(
                f"joined swarm {found.cluster_id}, but this cluster's is {claim.cluster_id}: {left}. "
                f"Look for a second swarm at {', '.join(claim.addresses)}"
            )

    def _clear(self) -> None:
        """Leave what an attempt has left behind, here or in a life before; never a real membership."""
        state = self.engine.membership().state
        if state not in {"inactive", "active"}:
            self.journal.say(f"the engine is {state} from an attempt before: leaving first")
            self.engine.leave()

    def _settled(self) -> bool:
        for _ in Backoff(first=0.2, most=0.5).rounds(Deadline(SETTLE_SECONDS)):
            try:
                membership = self.engine.membership()
            except QuorateError:
                continue
            if membership.active:
                return True
            if membership.state == "inactive":
                return False
        return False


def _sorted(error: QuorateError, managers: tuple[str, ...]) -> QuorateError:
    said = str(error)
    if any(mark in said.lower() for mark in OURS_TO_MEND):
        return Unknown(said)
    return OutOfReach(f"no leader could be joined through {', '.join(managers)}: {said}")
