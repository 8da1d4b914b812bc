"""A running cloud, boto3 clients for it, and the few resources that most tests start from."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from quorate.lab.cloud import Cloud, Timing

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
_SESSION = boto3.Session()
LONG = 120.0
"""Seconds after which a test gives up; nothing is asserted about how long anything takes."""


class ManualClock:
    """Time that moves when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Aws:
    """What a test needs of AWS, over HTTP like everybody else."""

    cloud: Cloud
    clock: ManualClock
    access_key: str = "operator"
    secret_key: str = "operator-secret"
    token: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = _SESSION.client(
                service,
                endpoint_url=self.cloud.endpoint,
                region_name=self.cloud.region,
                aws_access_key_id=self.access_key,
                aws_secret_access_key=self.secret_key,
                aws_session_token=self.token,
                config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20),
            )
        return self._clients[service]

    def with_credentials(self, credentials: Any) -> Aws:
        return replace(
            self,
            access_key=credentials.access_key_id,
            secret_key=credentials.secret_access_key,
            token=credentials.token,
            _clients={},
        )

    @property
    def ec2(self) -> Any:
        return self.client("ec2")

    @property
    def asg(self) -> Any:
        return self.client("autoscaling")

    # resources

    def network(self, *zone_ids: str) -> tuple[str, list[str]]:
        """A VPC with one /24 in each of these zones."""
        vpc_id = self.ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            self.ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"10.20.{n}.0/24", AvailabilityZoneId=zone_id)[
                "Subnet"
            ]["SubnetId"]
            for n, zone_id in enumerate(zone_ids, start=1)
        ]
        return vpc_id, subnets

    def role(self, name: str, *statements: dict[str, Any]) -> str:
        """A role that EC2 may assume, in an instance profile of the same name; the profile's ARN.

        `statements` make its one inline policy, `given`.
        """
        iam = self.client("iam")
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "ec2.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        if statements:
            self.policy(name, *statements)
        profile = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Arn"]
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        return str(profile)

    def policy(self, role: str, *statements: dict[str, Any]) -> None:
        """The role's inline policy `given` has these statements from now on."""
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.client("iam").put_role_policy(RoleName=role, PolicyName="given", PolicyDocument=document)

    def template(self, name: str = "node", **data: Any) -> str:
        document = {
            "ImageId": "ami-0123456789abcdef0",
            "InstanceType": "t3.small",
            "UserData": base64.b64encode(b'{"schema": 1}').decode(),
            **data,
        }
        made = self.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=document)
        return str(made["LaunchTemplate"]["LaunchTemplateId"])

    def group(
        self,
        name: str = "group",
        *,
        hooks: dict[str, str] | None = None,
        timeout: int = 60,
        default: str = "ABANDON",
        desired: int = 1,
        largest: int = 5,
        zones: tuple[str, ...] = ("use1-az1",),
        template: str | None = None,
        subnets: list[str] | None = None,
        **more: Any,
    ) -> str:
        """A group over fresh subnets; hooks is {name: transition}. Returns the group's name."""
        if subnets is None:
            subnets = self.network(*zones)[1]
        if "MixedInstancesPolicy" not in more:
            template = template or self.template(f"{name}-template")
            more["LaunchTemplate"] = {"LaunchTemplateId": template, "Version": "$Latest"}
        self.asg.create_auto_scaling_group(
            AutoScalingGroupName=name,
            MinSize=0,
            MaxSize=largest,
            DesiredCapacity=desired,
            VPCZoneIdentifier=",".join(subnets),
            LifecycleHookSpecificationList=[
                {
                    "LifecycleHookName": hook,
                    "LifecycleTransition": transition,
                    "HeartbeatTimeout": timeout,
                    "DefaultResult": default,
                }
                for hook, transition in (hooks or {}).items()
            ],
            **more,
        )
        return name

    # what AWS says

    def states(self, group: str = "group") -> dict[str, str]:
        """Lifecycle state by instance id, from DescribeAutoScalingGroups."""
        groups = self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
        return {i["InstanceId"]: i["LifecycleState"] for g in groups for i in g["Instances"]}

    def ec2_state(self, instance_id: str) -> str:
        answer = self.ec2.describe_instances(InstanceIds=[instance_id])
        return str(answer["Reservations"][0]["Instances"][0]["State"]["Name"])

    def instance(self, instance_id: str) -> Any:
        return self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]

    def complete(self, instance_id: str, hook: str, result: str = "CONTINUE", group: str = "group") -> None:
        self.asg.complete_lifecycle_action(
            AutoScalingGroupName=group,
            LifecycleHookName=hook,
            InstanceId=instance_id,
            LifecycleActionResult=result,
        )

    # waiting

    def eventually(self, condition: Callable[[], Any], what: str = "") -> Any:
        """The first true answer; looks again at every change of the cloud."""
        deadline = time.monotonic() + LONG
        while True:
            seen = self.cloud.version
            answer = condition()
            if answer:
                return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"never became true: {what or condition}; {self.cloud.instances()}")
            self.cloud.wait_for_change(seen, timeout=0.05)

    def settled(self, states: list[str], group: str = "group") -> dict[str, str]:
        """Wait until the group's instances are in exactly these states, in any order."""

        def reached() -> dict[str, str] | None:
            found = self.states(group)
            return found or {"": ""} if sorted(found.values()) == sorted(states) else None

        found: dict[str, str] = self.eventually(reached, f"{group} in {states}")
        return {instance: state for instance, state in found.items() if instance}

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.cloud.wake()


@pytest.fixture
def aws() -> Iterator[Aws]:
    """A cloud whose clock the test moves; health checks are immediate, launches are retried at once."""
    clock = ManualClock()
    timing = Timing(health_check=0.0, vanish=3600.0, launch_backoff=0.0, clock=clock)
    cloud = Cloud(timing=timing)
    cloud.start()
    try:
        yield Aws(cloud, clock)
    finally:
        cloud.stop()
