"""Auto Scaling groups, with their lifecycle hooks from birth."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from quorate.lab.provider.aws import Aws, AwsRefused
from quorate.lab.provider.durations import seconds
from quorate.lab.provider.row import Change, Made, Row, Wait
from quorate.lab.provider.rows.ec2 import PAGE
from quorate.lab.provider.schema import Failure, Kind, Property
from quorate.lab.provider.values import Values

DISTRIBUTION: Final = {
    "onDemandAllocationStrategy": "OnDemandAllocationStrategy",
    "onDemandBaseCapacity": "OnDemandBaseCapacity",
    "onDemandPercentageAboveBaseCapacity": "OnDemandPercentageAboveBaseCapacity",
    "spotAllocationStrategy": "SpotAllocationStrategy",
    "spotInstancePools": "SpotInstancePools",
    "spotMaxPrice": "SpotMaxPrice",
}
HOOK: Final = {
    "name": "LifecycleHookName",
    "lifecycleTransition": "LifecycleTransition",
    "defaultResult": "DefaultResult",
    "heartbeatTimeout": "HeartbeatTimeout",
}
SPECIFICATION: Final = {"launchTemplateId": "LaunchTemplateId", "version": "Version"}
TEMPLATE: Final = {"id": "LaunchTemplateId", "version": "Version"}
OVERRIDE: Final = {"instanceType": "InstanceType", "weightedCapacity": "WeightedCapacity"}
PLAIN: Final = {
    "minSize": "MinSize",
    "maxSize": "MaxSize",
    "desiredCapacity": "DesiredCapacity",
    "capacityRebalance": "CapacityRebalance",
    "healthCheckType": "HealthCheckType",
    "healthCheckGracePeriod": "HealthCheckGracePeriod",
    "defaultInstanceWarmup": "DefaultInstanceWarmup",
    "terminationPolicies": "TerminationPolicies",
}
"""Properties that AWS takes as they are, at creation and later."""


def _renamed(names: dict[str, str], block: Values) -> dict[str, Any]:
    return {names[name]: value for name, value in block.items()}


def _back(names: dict[str, str], told: dict[str, Any]) -> Values:
    return {name: told[key] for name, key in names.items() if key in told}


def _text(*names: str) -> dict[str, Property]:
    return {name: Property(Kind.TEXT) for name in names}


POLICY: Final = Property(
    Kind.BLOCK,
    computed=True,
    fields={
        "instancesDistribution": Property(
            Kind.BLOCK,
            computed=True,
            fields={
                **_text("onDemandAllocationStrategy", "spotAllocationStrategy", "spotMaxPrice"),
                "onDemandBaseCapacity": Property(Kind.WHOLE),
                "onDemandPercentageAboveBaseCapacity": Property(Kind.WHOLE),
                "spotInstancePools": Property(Kind.WHOLE),
            },
        ),
        "launchTemplate": Property(
            Kind.BLOCK,
            required=True,
            fields={
                "launchTemplateSpecification": Property(
                    Kind.BLOCK, required=True, fields=_text("launchTemplateId", "version")
                ),
                "overrides": Property(Kind.BLOCKS, fields=_text("instanceType", "weightedCapacity")),
            },
        ),
    },
)


class Group(Row):
    token = "aws:autoscaling/group:Group"
    page = PAGE + "autoscaling_group"
    properties: ClassVar = {
        "name": Property(Kind.TEXT, computed=True, replaces="aws_autoscaling_group schema: name is ForceNew"),
        "minSize": Property(Kind.WHOLE, required=True),
        "maxSize": Property(Kind.WHOLE, required=True),
        "desiredCapacity": Property(Kind.WHOLE, computed=True),
        "vpcZoneIdentifiers": Property(Kind.TEXT_SET, computed=True),
        "launchTemplate": Property(Kind.BLOCK, fields=_text("id", "version")),
        "mixedInstancesPolicy": POLICY,
        # "Please note that this will only work when creating a new Auto Scaling Group" (the page).
        "initialLifecycleHooks": Property(
            Kind.BLOCK_SET,
            fields={
                "name": Property(Kind.TEXT, required=True),
                "lifecycleTransition": Property(Kind.TEXT, required=True),
                "defaultResult": Property(Kind.TEXT),
                "heartbeatTimeout": Property(Kind.WHOLE),
            },
        ),
        "capacityRebalance": Property(Kind.FLAG, default=False),
        "healthCheckType": Property(Kind.TEXT, computed=True),
        "healthCheckGracePeriod": Property(Kind.WHOLE, default=300),
        "defaultInstanceWarmup": Property(Kind.WHOLE),
        "waitForCapacityTimeout": Property(Kind.TEXT, default="10m"),
        "forceDelete": Property(Kind.FLAG, default=False),
        # AWS names its own policy where the program names none; the official provider leaves that out.
        "terminationPolicies": Property(Kind.TEXTS, default=["Default"]),
        "tags": Property(
            Kind.BLOCK_SET,
            fields={
                "key": Property(Kind.TEXT, required=True),
                "value": Property(Kind.TEXT, required=True),
                "propagateAtLaunch": Property(Kind.FLAG, required=True),
            },
        ),
    }
    outputs = frozenset({"arn", "availabilityZones"})
    name_property = "name"

    def check(self, inputs: Values) -> list[Failure]:
        failures = []
        if ("launchTemplate" in inputs) == ("mixedInstancesPolicy" in inputs):
            failures.append(
                Failure("launchTemplate", "exactly one of launchTemplate and mixedInstancesPolicy")
            )
        least, most = inputs.get("minSize"), inputs.get("maxSize")
        if isinstance(least, int) and isinstance(most, int) and least > most:
            failures.append(Failure("minSize", f"is {least}, more than maxSize {most}"))
        timeout = inputs.get("waitForCapacityTimeout")
        if isinstance(timeout, str) and seconds(timeout) is None:
            failures.append(
                Failure("waitForCapacityTimeout", f'is "{timeout}", not a duration such as 10m or 0')
            )
        return failures

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        hooks = [_renamed(HOOK, hook) for hook in inputs.get("initialLifecycleHooks", [])]
        aws.call(
            "autoscaling",
            "create_auto_scaling_group",
            AutoScalingGroupName=inputs["name"],
            Tags=self._tags(inputs["name"], inputs),
            **self._arguments(inputs, [*inputs, "healthCheckGracePeriod"]),
            **({"LifecycleHookSpecificationList": hooks} if hooks else {}),
        )
        return Made(inputs["name"])

    @staticmethod
    def _tags(name: str, inputs: Values) -> list[dict[str, Any]]:
        return [
            {
                "ResourceId": name,
                "ResourceType": "auto-scaling-group",
                "Key": tag["key"],
                "Value": tag["value"],
                "PropagateAtLaunch": tag["propagateAtLaunch"],
            }
            for tag in inputs.get("tags", [])
        ]

    def _arguments(self, inputs: Values, names: list[str]) -> dict[str, Any]:
        # The official provider always says its own default of 300 s; AWS's is 0.
        said = {name: inputs.get(name, self.properties[name].default) for name in names if name in PLAIN}
        arguments = {PLAIN[name]: value for name, value in said.items() if value is not None}
        if "vpcZoneIdentifiers" in names and inputs.get("vpcZoneIdentifiers"):
            arguments["VPCZoneIdentifier"] = ",".join(inputs["vpcZoneIdentifiers"])
        if "launchTemplate" in names and inputs.get("launchTemplate"):
            arguments["LaunchTemplate"] = _renamed(TEMPLATE, inputs["launchTemplate"])
        if "mixedInstancesPolicy" in names and inputs.get("mixedInstancesPolicy"):
            policy = inputs["mixedInstancesPolicy"]
            template = policy["launchTemplate"]
            arguments["MixedInstancesPolicy"] = {
                "LaunchTemplate": {
                    "LaunchTemplateSpecification": _renamed(
                        SPECIFICATION, template["launchTemplateSpecification"]
                    ),
                    "Overrides": [_renamed(OVERRIDE, each) for each in template.get("overrides", [])],
                },
                "InstancesDistribution": _renamed(DISTRIBUTION, policy.get("instancesDistribution", {})),
            }
        return arguments

    def settle(self, aws: Aws, id_: str, inputs: Values, told: Values, wait: Wait) -> Values:
        patience = seconds(inputs.get("waitForCapacityTimeout", "10m")) or 0.0
        wanted = inputs.get("desiredCapacity", inputs["minSize"])
        if patience and wanted:
            in_service = f"{wanted} instances of group {id_} in service"
            Wait(patience).until(lambda: self._in_service(aws, id_) >= wanted, in_service)
        group = self._seen(aws, id_)
        return self._told(group) if group else {}

    def _in_service(self, aws: Aws, id_: str) -> int:
        instances = (self._seen(aws, id_) or {}).get("Instances", [])
        return sum(
            each["LifecycleState"] == "InService" and each["HealthStatus"] == "Healthy" for each in instances
        )

    @staticmethod
    def _told(group: dict[str, Any]) -> Values:
        return {"arn": group["AutoScalingGroupARN"], "availabilityZones": group["AvailabilityZones"]}

    def _seen(self, aws: Aws, name: str) -> dict[str, Any] | None:
        groups = aws.call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[name])
        return groups["AutoScalingGroups"][0] if groups["AutoScalingGroups"] else None

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        group = self._seen(aws, id_)
        if group is None:
            return None
        # AWS names the template in one place; moto in both.
        template = None if group.get("MixedInstancesPolicy") else group.get("LaunchTemplate")
        return self._told(group) | {
            **_back(PLAIN, group),
            "name": group["AutoScalingGroupName"],
            "vpcZoneIdentifiers": [each for each in group.get("VPCZoneIdentifier", "").split(",") if each],
            "launchTemplate": _back(TEMPLATE, template) if template else {},
            "mixedInstancesPolicy": self._policy(group.get("MixedInstancesPolicy")),
            "tags": [
                {"key": tag["Key"], "value": tag["Value"], "propagateAtLaunch": tag["PropagateAtLaunch"]}
                for tag in group.get("Tags", [])
                if not tag["Key"].startswith("aws:")
            ],
        }

    @staticmethod
    def _policy(told: dict[str, Any] | None) -> Values:
        if not told:
            return {}
        template = told["LaunchTemplate"]
        return {
            "instancesDistribution": _back(DISTRIBUTION, told.get("InstancesDistribution", {})),
            "launchTemplate": {
                "launchTemplateSpecification": _back(SPECIFICATION, template["LaunchTemplateSpecification"]),
                "overrides": [_back(OVERRIDE, each) for each in template.get("Overrides", [])],
            },
        }

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        arguments = self._arguments(change.new, change.names)
        if arguments:
            aws.call("autoscaling", "update_auto_scaling_group", AutoScalingGroupName=id_, **arguments)
        if "tags" in change.names:
            self._retag(aws, id_, change.old, change.new)
        if "vpcZoneIdentifiers" in change.names:
            group = self._seen(aws, id_)
            return self._told(group) if group else {}
        return {}

    def fresh(self, new: Values, changed: list[str]) -> set[str]:
        return {"availabilityZones"} if "vpcZoneIdentifiers" in changed else set()

    def _retag(self, aws: Aws, id_: str, old: Values, new: Values) -> None:
        before, after = self._tags(id_, old), self._tags(id_, new)
        kept = {tag["Key"] for tag in after}
        gone = [tag for tag in before if tag["Key"] not in kept]
        fresh = [tag for tag in after if tag not in before]
        if gone:
            aws.call("autoscaling", "delete_tags", Tags=gone)
        if fresh:
            aws.call("autoscaling", "create_or_update_tags", Tags=fresh)

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        if self._seen(aws, id_) is None:
            return
        if not inputs.get("forceDelete", False):
            self._drain(aws, id_, wait)
        wait.until(
            lambda: self._deleted(aws, id_, bool(inputs.get("forceDelete", False))), f"group {id_} deleted"
        )

    def _drain(self, aws: Aws, id_: str, wait: Wait) -> None:
        """Empties the group and waits, however long its termination hooks take within the deadline."""
        none = {"MinSize": 0, "MaxSize": 0, "DesiredCapacity": 0}
        aws.call("autoscaling", "update_auto_scaling_group", AutoScalingGroupName=id_, **none)
        wait.until(lambda: not (self._seen(aws, id_) or {}).get("Instances"), f"group {id_} empty")

    def _deleted(self, aws: Aws, id_: str, force: bool) -> bool:
        try:
            aws.call("autoscaling", "delete_auto_scaling_group", AutoScalingGroupName=id_, ForceDelete=force)
        except AwsRefused as refused:
            if refused.code in ("ResourceInUse", "ScalingActivityInProgress"):
                return False
            if self._seen(aws, id_) is not None:
                raise
        return True

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        group = self._seen(aws, inputs["name"])
        have = {(tag["Key"], tag["Value"]) for tag in (group or {}).get("Tags", [])}
        wanted = {(tag["key"], tag["value"]) for tag in inputs.get("tags", [])}
        return [inputs["name"]] if group and have == wanted else []
