"""A group, its members, and every transition of their life cycle.

    Pending -> [Pending:Wait -> Pending:Proceed] -> InService
            -> Terminating -> [Terminating:Wait -> Terminating:Proceed] -> gone from the group

"Amazon EC2 Auto Scaling instance lifecycle". An instance that terminates no longer counts towards the desired
capacity: its replacement is launched at once. An abandoned launch goes through the termination hooks as well.
Nothing here waits: a transition happens in a call of the API or when the loop calls `reconcile`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

from moto.autoscaling.models import FakeAutoScalingGroup, InstanceState

from quorate.lab.cloud.scaling import choice
from quorate.lab.cloud.scaling.activities import Activity
from quorate.lab.cloud.scaling.choice import Candidate, Place
from quorate.lab.cloud.scaling.hooks import ABANDON, LAUNCHING, TERMINATING, LifecycleAction
from quorate.lab.cloud.scaling.launch import LaunchFailed, launch

if TYPE_CHECKING:
    from quorate.lab.cloud import ec2
    from quorate.lab.cloud.scaling.backend import Backend

log = logging.getLogger(__name__)

_births = count(1)


class Member(InstanceState):
    """An instance of a group; DescribeAutoScalingInstances reads its attributes."""

    def __init__(self, group: Group, instance: ec2.Instance, version: int, state: str) -> None:
        instance.autoscaling_group = group  # type: ignore[attr-defined]
        super().__init__(instance, state, "Healthy", group.new_instances_protected_from_scale_in, group)
        self.born = next(_births)
        self.availability_zone_id = instance.home.zone_id
        self.image_id = instance.image_id
        self.version = version
        self.spot = instance.lifecycle == "spot"
        self.template = group.template_names()
        self.waiting: dict[str, LifecycleAction] = {}
        self.in_service_since: float | None = None
        self.lost_since: float | None = None
        self.unhealthy_from: float | None = None
        self.activity: Activity | None = None

    @property
    def launch_template(self) -> dict[str, Any] | None:
        return {**self.template, "Version": str(self.version)} if self.template else None

    @property
    def counts(self) -> bool:
        """Whether it is part of the group's capacity."""
        return self.lifecycle_state.startswith("Pending") or self.lifecycle_state == "InService"

    @property
    def terminating(self) -> bool:
        return self.lifecycle_state.startswith("Terminating")


