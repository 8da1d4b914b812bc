"""A cluster laid out by hand, by boto3 alone: the agent's tests need no Pulumi program to have run."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from quorate.lab.lab import Lab

REGION = "us-east-1"
CLUSTER = "quorate-hand"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass
class Handmade:
    """One cluster: its groups are made one by one, so that a test decides what there is when."""

    lab: Lab
    spread: tuple[int, ...] = (2, 2, 1)
    survive: str = "zone"
    launch_seconds: int = 600
    termination_seconds: int = 900
    pools: dict[str, int] = field(default_factory=lambda: {"general": 3})
    zones: list[str] = field(default_factory=list)

    def aws(self, service: str) -> Any:
        return self.lab.aws.client(service)

    # Everything that is there before the first instance

    def prepare(self) -> None:
        ec2 = self.aws("ec2")
        listed = ec2.describe_availability_zones()["AvailabilityZones"][: len(self.spread)]
        self.zones = [zone["ZoneId"] for zone in listed]
        vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        self.subnets = {
            zone["ZoneId"]: ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"10.20.{number}.0/24", AvailabilityZone=zone["ZoneName"]
            )["Subnet"]["SubnetId"]
            for number, zone in enumerate(listed)
        }
        self.firewall = ec2.create_security_group(GroupName=CLUSTER, Description="all of it", VpcId=vpc)[
            "GroupId"
        ]
        ec2.authorize_security_group_ingress(
            GroupId=self.firewall,
            IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.20.0.0/16"}]}],
        )
        self.image = "ami-0123456789abcdef0"
        iam = self.aws("iam")
        for role in ("manager", "worker"):
            name = f"{CLUSTER}-{role}"
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
            iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(ALL))
            iam.create_instance_profile(InstanceProfileName=name)
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        self.key = self.aws("kms").create_key()["KeyMetadata"]["Arn"]
        self._withdraw_token()
        self.aws("dynamodb").create_table(
            TableName=CLUSTER,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )
        self.write_plan()

    def _withdraw_token(self) -> None:
        self.aws("ssm").put_parameter(
            Name=f"/{CLUSTER}/worker-token",
            Value="none yet",
            Type="SecureString",
            KeyId=self.key,
            Overwrite=True,
        )

    def slots(self) -> list[tuple[str, str]]:
        return [
            (f"manager-{zone}-{number}", zone)
            for zone, count in zip(self.zones, self.spread, strict=True)
            for number in range(1, count + 1)
        ]

    def write_plan(self) -> None:
        document = {
            "schema": 1,
            "cluster": CLUSTER,
            "survive": self.survive,
            "layout": list(self.spread),
            "zones": self.zones,
            "managers_schedulable": False,
            "slots": [
                {"name": name, "zone": zone, "group": f"{CLUSTER}-{name}"} for name, zone in self.slots()
            ],
            "pools": [
                {"name": pool, "group": f"{CLUSTER}-worker-{pool}", "labels": {"tier": pool}}
                for pool in self.pools
            ],
            "launch_hook": "quorate-launch",
            "termination_hook": "quorate-termination",
            "token_parameter": f"/{CLUSTER}/worker-token",
            "token_key": self.key,
            "overlay_cidr": "10.128.0.0/12",
            "region": REGION,
        }
        self.aws("dynamodb").put_item(
            TableName=CLUSTER, Item={"id": {"S": "plan"}, "document": {"S": json.dumps(document)}}
        )

    def user_data(self, role: str, home: str, **other: Any) -> dict[str, Any]:
        manages = role == "manager"
        return {
            "schema": 1,
            "cluster": CLUSTER,
            "role": role,
            "region": REGION,
            "table": CLUSTER,
            "token_parameter": f"/{CLUSTER}/worker-token",
            "token_key": self.key if manages else None,
            "group": f"{CLUSTER}-{home}" if manages else f"{CLUSTER}-worker-{home}",
            "slot": home if manages else None,
            "pool": None if manages else home,
            "launch_hook": "quorate-launch",
            "termination_hook": "quorate-termination",
            "overlay_cidr": "10.128.0.0/12",
            **other,
        }

    # Groups

    def group(self, role: str, home: str, subnets: list[str], count: int, body: bytes | None = None) -> str:
        """A group of `role` for a slot or a pool; `body` is other user-data than the right one."""
        right = self.user_data(role, home)
        orders = body if body is not None else json.dumps(right).encode()
        name = str(right["group"])
        template = self.aws("ec2").create_launch_template(
            LaunchTemplateName=name,
            LaunchTemplateData={
                "ImageId": self.image,
                "InstanceType": "t3.small",
                "UserData": base64.b64encode(orders).decode(),
                "SecurityGroupIds": [self.firewall],
                "IamInstanceProfile": {"Name": f"{CLUSTER}-{role}"},
                "MetadataOptions": {
                    "HttpTokens": "required",
                    "HttpPutResponseHopLimit": 1,
                    "InstanceMetadataTags": "enabled",
                },
            },
        )["LaunchTemplate"]["LaunchTemplateId"]
        hooks = [
            ("quorate-launch", "LAUNCHING", self.launch_seconds, "ABANDON"),
            ("quorate-termination", "TERMINATING", self.termination_seconds, "CONTINUE"),
        ]
        self.aws("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=name,
            MinSize=0,
            MaxSize=max(1, count) if role == "manager" else 10,
            DesiredCapacity=count,
            VPCZoneIdentifier=",".join(subnets),
            LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"},
            Tags=[{"Key": "quorate:cluster", "Value": CLUSTER, "PropagateAtLaunch": True}],
            LifecycleHookSpecificationList=[
                {
                    "LifecycleHookName": hook,
                    "LifecycleTransition": f"autoscaling:EC2_INSTANCE_{change}",
                    "HeartbeatTimeout": seconds,
                    "DefaultResult": result,
                }
                for hook, change, seconds, result in hooks
            ],
        )
        return name

    def launch(self) -> None:
        """Every slot's and every pool's group."""
        for slot, zone in self.slots():
            self.group("manager", slot, [self.subnets[zone]], 1)
        for pool, count in self.pools.items():
            self.group("worker", pool, list(self.subnets.values()), count)

    def end_all(self) -> None:
        """Every group ends with its instances, and the table and the parameter know of no swarm."""
        for group in self.aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]:
            name = group["AutoScalingGroupName"]
            self.aws("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
            self.aws("ec2").delete_launch_template(LaunchTemplateName=name)
        for key in ("claim", "epoch"):
            self.aws("dynamodb").delete_item(TableName=CLUSTER, Key={"id": {"S": key}})
        self._withdraw_token()

    def scale(self, group: str, count: int) -> None:
        self.aws("autoscaling").update_auto_scaling_group(
            AutoScalingGroupName=group, MinSize=0, DesiredCapacity=count
        )

    # What is seen

    def instances(self, group: str) -> dict[str, str]:
        """Lifecycle state by instance id."""
        answer = self.aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
        return {
            one["InstanceId"]: one["LifecycleState"]
            for found in answer["AutoScalingGroups"]
            for one in found["Instances"]
        }

    def item(self, key: str) -> dict[str, Any] | None:
        answer = self.aws("dynamodb").get_item(TableName=CLUSTER, Key={"id": {"S": key}}, ConsistentRead=True)
        return answer.get("Item")

    def token(self) -> str:
        answer = self.aws("ssm").get_parameter(Name=f"/{CLUSTER}/worker-token", WithDecryption=True)
        return str(answer["Parameter"]["Value"])
