"""AWS as the world sees it: instances, groups with hooks, one table, one parameter; each call by its name.

The agent's own gateway runs on top of it from its lowest method upwards, so paging, the check that an answer
includes the asker, and the reading of answers are the real ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ZONES = ("use1-az1", "use1-az2", "use1-az4")
CLUSTER = "q"
LAUNCH_SECONDS, TERMINATION_SECONDS = 600.0, 900.0


@dataclass
class Instance:
    id: str
    group: str
    zone: str
    address: str
    state: str = "running"
    lifecycle: str | None = "Pending:Wait"
    healthy: bool = True
    hook_ends: float = 0.0
    visible: bool = True

    @property
    def ended(self) -> bool:
        return self.state == "terminated"

    @property
    def counts(self) -> bool:
        """Towards its group's desired capacity."""
        return self.lifecycle in {"Pending:Wait", "InService"}


@dataclass
class Group:
    """`home`: the slot or pool."""

    name: str
    role: str
    home: str
    zones: tuple[str, ...]
    desired: int
    launched: int = 0


@dataclass
class Refusal(Exception):
    """AWS's answer is an error with this code."""

    code: str
    message: str = ""


@dataclass
class Cloud:
    """`reuse`: a new instance takes the lowest free address, perhaps that of a dead one."""

    cluster: str
    reuse: bool = False
    linger: bool = False  # an instance that was terminated still goes through its termination hook
    instances: dict[str, Instance] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    table: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameter: str = "unset"
    zones_without_launches: set[str] = field(default_factory=set)
    _born: int = 0

    # Auto Scaling by itself

    def tick(self, now: float) -> list[Instance]:
        """Hooks run out, the dead are struck off, and what is missing is launched; the newborn."""
        for one in self.instances.values():
            if one.lifecycle == "Pending:Wait" and now >= one.hook_ends:
                self.terminate(one.id, now)
            elif one.lifecycle == "Terminating:Wait" and now >= one.hook_ends:
                self._end(one)
            elif one.lifecycle == "InService" and not one.healthy:
                self.begin_end(one.id, now)
        for group in self.groups.values():
            self._scale_in(group, now)
        return [self._launch(group, now) for group in self.groups.values() if self._short(group)]

    def _scale_in(self, group: Group, now: float) -> None:
        there = [one for one in self.instances.values() if one.group == group.name and one.counts]
        for one in there[group.desired :]:
            self.begin_end(one.id, now)

    def _short(self, group: Group) -> bool:
        there = sum(one.group == group.name and one.counts for one in self.instances.values())
        return there < group.desired and self._zone_for(group) is not None

    def _zone_for(self, group: Group) -> str | None:
        zones = [zone for zone in group.zones if zone not in self.zones_without_launches]
        return zones[group.launched % len(zones)] if zones else None

    def _launch(self, group: Group, now: float) -> Instance:
        zone = self._zone_for(group)
        assert zone is not None
        self._born += 1
        group.launched += 1
        subnet = f"10.0.{sorted(self._all_zones()).index(zone)}"
        taken = {one.address for one in self.instances.values() if not (self.reuse and one.ended)}
        address = next(f"{subnet}.{n}" for n in range(4, 250) if f"{subnet}.{n}" not in taken)
        one = Instance(f"i-{self._born:02}", group.name, zone, address, hook_ends=now + LAUNCH_SECONDS)
        self.instances[one.id] = one
        return one

    def _all_zones(self) -> set[str]:
        return {zone for group in self.groups.values() for zone in group.zones}

    def terminate(self, instance: str, now: float) -> None:
        """At once, through EC2."""
        one = self.instances[instance]
        one.state = "terminated"
        if one.lifecycle is not None and self.linger:
            one.lifecycle, one.hook_ends, one.healthy = "Terminating:Wait", now + TERMINATION_SECONDS, False
        else:
            one.lifecycle = None

    def begin_end(self, instance: str, now: float) -> None:
        """In order, through its group and the termination hook."""
        one = self.instances[instance]
        one.lifecycle, one.hook_ends = "Terminating:Wait", now + TERMINATION_SECONDS

    def _end(self, one: Instance) -> None:
        one.state, one.lifecycle = "terminated", None

    # Calls

    def get_item(self, Key: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        item = self.table.get(Key["id"]["S"])
        return {"ConsumedCapacity": {}} | ({} if item is None else {"Item": dict(item)})

    def put_item(self, Item: Mapping[str, Any], ConditionExpression: str, **more: Any) -> dict[str, Any]:
        key = Item["id"]["S"]
        names = more.get("ExpressionAttributeNames", {})
        values = more.get("ExpressionAttributeValues", {})
        if not holds(ConditionExpression, self.table.get(key), names, values):
            raise Refusal("ConditionalCheckFailedException")
        self.table[key] = dict(Item)
        return {"ConsumedCapacity": {}}

    def get_parameter(self, **_: Any) -> dict[str, Any]:
        return {"Parameter": {"Value": self.parameter}}

    def put_parameter(self, Value: str, **_: Any) -> dict[str, Any]:
        self.parameter = Value
        return {"Version": 1}

    def describe_availability_zones(self) -> dict[str, Any]:
        return {"AvailabilityZones": [{"ZoneName": f"n{z}", "ZoneId": z} for z in sorted(self._all_zones())]}

    def describe_auto_scaling_groups(self, **which: Any) -> dict[str, Any]:
        names = which.get("AutoScalingGroupNames", self.groups)
        return {"AutoScalingGroups": [self._group(self.groups[n]) for n in names if n in self.groups]}

    def _group(self, group: Group) -> dict[str, Any]:
        return {
            "AutoScalingGroupName": group.name,
            "DesiredCapacity": group.desired,
            "Instances": [
                {
                    "InstanceId": one.id,
                    "LifecycleState": one.lifecycle,
                    "HealthStatus": "Healthy" if one.healthy else "Unhealthy",
                    "AvailabilityZone": f"n{one.zone}",
                }
                for one in self.instances.values()
                if one.group == group.name and one.lifecycle is not None
            ],
        }

    def describe_instances(self, Filters: list[dict[str, Any]], **_: Any) -> dict[str, Any]:
        (wanted,) = Filters
        found = []
        for one in self.instances.values():
            address = None if one.ended else one.address
            value = one.id if wanted["Name"] == "instance-id" else address
            if one.visible and value in wanted["Values"]:
                raw = {
                    "InstanceId": one.id,
                    "State": {"Name": one.state},
                    "Placement": {"AvailabilityZone": f"n{one.zone}"},
                }
                found.append(raw if address is None else {**raw, "PrivateIpAddress": address})
        return {"Reservations": [{"Instances": found}]}

    def complete_lifecycle_action(self, now: float, **call: Any) -> None:
        one = self._waiting(**call)
        if call["LifecycleHookName"] == "quorate-termination":
            self._end(one)
        elif call["LifecycleActionResult"] == "CONTINUE":
            one.lifecycle = "InService"
        else:
            self.terminate(one.id, now)

    def record_lifecycle_action_heartbeat(self, now: float, **call: Any) -> None:
        one = self._waiting(**call)
        launch = call["LifecycleHookName"] == "quorate-launch"
        one.hook_ends = now + (LAUNCH_SECONDS if launch else TERMINATION_SECONDS)

    def _waiting(
        self, LifecycleHookName: str, AutoScalingGroupName: str, InstanceId: str, **_: Any
    ) -> Instance:
        one = self.instances.get(InstanceId)
        state = "Pending:Wait" if LifecycleHookName == "quorate-launch" else "Terminating:Wait"
        if one is None or one.group != AutoScalingGroupName or one.lifecycle != state:
            raise Refusal("ValidationError", f"No active Lifecycle Action found with instance {InstanceId}")
        return one

    def set_instance_health(self, InstanceId: str, **_: Any) -> None:
        self.instances[InstanceId].healthy = False


def holds(
    condition: str, item: Mapping[str, Any] | None, names: Mapping[str, str], values: Mapping[str, Any]
) -> bool:
    """A condition of DynamoDB: attribute_not_exists, `a = :b`, AND, OR, parentheses."""
    words = re.findall(r"attribute_not_exists\(\w+\)|[()]|AND|OR|=|[#:]?\w+", condition)

    def either() -> bool:
        found = both()
        while words and words[0] == "OR":
            words.pop(0)
            found = both() or found
        return found

    def both() -> bool:
        found = one()
        while words and words[0] == "AND":
            words.pop(0)
            found = one() and found
        return found

    def one() -> bool:
        word = words.pop(0)
        if word == "(":
            found = either()
            assert words.pop(0) == ")"
            return found
        if word.startswith("attribute_not_exists"):
            return item is None
        assert words.pop(0) == "="
        wanted = values[words.pop(0)]
        return item is not None and item.get(names.get(word, word)) == wanted

    found = either()
    assert not words, condition
    return found
