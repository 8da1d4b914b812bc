"""Carrying out a decision: inside the swarm at once, outside it only after leadership was proved.

Proof is a write committed through raft in this very pass, and then the table's epoch: a cut-off leader
believes in itself for some 19 s, but it can commit nothing, and so begins and holds no epoch either. A proof
holds for PROOF_SECONDS: a call that AWS does not answer takes longer, and a successor comes in some 10 s.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast, get_args

from quorate.agent.journal import Journal
from quorate.agent.steward.actions import (
    Action,
    CompleteHook,
    Decision,
    Demote,
    Drain,
    Heartbeat,
    Inside,
    Label,
    MarkUnhealthy,
    Outside,
    Promote,
    PublishAddresses,
    PublishToken,
    Remove,
)
from quorate.agent.steward.observe import Observer
from quorate.agent.userdata import UserData
from quorate.errors import Failed, Unknown
from quorate.swarm.aws import Aws
from quorate.swarm.engine import Engine
from quorate.swarm.rendezvous import Rendezvous
from quorate.swarm.snapshot import Claim, Node, Snapshot

OUTSIDE = get_args(Outside)
PROOF_SECONDS = 3.0


@dataclass
class Leadership:
    """The epoch that this node holds, if it does."""

    engine: Engine
    table: Rendezvous
    journal: Journal
    epoch: int | None = None

    def prove(self, node_id: str) -> None:
        """Unknown, EngineRefused or Failed when this node does not lead, or cannot show it."""
        self.engine.prove_leadership(node_id)
        if self.epoch is None:
            self.epoch = self.table.take_epoch(node_id)
            if self.epoch is None:
                raise Failed("epoch: another steward began one at this moment; looking again")
            self.journal.say(f"epoch {self.epoch} begins: this node leads")
        elif not self.table.hold_epoch(node_id, self.epoch):
            lost, self.epoch = self.epoch, None
            raise Failed(f"epoch {lost} has ended: another node led meanwhile; looking again")


@dataclass
class Applier:
    """Carries actions out one after the other."""

    orders: UserData
    engine: Engine
    aws: Aws
    observer: Observer
    journal: Journal
    leadership: Leadership
    clock: Callable[[], float] = time.monotonic
    done: list[str] = field(default_factory=list)

    def apply(self, snapshot: Snapshot, decision: Decision) -> bool:
        """Every action in its order; False if one failed. After a failure inside the swarm the rest waits."""
        self.done = []
        nodes = {node.id: node for node in snapshot.nodes}
        proved, well = float("-inf"), True
        for action in decision.actions:
            outside = isinstance(action, OUTSIDE)
            fresh = False
            try:
                if outside and self.clock() - proved > PROOF_SECONDS:
                    self.leadership.prove(snapshot.node_id)
                    proved = self.clock()
                fresh = True
                self._carry_out(action, snapshot, nodes)
            except (Unknown, Failed) as error:
                self.journal.say_once(f"failed {_name(action)}", f"{_name(action)} failed: {error}")
                well = False
                if not outside or not fresh:
                    break
                continue
            self.journal.forget(f"failed {_name(action)}")
            self.done.append(_name(action))
            self.journal.say(_name(action))
        return well

    def _carry_out(self, action: Action, snapshot: Snapshot, nodes: dict[str, Node]) -> None:
        if isinstance(action, OUTSIDE):
            self._outside(cast(Outside, action), snapshot)
        else:
            self._inside(cast(Inside, action), nodes)

    def _inside(self, action: Inside, nodes: dict[str, Node]) -> None:
        node = nodes[action.node]
        match action:
            case Label(_, labels, availability):
                self.engine.update_node(node, labels=labels, availability=availability)
            case Promote():
                self.engine.update_node(node, role="manager")
            case Demote():
                self.engine.update_node(node, role="worker")
            case Drain():
                self.engine.update_node(node, availability="drain")
            case Remove():
                self.engine.remove_node(node.id)

    def _outside(self, action: Outside, snapshot: Snapshot) -> None:
        hook = snapshot.plan.termination_hook if snapshot.plan else self.orders.termination_hook
        match action:
            case PublishAddresses(addresses):
                claim = Claim("READY", cluster_id=snapshot.cluster_id, addresses=addresses)
                self.observer.forget_claim()
                if not self.leadership.table.publish_addresses(claim):
                    raise Failed("the claim is not this swarm's")
            case PublishToken():
                self._publish_token()
            case CompleteHook(group, instance):
                self.aws.complete(hook, group, instance, "CONTINUE")
            case Heartbeat(group, instance):
                self.aws.heartbeat(hook, group, instance)
            case MarkUnhealthy(instance):
                self.aws.mark_unhealthy(instance)

    def _publish_token(self) -> None:
        if self.orders.token_key is None:
            raise Failed("user-data: token_key is missing: the worker token has no place to be kept")
        _, token = self.engine.swarm()
        self.aws.put_parameter(self.orders.token_parameter, token, self.orders.token_key)
        self.observer.token_was_published(token)


def _name(action: Action) -> str:
    """An action in words; no action holds a secret."""
    match action:
        case Label(node, labels, availability):
            named = " ".join(f"{key}={value}" for key, value in sorted(labels.items()))
            words = f"label {node}: {named}{f', {availability}' if availability else ''}"
        case Promote(node) | Demote(node) | Drain(node) | Remove(node):
            words = f"{type(action).__name__.lower()} {node}"
        case PublishAddresses(addresses):
            words = f"publish addresses {', '.join(addresses)}"
        case PublishToken():
            words = "publish the worker token"
        case CompleteHook(group, instance):
            words = f"complete the termination hook of {instance} in {group}"
        case Heartbeat(group, instance):
            words = f"keep the termination hook of {instance} in {group} waiting"
        case MarkUnhealthy(instance):
            words = f"call {instance} unhealthy"
    return words
