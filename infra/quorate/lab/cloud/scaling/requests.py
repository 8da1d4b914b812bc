"""The Auto Scaling API over HTTP: what moto lacks, and what it takes without looking."""

from __future__ import annotations

from typing import Any, ClassVar

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError

from quorate.lab.cloud.scaling.backend import Backend
from quorate.lab.cloud.scaling.choice import Purchase
from quorate.lab.cloud.scaling.group import Group
from quorate.lab.cloud.scaling.hooks import Hook
from quorate.lab.cloud.scaling.launch import LaunchFailed, version_of

_PLAIN = {
    "DefaultInstanceWarmup": "default_instance_warmup",
    "MaxInstanceLifetime": "max_instance_lifetime",
    "CapacityRebalance": "capacity_rebalance",
    "TerminationPolicies": "termination_policies",
    "DefaultCooldown": "default_cooldown",
    "HealthCheckType": "health_check_type",
    "HealthCheckGracePeriod": "health_check_grace_period",
    "NewInstancesProtectedFromScaleIn": "new_instances_protected_from_scale_in",
    "InstanceMaintenancePolicy": "instance_maintenance_policy",
}
"""Parameters that are stored and shown as they are."""


class Response(AutoScalingResponse):
    """moto's actions and ours."""

    @property
    def autoscaling_backend(self) -> Backend:
        backend = super().autoscaling_backend
        assert isinstance(backend, Backend)
        return backend

    # groups

    def create_auto_scaling_group(self) -> ActionResult:
        name = self._get_param("AutoScalingGroupName")
        if name in self.autoscaling_backend.autoscaling_groups:
            raise AutoscalingClientError(
                "AlreadyExists",
                f"AutoScalingGroup by this name already exists - A group with the name {name} already exists",
            )
        smallest, largest = self._get_int_param("MinSize"), self._get_int_param("MaxSize")
        desired = self._get_int_param("DesiredCapacity")
        _check_bounds(smallest, largest, smallest if desired is None else desired)
        hooks = self._get_param("LifecycleHookSpecificationList", [])
        for parameters in hooks:
            Hook(name, parameters)
        try:
            result = super().create_auto_scaling_group()
        except EC2ClientError as refusal:
            raise _template_refused(refusal) from None
        group = self.autoscaling_backend.group(name)
        try:
            self._check_template(group)
        except ServiceException:
            del self.autoscaling_backend.autoscaling_groups[name]
            raise
        group.health_check_grace_period = self._get_int_param("HealthCheckGracePeriod", 0)
        self._store_plain(group)
        for parameters in hooks:
            self.autoscaling_backend.put_hook(name, parameters)
        return result

    def update_auto_scaling_group(self) -> ActionResult:
        group = self.autoscaling_backend.group(self._get_param("AutoScalingGroupName"))
        smallest = self._get_int_param("MinSize", group.min_size)
        largest = self._get_int_param("MaxSize", group.max_size)
        desired = self._get_int_param("DesiredCapacity")
        if desired is None:
            desired = max(smallest or 0, min(group.desired_capacity or 0, largest or 0))
        _check_bounds(smallest, largest, desired)
        group._set_azs_and_vpcs(
            self._get_param("AvailabilityZones", []), self._get_param("VPCZoneIdentifier"), update=True
        )
        self._replace_template(group)
        group.min_size, group.max_size = smallest, largest
        group.set_desired_capacity(desired)
        self._store_plain(group)
        return EmptyResult()

    def _replace_template(self, group: Group) -> None:
        template = self._get_param("LaunchTemplate")
        policy = self._get_param("MixedInstancesPolicy")
        if not template and not policy:
            return
        before = (group.ec2_launch_template, group.launch_template_version, group.mixed_instances_policy)
        group.mixed_instances_policy = policy
        try:
            group._set_launch_configuration("", template or {}, policy)
            self._check_template(group)
        except EC2ClientError as refusal:
            group.ec2_launch_template, group.launch_template_version, group.mixed_instances_policy = before
            raise _template_refused(refusal) from None
        except ServiceException:
            group.ec2_launch_template, group.launch_template_version, group.mixed_instances_policy = before
            raise
        group.next_launch = 0.0

    def _check_template(self, group: Group) -> None:
        if group.ec2_launch_template is None:
            raise ValidationError("The lab's groups are made from launch templates only")
        try:
            version_of(group, Purchase())
        except LaunchFailed as failure:
            raise ValidationError(str(failure)) from None

    def _store_plain(self, group: Group) -> None:
        for parameter, attribute in _PLAIN.items():
            value = self._get_param(parameter)
            if value is not None:
                setattr(group, attribute, value)

    def delete_auto_scaling_group(self) -> ActionResult:
        self.autoscaling_backend.delete_auto_scaling_group(
            self._get_param("AutoScalingGroupName"), force=bool(self._get_bool_param("ForceDelete", False))
        )
        return EmptyResult()

    def describe_scaling_activities(self) -> ActionResult:
        found = self.autoscaling_backend.activities(
            self._get_param("AutoScalingGroupName"), self._get_param("ActivityIds", [])
        )
        most = self._get_int_param("MaxRecords", 100)
        start = int(self._get_param("NextToken") or 0)
        following = str(start + most) if len(found) > start + most else None
        return ActionResult({"Activities": found[start : start + most], "NextToken": following})

    # hooks

    def put_lifecycle_hook(self) -> ActionResult:
        self.autoscaling_backend.put_hook(self._get_param("AutoScalingGroupName"), self._get_params())
        return EmptyResult()

    def complete_lifecycle_action(self) -> ActionResult:
        self.autoscaling_backend.complete_lifecycle_action(
            group=self._get_param("AutoScalingGroupName"),
            hook=self._get_param("LifecycleHookName"),
            result=self._get_param("LifecycleActionResult"),
            token=self._get_param("LifecycleActionToken"),
            instance_id=self._get_param("InstanceId"),
        )
        return EmptyResult()

    def record_lifecycle_action_heartbeat(self) -> ActionResult:
        self.autoscaling_backend.record_heartbeat(
            group=self._get_param("AutoScalingGroupName"),
            hook=self._get_param("LifecycleHookName"),
            token=self._get_param("LifecycleActionToken"),
            instance_id=self._get_param("InstanceId"),
        )
        return EmptyResult()

    # instances

    def set_instance_health(self) -> ActionResult:
        self.autoscaling_backend.set_instance_health(
            self._get_param("InstanceId"),
            self._get_param("HealthStatus"),
            respect_grace=bool(self._get_bool_param("ShouldRespectGracePeriod", True)),
        )
        return EmptyResult()

    def terminate_instance_in_auto_scaling_group(self) -> ActionResult:
        activity = self.autoscaling_backend.terminate_in_group(
            self._get_param("InstanceId"),
            decrement=bool(self._get_bool_param("ShouldDecrementDesiredCapacity", False)),
        )
        return ActionResult({"Activity": activity})


class Urls:
    """Where moto looks for the handlers of a backend's service."""

    url_bases: ClassVar[list[str]] = [r"https?://autoscaling\.(.+)\.amazonaws\.com"]
    url_paths: ClassVar[dict[str, Any]] = {"{0}/$": Response.dispatch}


def _template_refused(refusal: EC2ClientError) -> ValidationError:
    return ValidationError(f"You must use a valid fully-formed launch template. {refusal.message}")


def _check_bounds(smallest: int | None, largest: int | None, desired: int | None) -> None:
    low, high, wanted = smallest or 0, largest or 0, desired or 0
    if low > high:
        raise ValidationError(f"Max bound, {high}, must be greater than or equal to min bound, {low}")
    if not low <= wanted <= high:
        raise ValidationError(
            f"Desired capacity:{wanted} must be between the specified min size:{low} and max size:{high}"
        )
