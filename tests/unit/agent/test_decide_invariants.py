"""decide in a world that goes on: instances end, engines fall silent, zones stop answering, in any order.

The world carries out what decide says, as the swarm would: promotions and demotions take a while. After every
decision the world itself is asked whether it was right, with arithmetic of its own.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from quorate.agent.steward.actions import (
    Action,
    CompleteHook,
    Decision,
    Demote,
    Drain,
    Label,
    MarkUnhealthy,
    Memory,
    Promote,
    PublishAddresses,
    Remove,
)
from quorate.agent.steward.decide import decide

from .scenes import HostLine, Scene, host, right_labels, snapshot_of, whole

LAYOUTS = [(1, 1, 1), (2, 2, 1), (1, 1, 1, 1, 1), (3,)]


def majority(members: int) -> int:
    return members // 2 + 1


class World(RuleBasedStateMachine):
    """Hosts as lines; how often in a row each was seen fit or gone is counted here, too."""

    @initialize(layout=st.sampled_from(LAYOUTS), formed=st.booleans())
    def begin(self, layout: tuple[int, ...], formed: bool) -> None:
        self.scene = whole(layout, workers=2)
        if not formed:
            fresh = {"role": "worker", "reach": None, "labels": {}, "availability": "drain"}
            hosts = {
                name: line if name == "a1" else replace(line, **fresh)  # type: ignore[arg-type]
                for name, line in self.scene.hosts.items()
            }
            self.scene = replace(self.scene, hosts=hosts)
        self.memory = Memory()
        self.fit_looks: dict[str, int] = {}
        self.gone_looks: dict[str, int] = {}
        self.births = 0

    # What the world does by itself

    def _set(self, name: str, **fields: object) -> None:
        line = replace(self.scene.hosts[name], **fields)  # type: ignore[arg-type]
        self.scene = replace(self.scene, hosts={**self.scene.hosts, name: line})

    def _others(self) -> list[HostLine]:
        return [line for line in self.scene.hosts.values() if line.name != self.scene.me]

    def _reachable(self) -> int:
        return sum(line.reach == "reachable" for line in self.scene.hosts.values())

    def _members(self) -> int:
        return sum(line.reach is not None for line in self.scene.hosts.values())

    def _keeps_leader_without(self, line: HostLine) -> bool:
        return line.reach != "reachable" or self._reachable() - 1 >= majority(self._members())

    @rule(data=st.data())
    def an_instance_ends_at_once(self, data: st.DataObject) -> None:
        line = data.draw(st.sampled_from(self._others()), label="host")
        if line.ec2 not in {"running"} or not self._keeps_leader_without(line):
            return
        reach = "unreachable" if line.reach else None
        self._set(line.name, ec2="terminated", lifecycle=None, state="down", reach=reach)

    @rule(data=st.data())
    def an_engine_falls_silent_or_answers_again(self, data: st.DataObject) -> None:
        line = data.draw(st.sampled_from(self._others()), label="host")
        if line.ec2 != "running" or line.node_id is None:
            return
        if line.state == "ready" and self._keeps_leader_without(line):
            self._set(line.name, state="down", reach="unreachable" if line.reach else None)
            if data.draw(st.booleans(), label="seen so"):
                self._look(0.3)
        elif line.state == "down":
            self._set(line.name, state="ready", reach="reachable" if line.reach else None)

    @rule(data=st.data(), for_good=st.booleans())
    def a_group_ends_an_instance_in_order(self, data: st.DataObject, for_good: bool) -> None:
        line = data.draw(st.sampled_from(self._others()), label="host")
        if line.lifecycle == "InService" and line.ec2 == "running":
            self._set(line.name, lifecycle="Terminating:Wait", tasks=0)
            if for_good:
                self.scene = replace(self.scene, desired={**self.scene.desired, line.home: 0})

    @rule(data=st.data())
    def a_group_brings_a_replacement(self, data: st.DataObject) -> None:
        line = data.draw(st.sampled_from(list(self.scene.hosts.values())), label="in the place of")
        here = [
            one
            for one in self.scene.hosts.values()
            if one.home == line.home and one.lifecycle in {"InService", "Pending:Wait"}
        ]
        if here or not line.manages:
            return
        self.births += 1
        name = f"{line.zone}{20 + self.births}"
        new = host(name, line.home, line.zone, lifecycle="Pending:Wait", labels={})
        self.scene = replace(self.scene, hosts={**self.scene.hosts, name: new})

    @rule(zone=st.sampled_from("abc"))
    def a_zone_stops_answering_or_answers_again(self, zone: str) -> None:
        unknown = set(self.scene.unknown_zones) ^ {zone}
        self.scene = replace(self.scene, unknown_zones=tuple(sorted(unknown)))

    @rule(groups=st.booleans(), pause=st.sampled_from([0.3, 2.5]))
    def the_leader_looks_and_aws_does_not_answer(self, groups: bool, pause: float) -> None:
        self.scene = replace(self.scene, groups_known=groups, plan_known=not groups)
        decision = self._look(pause)
        assert all(isinstance(action, PublishAddresses) for action in decision.actions)
        self.scene = replace(self.scene, groups_known=True, plan_known=True)

    @rule()
    def a_change_of_membership_arrives(self) -> None:
        for line in list(self.scene.hosts.values()):
            if line.role == "manager" and line.reach is None and line.state == "ready":
                self._set(line.name, reach="reachable")
            elif line.role == "worker" and line.reach is not None and self._may_be_removed(line):
                self._set(line.name, reach=None)

    def _may_be_removed(self, line: HostLine) -> bool:
        """As swarmkit looks again at that moment: manager/state/raft, CanRemoveMember."""
        others = self._reachable() - (line.reach == "reachable")
        return others >= majority(self._members() - 1)

    @rule(pause=st.sampled_from([0.1, 0.3, 1.0, 2.5, 50.0, 130.0]), times=st.integers(1, 4))
    def the_leader_looks(self, pause: float, times: int) -> None:
        for _ in range(times):
            self._look(pause)

    def _look(self, pause: float) -> Decision:
        self.scene = replace(self.scene, at=self.scene.at + pause)
        self._count_looks()
        decision = decide(snapshot_of(self.scene), self.memory)
        self.memory = decision.memory
        changes = [a for a in decision.actions if isinstance(a, Promote | Demote)]
        assert len(changes) <= 1
        for action in decision.actions:
            self._judge(action, self.scene)
        for action in decision.actions:
            self._carry_out(action)
        return decision

    # What is right, by the world's own arithmetic

    def _line(self, node: str, scene: Scene) -> HostLine:
        return next(line for line in scene.hosts.values() if line.node_id == node)

    def _is_fit(self, line: HostLine) -> bool:
        ready = [o for o in self.scene.hosts.values() if o.address == line.address and o.state == "ready"]
        return (
            line.manages
            and line.lifecycle in {"InService", "Pending:Wait"}
            and line.healthy
            and line.ec2 == "running"
            and line.zone not in self.scene.unknown_zones
            and [o.name for o in ready if o.node_id] == [line.name]
        )

    def _is_gone(self, line: HostLine) -> bool:
        return line.ec2 == "terminated" and line.zone not in self.scene.unknown_zones

    def _count_looks(self) -> None:
        known = self.scene.groups_known and self.scene.plan_known
        for line in self.scene.hosts.values():
            fit, gone = known and self._is_fit(line), known and self._is_gone(line)
            self.fit_looks[line.name] = self.fit_looks.get(line.name, 0) + 1 if fit else 0
            self.gone_looks[line.name] = self.gone_looks.get(line.name, 0) + 1 if gone else 0

    def _judge(self, action: Action, scene: Scene) -> None:
        match action:
            case Promote(node):
                line = self._line(node, scene)
                assert self.fit_looks[line.name] >= 2
                assert line.labels is None or line.labels == right_labels(line)
                same_slot = [o for o in scene.hosts.values() if o.home == line.home and o.name != line.name]
                assert not any(o.role == "manager" or o.reach is not None for o in same_slot)
                assert not any((o.role == "manager") != (o.reach is not None) for o in scene.hosts.values())
                assert self._members() == 1 or self._reachable() >= majority(self._members() + 1)
            case Demote(node):
                line = self._line(node, scene)
                if line.reach is None:
                    assert line.state == "down"
                    return
                assert self.gone_looks[line.name] >= 2 or line.lifecycle == "Terminating:Wait"
                others = self._reachable() - (line.reach == "reachable")
                assert others >= majority(self._members() - 1)
            case Remove(node):
                line = self._line(node, scene)
                assert line.reach is None
                if line.role == "manager":  # promoted, and never arrived
                    assert line.state == "down"
                    return
                leaving = line.lifecycle == "Terminating:Wait"
                drained = line.availability == "drain" and line.tasks == 0
                superseded = any(
                    o.address == line.address and o.name != line.name and o.state == "ready"
                    for o in scene.hosts.values()
                )
                assert (
                    self.gone_looks[line.name] >= 2
                    or (leaving and (drained or line.state == "down"))
                    or superseded
                )
            case CompleteHook(_, instance):
                line = next(o for o in scene.hosts.values() if o.instance == instance)
                assert line.lifecycle == "Terminating:Wait" and line.node_id is None
            case MarkUnhealthy(instance):
                line = next(o for o in scene.hosts.values() if o.instance == instance)
                assert line.state == "down" and line.ec2 == "running"
                assert any(o.zone == line.zone and o.state == "ready" for o in scene.hosts.values())
            case Drain(node):
                assert self._line(node, scene).lifecycle == "Terminating:Wait"
            case Label(node, _, _):
                line = self._line(node, scene)
                assert line.zone not in scene.unknown_zones and line.ec2 == "running"
            case _:
                pass

    def _carry_out(self, action: Action) -> None:
        match action:
            case Label(node, labels, availability):
                name = self._line(node, self.scene).name
                self._set(name, labels=dict(labels))
                if availability:
                    self._set(name, availability=availability)
            case Promote(node):
                self._set(self._line(node, self.scene).name, role="manager")
            case Demote(node):
                self._set(self._line(node, self.scene).name, role="worker")
            case Drain(node):
                self._set(self._line(node, self.scene).name, availability="drain")
            case Remove(node):
                self._set(self._line(node, self.scene).name, node=None)
            case CompleteHook(_, instance):
                line = next(o for o in self.scene.hosts.values() if o.instance == instance)
                self._set(line.name, lifecycle=None, ec2="terminated")
            case MarkUnhealthy(instance):
                line = next(o for o in self.scene.hosts.values() if o.instance == instance)
                self._set(line.name, healthy=False, lifecycle="Terminating:Wait", tasks=0)
            case _:
                pass

    @invariant()
    def our_own_acts_leave_a_quorum(self) -> None:
        if hasattr(self, "scene"):
            assert self._reachable() >= majority(self._members()) or self._members() == 2


World.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestWorld = World.TestCase
