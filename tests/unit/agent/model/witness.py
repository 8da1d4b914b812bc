"""What must never happen, by arithmetic of the model's own: it sees the calls and answers, not the decisions.

The laws: one cluster ever; nobody's own act takes the quorum; nobody is promoted who was not seen fit twice;
nobody is taken for gone who was not seen gone twice, and is gone; nothing outside the swarm is changed
without a fresh proof of leadership.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .processes import Process, Violation
from .raft import Node, Swarm

if TYPE_CHECKING:
    from .world import World

STAYS = {"Pending:Wait", "InService"}
PROOF_SECONDS = 6.0  # a successor of a leader that was cut off needs ten at least


def majority(members: int) -> int:
    return members // 2 + 1


def law(held: bool, text: str) -> None:
    if not held:
        raise Violation(text)


@dataclass
class Look:
    """What one look of one process was answered. `asked`: ids in answers of EC2 that included the asker."""

    at: float
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    ec2: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def listing(self, instance: str) -> tuple[str, dict[str, Any]] | None:
        """The group that lists the instance, and its line there."""
        for name, group in self.groups.items():
            for line in group["Instances"]:
                if line["InstanceId"] == instance:
                    return name, line
        return None

    def at_address(self, address: str) -> list[str]:
        return [i for i, raw in self.ec2.items() if raw.get("PrivateIpAddress") == address]

    def fit(self, node: str) -> bool:
        """Ready, alone at its address, at which one running instance stands that its group means to keep."""
        raw = self.nodes.get(node)
        if raw is None or raw["Status"]["State"] != "ready":
            return False
        address = raw["Status"]["Addr"]
        ready = [n for n in self.nodes.values() if n["Status"] == raw["Status"]]
        there = [i for i in self.at_address(address) if self.ec2[i]["State"]["Name"] == "running"]
        if len(ready) != 1 or len(there) != 1:
            return False
        found = self.listing(there[0])
        return (
            found is not None
            and "-manager-" in found[0]
            and found[1]["LifecycleState"] in STAYS
            and found[1]["HealthStatus"] == "Healthy"
            and self.groups[found[0]]["DesiredCapacity"] > 0
        )

    def gone(self, node: str) -> bool:
        raw = self.nodes.get(node)
        instance = raw["Spec"]["Labels"].get("quorate.instance") if raw else None
        if raw is None:
            return False
        if instance is None:
            address = raw["Status"]["Addr"]
            return raw["Spec"]["Role"] == "worker" and not self.at_address(address)
        if instance in self.ec2:
            return self.ec2[instance]["State"]["Name"] == "terminated"
        return instance in self.asked and self._succeeded(raw["Spec"]["Labels"], instance)

    def _succeeded(self, labels: Mapping[str, str], instance: str) -> bool:
        slot, pool = labels.get("quorate.slot"), labels.get("quorate.pool")
        name = next((n for n in self.groups if n.endswith(f"-{slot}" if slot else f"-worker-{pool}")), None)
        if name is None or self.listing(instance) is not None:
            return False
        here = [
            line
            for line in self.groups[name]["Instances"]
            if line["LifecycleState"] in STAYS and line["HealthStatus"] == "Healthy"
        ]
        return bool(here) or slot is None or self.groups[name]["DesiredCapacity"] == 0

    def leaves(self, node: str) -> bool:
        """Its instance waits for its end, by its group's own listing."""
        raw = self.nodes[node]
        instance = raw["Spec"]["Labels"].get("quorate.instance")
        held = [instance] if instance else self.at_address(raw["Status"]["Addr"])
        found = [self.listing(one) for one in held]
        return any(line is not None and line[1]["LifecycleState"] == "Terminating:Wait" for line in found)

    def superseded(self, node: str) -> bool:
        raw = self.nodes[node]
        return any(
            other["Status"]["Addr"] == raw["Status"]["Addr"] and other["Status"]["State"] == "ready"
            for other in self.nodes.values()
            if other["ID"] != node
        )


@dataclass
class Seen:
    """One process: its looks since it began to lead, and when it last proved that it does.

    `held`: it was stopped after its proof, between two calls; no proof holds against that.
    """

    looks: list[Look] = field(default_factory=list)
    looking: bool = False
    proved: float | None = None
    committed: float | None = None
    epoch: str | None = None
    held: bool = False


