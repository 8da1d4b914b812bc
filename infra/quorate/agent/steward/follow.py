"""A manager that does not lead: a cheap look at its own engine now and then, until it does.

Standard library only until this node leads. One thing is done without a leader: where every slot's group is
being deleted and no quorum is left, nobody else can let this instance go on to its end.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from quorate.agent.journal import Journal
from quorate.agent.metadata import Identity, Metadata
from quorate.agent.steward.report import Report
from quorate.agent.userdata import UserData
from quorate.errors import QuorateError, Unknown
from quorate.swarm.local import NodeEvents, ask

LOOK_SECONDS = (2.0, 3.0)
LEADERLESS_SECONDS = 10.0  # after which this node asks whether it is to end


@dataclass(frozen=True)
class Seen:
    """This node as its engine sees it; `leads` is None when the swarm gave no answer."""

    node_id: str | None
    leads: bool | None
    trouble: str = ""


@dataclass
class Follower:
    """Looks, and hands over to the leader's part when this node leads."""

    orders: UserData
    identity: Identity
    metadata: Metadata
    docker: str
    report: Report
    journal: Journal
    clock: Callable[[], float] = time.monotonic
    _leaderless_since: float | None = field(default=None)

    def run(self, stopped: Callable[[], bool]) -> None:
        """Until it is stopped."""
        with NodeEvents(self.docker) as events:
            while not stopped():
                seen = self.look()
                if seen.leads and seen.node_id is not None:
                    self._lead(seen.node_id, events, stopped)
                    events.wait(1.0)
                    continue
                self._note(seen)
                events.wait(random.uniform(*LOOK_SECONDS))  # noqa: S311 - jitter

    def look(self) -> Seen:
        """One look; at most two small calls to the engine."""
        try:
            status, info = ask(self.docker, "/info")
            swarm = info.get("Swarm", {}) if status == HTTPStatus.OK else {}
            node_id = swarm.get("NodeID") or None
            if node_id is None or not swarm.get("ControlAvailable"):
                return Seen(node_id, False)
            status, node = ask(self.docker, f"/nodes/{node_id}")
        except Unknown as error:
            return Seen(None, None, str(error))
        if status != HTTPStatus.OK:
            return Seen(node_id, None, f"the engine said {status}: {node.get('message', '')}")
        return Seen(node_id, bool((node.get("ManagerStatus") or {}).get("Leader")))

    def _note(self, seen: Seen) -> None:
        self.report.follows(seen.node_id, None if seen.leads is None else "has a leader")
        if seen.leads is not None:
            self.journal.say_once("follow", f"node {seen.node_id} does not lead: following")
            self._leaderless_since = None
            self.journal.forget("leaderless")
            return
        self.journal.say_once("leaderless", f"no leader seen from here: {seen.trouble}")
        now = self.clock()
        if self._leaderless_since is None:
            self._leaderless_since = now
        if now - self._leaderless_since >= LEADERLESS_SECONDS:
            self._end_without_leader()

    def _end_without_leader(self) -> None:
        try:
            if not self.metadata.is_to_end():
                return
            from quorate.agent.ending import let_go  # noqa: PLC0415 - heavy

            if let_go(self.orders, self.identity, self.metadata.endpoint):
                self.journal.say("every slot is being deleted and there is no leader: this instance may end")
        except QuorateError as error:
            self.journal.say_once("ending", str(error))

    def _lead(self, node_id: str, events: NodeEvents, stopped: Callable[[], bool]) -> None:
        from quorate.agent.steward.loop import Leader  # noqa: PLC0415 - heavy

        self._leaderless_since = None
        self.journal.forget("follow")
        self.journal.say(f"node {node_id} leads")
        leader = Leader(
            self.orders,
            self.identity,
            docker=self.docker,
            metadata=self.metadata.endpoint,
            report=self.report,
            journal=self.journal,
        )
        leader.lead(node_id, events, stopped)
