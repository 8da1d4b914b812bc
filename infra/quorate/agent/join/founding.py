"""The claim's owner makes the swarm: init, worker token, READY; from wherever a crash has left it.

A swarm whose init this very run did not see answered is thrown away, and made anew. It may be one that
nobody can join: an engine killed in the middle of init has saved its certificates and not yet the key of its
CA, and comes up again as the leader of a swarm that signs for nobody ("no valid signer found"; SwarmKit's
manager.becomeLeader writes the cluster object from what the first start had in memory). From outside it looks
like any other. Nobody has joined what was not READY, so nothing is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from quorate.agent.join.claim import new_claim
from quorate.agent.journal import Journal
from quorate.agent.metadata import Identity
from quorate.agent.userdata import UserData
from quorate.errors import Failed
from quorate.swarm.aws import Aws
from quorate.swarm.engine import Engine
from quorate.swarm.rendezvous import ClaimStore
from quorate.swarm.snapshot import MANAGER_PORT, Claim

RENEW_BELOW = 60.0  # seconds left of a claim below which its owner renews it before it goes on


@dataclass
class Founding:
    """What the owner needs; the cluster id comes out, or None when the claim turned out to be another's."""

    orders: UserData
    identity: Identity
    engine: Engine
    aws: Aws
    store: ClaimStore
    journal: Journal
    wall: Callable[[], float] = time.time
    _made: bool = field(default=False, init=False)
    """Whether the engine has answered an init of this run, and was not made to leave since."""

    def found(self, claim: Claim) -> str | None:
        """Carry the own claim to READY; every step may have been done by a run before this one."""
        if not self._made or claim.expiry - self.wall() < RENEW_BELOW:
            # With a new nonce, too, a READY that an earlier run has sent and that is still under way fails.
            renewed = new_claim(claim.owner, self.wall())
            if not self.store.replace_claim(claim.nonce, renewed):
                return None
            claim = renewed
        if not self._made:
            self._init()
        cluster_id, token = self.engine.swarm()
        if self.orders.token_key is None:
            raise Failed("user-data: token_key is missing: the worker token has no place to be kept")
        self.aws.put_parameter(self.orders.token_parameter, token, self.orders.token_key)
        ready = Claim(
            state="READY", cluster_id=cluster_id, addresses=(f"{self.identity.address}:{MANAGER_PORT}",)
        )
        if not self.store.replace_claim(claim.nonce, ready):
            return self._superseded(cluster_id)
        self.journal.say(f"swarm {cluster_id} is ready to be joined at {ready.addresses[0]}")
        return cluster_id

    def _init(self) -> None:
        found = self.engine.membership()
        if found.state != "inactive":
            said = f"{found.state} ({found.error or 'no error'})"
            self.journal.say(f"the engine is {said} from an init that was cut short: leaving, then init")
            self.engine.leave()
        node = self.engine.init(self.identity.address, self.orders.overlay_cidr)
        self._made = True
        self.journal.say(f"swarm made; this node is {node}")

    def _superseded(self, cluster_id: str) -> str | None:
        now = self.store.read_claim()
        if now is not None and now.ready and now.cluster_id == cluster_id:
            return cluster_id  # written before; only the answer was lost
        self.journal.say(
            f"the claim is no longer this node's: leaving swarm {cluster_id}, which nobody has joined"
        )
        self.engine.leave()
        self._made = False
        return None
