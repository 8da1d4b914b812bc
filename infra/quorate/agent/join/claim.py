"""Who may call init: the protocol on one item, as a pure decision.

    absent -> CREATING{owner, nonce, expiry} -> READY{cluster id, addresses}

An owner goes on with its own claim after any crash. Another manager takes a claim over only if it has
expired and EC2 says that its owner is gone: an owner that is merely slow would make a second swarm. Expired
is what the item says, or what a watcher saw unchanged for as long by its own monotonic clock, so that a
clock an hour off delays nothing; and as the owner must be gone besides, a clock that runs ahead does no harm.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import Enum

from quorate.swarm.snapshot import Claim

CLAIM_SECONDS = 120.0  # < join's deadline < the launch hook's timeout


class Fate(Enum):
    """What EC2 says of a claim's owner."""

    HERE = "here"
    GONE = "gone"
    UNKNOWN = "unknown"


class Step(Enum):
    """What a manager does next about the claim."""

    FOUND = "found"
    ASK = "ask"
    TAKE_OVER = "take over"
    WAIT = "wait"
    JOIN = "join"


@dataclass
class Watch:
    """How long one claim has been seen unchanged, by the watcher's own monotonic clock."""

    nonce: str | None = None
    since: float = 0.0

    def seen(self, claim: Claim, now: float) -> float:
        """Seconds for which this very claim has been seen."""
        if claim.nonce != self.nonce:
            self.nonce, self.since = claim.nonce, now
        return now - self.since


def next_step(claim: Claim, me: str, wall: float, seen: float, fate: Fate | None = None) -> Step:
    """What manager `me` (instance id) does about a claim that is there; an absent one is there to be created.

    `wall` is the wall clock in epoch seconds, `seen` how long this claim has been watched unchanged, `fate`
    what EC2 said of its owner; None if it was not asked, and then the answer may be to ask.
    """
    if claim.ready:
        return Step.JOIN
    if claim.owner == me:
        return Step.FOUND
    if wall < claim.expiry and seen < CLAIM_SECONDS:
        return Step.WAIT
    if fate is None:
        return Step.ASK
    return Step.TAKE_OVER if fate is Fate.GONE else Step.WAIT


def new_claim(me: str, wall: float) -> Claim:
    """A claim by `me` from now on, with a nonce of its own."""
    return Claim(state="CREATING", owner=me, nonce=secrets.token_hex(8), expiry=wall + CLAIM_SECONDS)