class Group(FakeAutoScalingGroup):
    """moto's group, brought to its desired capacity step by step."""

    autoscaling_backend: Backend
    instance_states: list[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.activities: list[Activity] = []
        self.failed_launches = 0
        self.next_launch = 0.0

    @property
    def members(self) -> list[Member]:
        return self.instance_states

    @property
    def template_id(self) -> str | None:
        return self.ec2_launch_template.id if self.ec2_launch_template else None

    def template_names(self) -> dict[str, Any]:
        """Id and name of the launch template, for its instances."""
        template = self.ec2_launch_template
        return {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name} if template else {}

    def places(self) -> list[Place]:
        """The subnets of the group with their zones."""
        subnet_ids = (self.vpc_zone_identifier or "").split(",")
        subnets = [self.ec2_backend.get_subnet(subnet_id) for subnet_id in subnet_ids if subnet_id]
        if not subnets:
            defaults = self.ec2_backend.get_default_subnets()
            subnets = [defaults[zone] for zone in self.availability_zones if zone in defaults]
        return [Place(s.id, s.availability_zone, s.availability_zone_id) for s in subnets]

    def set_desired_capacity(self, new_capacity: int | None) -> None:
        """Only the number; the loop does the rest."""
        self.desired_capacity = self.min_size if new_capacity is None else new_capacity

    def suspended(self, process: str) -> bool:
        """Whether SuspendProcesses holds Launch, Terminate, HealthCheck or ReplaceUnhealthy."""
        return process in self._suspended_processes

    # the steps of one pass

    def reconcile(self, now: float) -> float | None:
        """Do whatever is due. Returns when something is due next, None when only a call can change it."""
        self._expire(now)
        self._proceed(now)
        self._check_health(now)
        self._replace_unhealthy(now)
        self._fill(now)
        return min(self._due(now), default=None)

    def _expire(self, now: float) -> None:
        for member in list(self.members):
            for action in list(member.waiting.values()):
                if action.deadline <= now and action.hook.name in member.waiting:
                    self.complete(member, action, action.hook.default_result, now)

    def _proceed(self, now: float) -> None:
        for member in list(self.members):
            if member.lifecycle_state == "Pending:Proceed":
                self._enter_service(member, now)
            elif member.lifecycle_state == "Terminating:Proceed":
                self._end(member)

    def _check_health(self, now: float) -> None:
        """Whatever is not running is unhealthy ("Health checks for instances in an Auto Scaling group")."""
        if self.suspended("HealthCheck"):
            return
        for member in self.members:
            if member.counts and member.instance.state != "running":
                if member.lost_since is None:
                    member.lost_since = now
                if now - member.lost_since >= self.autoscaling_backend.timing.health_check:
                    member.health_status = "Unhealthy"
            elif member.unhealthy_from is not None and member.unhealthy_from <= now:
                member.health_status = "Unhealthy"

    def _replace_unhealthy(self, now: float) -> None:
        if self.suspended("ReplaceUnhealthy"):
            return
        for member in list(self.members):
            if member.counts and member.health_status == "Unhealthy":
                why = "an instance was taken out of service in response to a health check"
                if member.lifecycle_state.startswith("Pending"):
                    self._launch_failed(now)
                self.begin_termination(member, now, why)

    def _fill(self, now: float) -> None:
        missing = (self.desired_capacity or 0) - sum(member.counts for member in self.members)
        if missing < 0 and not self.suspended("Terminate"):
            self._scale_in(-missing, now)
        while missing > 0 and self.next_launch <= now and not self.suspended("Launch"):
            if not self._launch(now):
                break
            missing -= 1

    def _scale_in(self, surplus: int, now: float) -> None:
        counting = {member.instance_id: member for member in self.members if member.counts}
        candidates = [
            Candidate(
                m.instance_id, str(m.availability_zone), m.born, m.version, bool(m.protected_from_scale_in)
            )
            for m in counting.values()
        ]
        for instance_id in choice.victims(candidates, surplus, self.termination_policies):
            why = f"a difference between desired and actual capacity, shrinking it by {surplus}"
            self.begin_termination(counting[instance_id], now, why)

    def _due(self, now: float) -> Iterator[float]:
        for member in self.members:
            for action in member.waiting.values():
                yield action.deadline
            if member.counts and member.lost_since is not None:
                yield member.lost_since + self.autoscaling_backend.timing.health_check
            if member.counts and member.unhealthy_from is not None and member.health_status == "Healthy":
                yield member.unhealthy_from
        if self.next_launch > now:
            yield self.next_launch

    # launching

    def _launch(self, now: float) -> bool:
        counting = [member for member in self.members if member.counts]
        spots = sum(member.spot for member in counting)
        purchase = choice.purchase(self.mixed_instances_policy, len(counting) - spots, spots)
        activity = Activity(
            self.name, "Launching a new EC2 instance", "the capacity is below the desired one"
        )
        self.activities.append(activity)
        closed = self.autoscaling_backend.closed_zones()
        try:
            zones_in_use = [str(member.availability_zone) for member in counting]
            place = choice.place(self.places(), zones_in_use, closed)
            if place is None:
                raise LaunchFailed(
                    "We currently do not have sufficient capacity in the Availability Zone you requested "
                    f"({', '.join(self.availability_zones)}). Launching EC2 instance failed."
                )
            instance, version = launch(self, place, purchase)
        except LaunchFailed as failure:
            log.warning("%s: %s", self.name, failure)
            activity.ends("Failed", str(failure))
            self._launch_failed(now)
            return False
        member = Member(self, instance, version, "Pending")
        member.activity = activity
        activity.description = f"Launching a new EC2 instance: {instance.id}"
        self.members.append(member)
        if self._wait(member, LAUNCHING, now):
            member.lifecycle_state = "Pending:Wait"
        else:
            self._enter_service(member, now)
        return True

    def _launch_failed(self, now: float) -> None:
        """Launches that keep failing come more slowly ("Amazon EC2 Auto Scaling lifecycle hooks")."""
        timing = self.autoscaling_backend.timing
        wait = min(timing.launch_backoff * 2**self.failed_launches, timing.launch_backoff_limit)
        self.failed_launches += 1
        self.next_launch = now + wait

    def _enter_service(self, member: Member, now: float) -> None:
        member.lifecycle_state = "InService"
        member.in_service_since = now
        self.failed_launches = 0
        if member.activity is not None:
            member.activity.ends("Successful")

    def adopt(self, instance: ec2.Instance, now: float) -> None:
        """An instance that was launched elsewhere joins; its launch is over, so no launch hook waits."""
        member = Member(self, instance, 0, "Pending")
        member.template = {}
        self.members.append(member)
        self._enter_service(member, now)

    # waiting

    def _wait(self, member: Member, transition: str, now: float) -> bool:
        """Start an action for every hook of the transition; False when there is none."""
        hooks = self.autoscaling_backend.hooks_of(self.name, transition)
        member.waiting = {hook.name: LifecycleAction.begin(hook, now) for hook in hooks}
        if member.waiting and member.activity is not None:
            member.activity.waits()
        return bool(member.waiting)

    def complete(self, member: Member, action: LifecycleAction, result: str, now: float) -> None:
        """What "Complete a lifecycle action in an Auto Scaling group" says of the two results.

        Launching: CONTINUE lets the instance into service once no other hook waits, ABANDON ends it.
        Terminating: it ends either way; ABANDON stops the other hooks.
        """
        del member.waiting[action.hook.name]
        launching = member.lifecycle_state == "Pending:Wait"
        if result == ABANDON:
            member.waiting.clear()
            if launching:
                self._launch_failed(now)
                self.begin_termination(member, now, f"the lifecycle action {action.hook.name} was abandoned")
                return
        if not member.waiting:
            member.lifecycle_state = "Pending:Proceed" if launching else "Terminating:Proceed"
            if member.activity is not None:
                member.activity.proceeds()

    # terminating

    def begin_termination(self, member: Member, now: float, why: str) -> Activity:
        """The member leaves; its termination hooks wait, also when EC2 has ended the instance already."""
        if member.activity is not None and not member.activity.ended:
            member.activity.ends("Cancelled", why)
        member.activity = Activity(
            self.name,
            f"Terminating EC2 instance: {member.instance_id}",
            f"At {now:.0f} {member.instance_id} is terminated because of {why}.",
        )
        self.activities.append(member.activity)
        member.lifecycle_state = "Terminating"
        if self._wait(member, TERMINATING, now):
            member.lifecycle_state = "Terminating:Wait"
        else:
            self._end(member)
        return member.activity

    def _end(self, member: Member) -> None:
        member.lifecycle_state = "Terminated"
        member.waiting.clear()
        if member.instance.state != "terminated":
            member.instance.terminate()
        self.instance_states = [other for other in self.members if other is not member]
        if member.activity is not None:
            member.activity.ends("Successful")

    def end_all(self) -> None:
        """Every instance ends now, whatever hooks wait ("Delete your Auto Scaling infrastructure")."""
        for member in list(self.members):
            self._end(member)
