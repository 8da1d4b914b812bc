"""The verbs of the Auto Scaling API over groups, with the refusals that AWS has."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import AutoScalingBackend, DetachInstanceActivity, FakeAutoScalingGroup

from quorate.lab.cloud import ec2
from quorate.lab.cloud.scaling.activities import Activity
from quorate.lab.cloud.scaling.group import Group, Member
from quorate.lab.cloud.scaling.hooks import ABANDON, CONTINUE, LAUNCHING, Hook, LifecycleAction
from quorate.lab.cloud.timing import Timing


class _Groups(OrderedDict[str, FakeAutoScalingGroup]):
    """Groups by name; one that is not there is the caller's mistake, not ours."""

    def __missing__(self, name: str) -> FakeAutoScalingGroup:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")


class Backend(AutoScalingBackend):
    """moto's Auto Scaling with wait states, replacement and refusals."""

    timing: ClassVar[Timing] = Timing()

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.autoscaling_groups: dict[str, FakeAutoScalingGroup] = _Groups()
        self.ended_activities: list[Activity] = []

    @property
    def _url_module(self) -> Any:
        from quorate.lab.cloud.scaling import requests

        return requests.Urls

    def now(self) -> float:
        return self.timing.clock()

    def closed_zones(self) -> set[str]:
        assert isinstance(self.ec2_backend, ec2.Backend)
        return self.ec2_backend.closed_zones

    def groups(self) -> list[Group]:
        return [group for group in self.autoscaling_groups.values() if isinstance(group, Group)]

    def group(self, name: str) -> Group:
        group = self.autoscaling_groups[name]
        assert isinstance(group, Group)
        return group

    def member(self, instance_id: str) -> tuple[Group, Member]:
        for group in self.groups():
            for member in group.members:
                if member.instance_id == instance_id:
                    return group, member
        raise ValidationError(
            f"Instance Id not found - No managed instance found for instance ID: {instance_id}"
        )

    # hooks

    def hooks_of(self, group: str, transition: str) -> list[Hook]:
        return [
            hook
            for hook in self.lifecycle_hooks.values()
            if isinstance(hook, Hook)
            and hook.auto_scaling_group_name == group
            and hook.lifecycle_transition == transition
        ]

    def put_hook(self, group: str, parameters: Mapping[str, Any]) -> None:
        """It applies to transitions that begin after it: the instances of before do not wait."""
        self.group(group)
        key = f"{group}_{parameters.get('LifecycleHookName')}"
        before = self.lifecycle_hooks.get(key)
        hook = Hook(group, parameters, before if isinstance(before, Hook) else None)
        self.lifecycle_hooks[key] = hook

    def delete_lifecycle_hook(self, as_name: str, name: str) -> None:
        """Outstanding actions are completed first: ABANDON for launches, CONTINUE for terminations."""
        group = self.group(as_name)
        hook = self.lifecycle_hooks.pop(f"{as_name}_{name}", None)
        if hook is None:
            raise ValidationError(f"No Lifecycle Hook found with name: {name} for group: {as_name}")
        result = ABANDON if hook.lifecycle_transition == LAUNCHING else CONTINUE
        for member in list(group.members):
            action = member.waiting.get(name)
            if action is not None:
                group.complete(member, action, result, self.now())

    def _action(
        self, group_name: str, hook: str, token: str | None, instance_id: str | None
    ) -> tuple[Group, Member, LifecycleAction]:
        group = self.group(group_name)
        if f"{group_name}_{hook}" not in self.lifecycle_hooks:
            raise ValidationError(f"No Lifecycle Hook found with name: {hook} for group: {group_name}")
        if not token and not instance_id:
            raise ValidationError("Either a lifecycle action token or an instance ID is required")
        for member in group.members:
            action = member.waiting.get(hook)
            if action is None or (instance_id and member.instance_id != instance_id):
                continue
            if token is None or action.token == token:
                return group, member, action
        asked = f"token {token}" if token else f"instance ID {instance_id}"
        raise ValidationError(f"No active Lifecycle Action found with {asked}")

    def complete_lifecycle_action(
        self, group: str, hook: str, result: str, token: str | None, instance_id: str | None
    ) -> None:
        if result not in (CONTINUE, ABANDON):
            raise ValidationError(f"Lifecycle action result must be one of {CONTINUE}, {ABANDON}: {result}")
        home, member, action = self._action(group, hook, token, instance_id)
        home.complete(member, action, result, self.now())

    def record_heartbeat(self, group: str, hook: str, token: str | None, instance_id: str | None) -> None:
        _home, _member, action = self._action(group, hook, token, instance_id)
        action.heartbeat(self.now())

    # capacity

    def set_desired_capacity(self, group_name: str, desired_capacity: int | None) -> None:
        group = self.group(group_name)
        wanted = desired_capacity or 0
        if wanted > (group.max_size or 0):
            raise ValidationError(
                f"New SetDesiredCapacity value {wanted} is above max value {group.max_size} for the "
                "AutoScalingGroup."
            )
        if wanted < (group.min_size or 0):
            raise ValidationError(
                f"New SetDesiredCapacity value {wanted} is below min value {group.min_size} for the "
                "AutoScalingGroup."
            )
        group.set_desired_capacity(wanted)

    def delete_auto_scaling_group(self, group_name: str, force: bool = False) -> None:
        """Refused while there are instances, unless forced: then they end at once, hooks or not."""
        group = self.group(group_name)
        if group.members and not force:
            raise AutoscalingClientError(
                "ResourceInUse",
                "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance "
                "request(s) still in the group.",
            )
        group.end_all()
        del self.autoscaling_groups[group_name]
        self.ended_activities.extend(group.activities)
        for key, hook in list(self.lifecycle_hooks.items()):
            if hook.auto_scaling_group_name == group_name:
                del self.lifecycle_hooks[key]

    def delete_launch_configuration(self, launch_configuration_name: str) -> None:
        if any(
            g.launch_configuration_name == launch_configuration_name for g in self.groups() if g.launch_config
        ):
            raise AutoscalingClientError(
                "ResourceInUse",
                f"Cannot delete launch configuration {launch_configuration_name} because it is attached to "
                "an AutoScalingGroup",
            )
        super().delete_launch_configuration(launch_configuration_name)

    # instances

    def set_instance_health(self, instance_id: str, health_status: str, respect_grace: bool = True) -> None:
        """Unhealthy lets Auto Scaling replace it, after the grace period where that is respected."""
        if health_status not in ("Healthy", "Unhealthy"):
            raise ValidationError("Valid instance health states are: [Healthy, Unhealthy]")
        group, member = self.member(instance_id)
        if health_status == "Healthy":
            member.unhealthy_from = None
            if not member.terminating:
                member.health_status = "Healthy"
            return
        now = self.now()
        grace = float(group.health_check_grace_period or 0) if respect_grace else 0.0
        since = now if member.in_service_since is None else member.in_service_since
        member.unhealthy_from = max(now, since + grace)
        if member.unhealthy_from <= now:
            member.health_status = "Unhealthy"

    def terminate_in_group(self, instance_id: str, decrement: bool) -> Activity:
        group, member = self.member(instance_id)
        if member.terminating:
            raise AutoscalingClientError(
                "ScalingActivityInProgress",
                f"Instance {instance_id} is not in a state in which it can be terminated: "
                f"{member.lifecycle_state}",
            )
        if decrement:
            desired = group.desired_capacity or 0
            if desired <= (group.min_size or 0):
                raise ValidationError(
                    f"Currently, desiredSize equals minSize ({group.min_size}). Terminating instance without "
                    "replacement will violate group's min size constraint. Either set "
                    "shouldDecrementDesiredCapacity flag to false or lower group's min size."
                )
            group.set_desired_capacity(desired - 1)
        return group.begin_termination(member, self.now(), "a user request")

    def notify_terminate_instances(self, instance_ids: list[str]) -> None:
        """Nobody tells a group: its health check notices."""

    def attach_instances(self, group_name: str, instance_ids: list[str]) -> None:
        group = self.group(group_name)
        wanted = (group.desired_capacity or 0) + len(instance_ids)
        if wanted > (group.max_size or 0):
            raise ValidationError(
                f"AutoScalingGroup {group_name} has max-size={group.max_size}; attaching "
                f"{len(instance_ids)} instances needs {wanted}"
            )
        instances = [self.ec2_backend.get_instance(instance_id) for instance_id in instance_ids]
        for instance in instances:
            assert isinstance(instance, ec2.Instance)
            if instance.state != "running":
                raise ValidationError(f"Instance {instance.id} is not in correct state")
            group.adopt(instance, self.now())
        group.set_desired_capacity(wanted)

    def detach_instances(
        self, group_name: str, instance_ids: list[str], should_decrement: bool
    ) -> list[DetachInstanceActivity]:
        group = self.group(group_name)
        held = {member.instance_id for member in group.members}
        for instance_id in instance_ids:
            if instance_id not in held:
                raise ValidationError(
                    f"The instance {instance_id} is not part of Auto Scaling group {group_name}."
                )
        return super().detach_instances(group_name, instance_ids, should_decrement)

    def activities(self, group_name: str | None, ids: Iterable[str]) -> list[Activity]:
        """Newest first."""
        wanted = set(ids)
        groups = [self.group(group_name)] if group_name else self.groups()
        found = [activity for group in groups for activity in group.activities]
        if not group_name:
            found.extend(self.ended_activities)
        found = [a for a in found if not wanted or a.activity_id in wanted]
        return sorted(found, key=lambda a: a.start_time, reverse=True)