@dataclass
class Witness:
    world: World
    seen: dict[int, Seen] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)
    epochs: dict[int, str] = field(default_factory=dict)
    changes: int = 0

    @property
    def _process(self) -> Process | None:
        return self.world.clock.running

    @property
    def mine(self) -> Seen:
        return self.seen.setdefault(id(self._process), Seen())

    def hold(self, process: Process) -> None:
        self.seen.setdefault(id(process), Seen()).held = True

    # Looks

    def begins(self) -> None:
        self.mine.looks.append(Look(self.world.clock.now))
        del self.mine.looks[:-200]
        self.mine.looking = True
        self.mine.proved = self.mine.committed = None
        self.mine.held = False

    def ends(self) -> None:
        self.mine.looking = False

    def heard_nodes(self, raws: list[dict[str, Any]]) -> None:
        if self._process is not None and self.mine.looking:
            self.mine.looks[-1].nodes = {raw["ID"]: raw for raw in raws}

    def answered(self, operation: str, arguments: Mapping[str, Any], answer: Any) -> None:
        """A call has taken effect, whatever the caller will be told."""
        if operation == "put_item":
            self._wrote(arguments["Item"])
        if not self.mine.looking:
            return
        look = self.mine.looks[-1]
        if operation == "describe_auto_scaling_groups":
            look.groups |= {group["AutoScalingGroupName"]: group for group in answer["AutoScalingGroups"]}
        elif operation == "describe_instances":
            found = {raw["InstanceId"]: raw for entry in answer["Reservations"] for raw in entry["Instances"]}
            look.ec2 |= found
            (wanted,) = arguments["Filters"]
            if wanted["Name"] == "instance-id" and self.world.running_host().instance in found:
                look.asked |= set(wanted["Values"])

    # One cluster

    def _wrote(self, item: Mapping[str, Any]) -> None:
        if item["id"]["S"] == "claim" and item["state"]["S"] == "READY":
            cluster = item["cluster_id"]["S"]
            if cluster not in self.published:
                self.published.append(cluster)
            law(len(self.published) == 1, f"READY was written for {' and then for '.join(self.published)}")
        if item["id"]["S"] == "epoch":
            number, holder = int(item["number"]["N"]), item["holder"]["S"]
            held = self.epochs.setdefault(number, holder) == holder and number == max(self.epochs)
            law(held, f"{holder} writes epoch {number}; there were {self.epochs}")
            self.mine.epoch = item["number"]["N"]
            if self.mine.committed is not None:
                self.mine.proved, self.mine.held = self.world.clock.now, False

    def joined(self, swarm: str | None) -> None:
        law(swarm in self.published, f"a node joined {swarm}; published: {self.published}")

    # Changes of membership

    def committed(self, swarm: Swarm, node: Node, spec: Mapping[str, Any]) -> None:
        if not self._process or not self._process.name.startswith("steward"):
            return
        host = self.world.running_host()
        if node.id == host.node and spec["Role"] == node.role and spec["Labels"] == node.labels:
            self.mine.committed = self.world.clock.now
        if spec["Role"] == node.role:
            return
        self.changes += 1
        looks = self.mine.looks
        under_way = [n.id for n in swarm.nodes.values() if (n.role == "manager") != n.raft]
        law(under_way in ([], [node.id]), f"{node.id} is changed while {under_way} still change")
        if spec["Role"] == "manager":
            self._promoted(looks, node)
        else:
            self._demoted(looks, node)

    @staticmethod
    def _count(look: Look) -> tuple[int, int]:
        members = [raw["ManagerStatus"] for raw in look.nodes.values() if "ManagerStatus" in raw]
        return len(members), sum(one["Reachability"] == "reachable" for one in members)

    def _promoted(self, looks: list[Look], node: Node) -> None:
        law(len(looks) > 1 and all(look.fit(node.id) for look in looks[-2:]), f"{node.id}: not fit twice")
        law(looks[-1].at - looks[-2].at > 0, f"{node.id}: seen twice in one moment")
        members, reachable = self._count(looks[-1])
        safe = reachable >= majority(members + 1) or (members, reachable) == (1, 1)
        law(safe, f"{node.id} promoted with {reachable} of {members} reachable")

    def _demoted(self, looks: list[Look], node: Node) -> None:
        members, reachable = self._count(looks[-1])
        if not node.raft:
            return  # a promotion that is taken back
        others = reachable - node.heard
        law(others >= majority(members - 1), f"{node.id} demoted: {others} of {members - 1} would be left")
        if not looks[-1].leaves(node.id):
            self._is_gone(looks, node)

    def _is_gone(self, looks: list[Look], node: Node) -> None:
        law(len(looks) > 1 and all(look.gone(node.id) for look in looks[-2:]), f"{node.id}: not gone twice")
        law(self.world.cloud.instances[node.instance].ended, f"{node.id}: {node.instance} lives")

    def removed(self, swarm: Swarm, node: Node) -> None:
        looks = self.mine.looks
        if not looks[-1].leaves(node.id) and not looks[-1].superseded(node.id):
            self._is_gone(looks, node)

    # Outside the swarm

    def issued(self, operation: str, arguments: Mapping[str, Any]) -> None:
        process = self._process
        if process is None or not process.name.startswith("steward"):
            return
        what = self._change(operation, arguments)
        if what is None or self._ends_itself(operation, arguments):
            return
        proved, now = self.mine.proved, self.world.clock.now
        law(proved is not None, f"{process.name}: {what} without proof of leadership")
        assert proved is not None
        if self.mine.held:
            return
        law(now - proved <= PROOF_SECONDS, f"{process.name}: {what}, {now - proved:.0f} s after its proof")
        epoch = self.world.cloud.table["epoch"]["number"]["N"]
        law(epoch == self.mine.epoch, f"{process.name}: {what} in epoch {self.mine.epoch} while {epoch} runs")

    def _ends_itself(self, operation: str, arguments: Mapping[str, Any]) -> bool:
        """At the cluster's end, and without a leader, a host lets its own instance go."""
        groups = self.world.cloud.groups.values()
        ending = all(group.desired == 0 for group in groups if group.role == "manager")
        own = arguments.get("InstanceId") == self.world.running_host().instance
        return operation == "complete_lifecycle_action" and ending and own

    @staticmethod
    def _change(operation: str, arguments: Mapping[str, Any]) -> str | None:
        if operation == "put_item":
            return "a write of the claim" if arguments["Item"]["id"]["S"] == "claim" else None
        changing = {
            "put_parameter",
            "complete_lifecycle_action",
            "record_lifecycle_action_heartbeat",
            "set_instance_health",
        }
        return operation if operation in changing else None

    # At every moment

    def check(self) -> None:
        living = {
            host.swarm
            for host in self.world.hosts.values()
            if host.manages and not self.world.cloud.instances[host.instance].ended
        }
        law(len(living) <= 1, f"swarms {living} have managers at the same time")
