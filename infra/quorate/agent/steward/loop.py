"""The leader's passes: woken by the engine's node events, quick while something is under way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from quorate.agent.journal import Journal
from quorate.agent.metadata import Identity
from quorate.agent.steward.actions import Decision, Memory, Promote
from quorate.agent.steward.apply import Applier, Leadership
from quorate.agent.steward.decide import decide
from quorate.agent.steward.observe import Observer
from quorate.agent.steward.report import Report
from quorate.agent.userdata import UserData
from quorate.errors import Failed, Unknown
from quorate.swarm.aws import Aws
from quorate.swarm.engine import Engine
from quorate.swarm.local import NodeEvents
from quorate.swarm.rendezvous import Rendezvous
from quorate.swarm.snapshot import Node, Snapshot

SETTLE_LOOK_SECONDS = 0.1
SETTLE_SECONDS = 10.0
BREATH_SECONDS = 0.05  # after an event, for the ones that come with it


@dataclass
class UnderWay:
    """Changes of membership that are not done. A new member is one until it was reachable for the first time;
    one that has fallen silent is none: what there is to do about it must not wait for it."""

    arriving: set[str] = field(default_factory=set)

    def expect(self, promoted: Iterable[str]) -> None:
        self.arriving.update(promoted)

    def look(self, nodes: Sequence[Node]) -> bool:
        """Whether there is any among the nodes as they are now."""
        changing = {node.id for node in nodes if node.changing}
        self.arriving = {
            node.id
            for node in nodes
            if node.id in self.arriving | changing
            and node.role == "manager"
            and node.ready
            and not node.reachable
        }
        return bool(changing or self.arriving)


class Leader:
    """A leader's steward: made anew for each time that this node leads, so that nothing old is believed."""

    def __init__(
        self,
        orders: UserData,
        identity: Identity,
        *,
        docker: str,
        metadata: str,
        report: Report,
        journal: Journal,
    ) -> None:
        self._engine = Engine(docker)
        aws = Aws(orders.region, metadata)
        self._observer = Observer(orders, identity, self._engine, aws)
        leadership = Leadership(self._engine, Rendezvous(aws, orders.table), journal)
        self._applier = Applier(orders, self._engine, aws, self._observer, journal, leadership)
        self._report, self._journal = report, journal
        self._under_way = UnderWay()

    def lead(self, node_id: str, events: NodeEvents, stopped: Callable[[], bool]) -> None:
        """Pass after pass, for as long as this node leads and nobody stops it."""
        memory = Memory()
        while not stopped():
            try:
                snapshot = self._observer.look(node_id)
            except (Unknown, Failed) as error:
                self._journal.say_once("look", f"the swarm did not answer: {error}")
                return
            if snapshot.me is None or not snapshot.me.leader:
                self._journal.say("another node leads now")
                return
            decision = decide(snapshot, memory)
            memory = decision.memory
            self._under_way.expect(action.node for action in decision.actions if isinstance(action, Promote))
            well = self._applier.apply(snapshot, decision)
            self._tell(snapshot, decision)
            self._wait(decision.look_again if well else max(1.0, decision.look_again), events, snapshot)

    def _tell(self, snapshot: Snapshot, decision: Decision) -> None:
        for trouble in self._observer.troubles:
            self._journal.say_once(trouble.split(":", 1)[0], trouble)
        for note in decision.notes:
            self._journal.say_once(f"note {note.about}", note.text)
        self._report.leads(
            snapshot, decision, self._applier.done, self._observer.troubles, self._applier.leadership.epoch
        )

    def _wait(self, seconds: float, events: NodeEvents, snapshot: Snapshot) -> None:
        """Until the next look is due; a change of membership under way is watched closely, and alone."""
        if self._applier.done:
            events.wait(0.0)  # what was done here makes events of its own: they are no news
        try:
            if self._under_way.look(self._engine.nodes()):
                self._watch_change(events)
                return
        except (Unknown, Failed):
            return
        if events.wait(seconds):
            time.sleep(BREATH_SECONDS)

    def _watch_change(self, events: NodeEvents) -> None:
        end = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < end and self._under_way.look(self._engine.nodes()):
            if events.wait(SETTLE_LOOK_SECONDS):
                time.sleep(BREATH_SECONDS)
