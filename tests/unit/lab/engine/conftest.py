"""A lab's cloud, runs against it, and what boto3 finds there."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from quorate.lab.cloud import Cloud
from quorate.lab.engine import Action, Event, Run

PROGRAMS = Path(__file__).parent / "programs"


class Stack:
    """One stack of a test: its state file, its runs, and what they told."""

    def __init__(self, project: Path, state: Path, cloud: Cloud) -> None:
        self.project = project
        self.state = state
        self.cloud = cloud
        self.events: list[Event] = []

    def run(self, **config: str) -> Run:
        """A run with these settings of the project."""
        return Run(
            self.project,
            "lab",
            {key.replace("__", ":"): value for key, value in config.items()},
            state_path=self.state,
            endpoint=self.cloud.endpoint,
            nonce=self.cloud.nonce,
            on_event=self.events.append,
        )

    def up(self, **config: str) -> dict[str, list[str]]:
        """What a run changed, by action."""
        run = self.run(**config)
        run.up()
        return actions(run)

    def preview(self, **config: str) -> dict[str, list[str]]:
        """What a run would change, by action."""
        run = self.run(**config)
        run.preview()
        return actions(run)

    def destroy(self) -> None:
        """Deletes all of it."""
        self.run().destroy()

    def write(self, program: str) -> None:
        """Another program for the next run."""
        text = "import pulumi\nimport pulumi_aws as aws\n" + textwrap.dedent(program)
        (self.project / "__main__.py").write_text(text)


def actions(run: Run) -> dict[str, list[str]]:
    """The names that a run touched, by action; components and what stayed the same left out."""
    found: dict[str, list[str]] = {}
    for each in run.changes:
        if each.custom and each.action is not Action.SAME:
            found.setdefault(each.action.value, []).append(each.name)
    return {action: sorted(names) for action, names in found.items()}


@pytest.fixture
def stack(cloud: Cloud, tmp_path: Path) -> Callable[[str], Stack]:
    """A stack of one of the programs."""

    def of(name: str) -> Stack:
        return Stack(PROGRAMS / name, tmp_path / f"{name}.json", cloud)

    return of


@pytest.fixture
def written(cloud: Cloud, tmp_path: Path) -> Iterator[Callable[[str], Stack]]:
    """A stack whose program the test writes; destroyed at the end."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(
        "name: test\nruntime: python\nconfig:\n  aws:region: {value: us-east-1}\n"
    )
    made = Stack(project, tmp_path / "state.json", cloud)

    def write(program: str) -> Stack:
        made.write(program)
        return made

    yield write
    made.cloud.faults.clear()
    made.destroy()


@pytest.fixture(scope="module")
def inventory(boto: Callable[[str], Any]) -> Callable[[], dict[str, int]]:
    """How many things of each kind there are, the account's own (default VPC and the like) left out."""

    def count() -> dict[str, int]:
        ec2, iam, kms = boto("ec2"), boto("iam"), boto("kms")
        own = {each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"] if each["IsDefault"]}

        def ours(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [each for each in found if each.get("VpcId") not in own]

        tables = ours(ec2.describe_route_tables()["RouteTables"])
        groups = ours(ec2.describe_security_groups()["SecurityGroups"])
        keys = [kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"] for each in kms.list_keys()["Keys"]]
        roles = [each["RoleName"] for each in iam.list_roles()["Roles"]]
        rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
        mine = {each["GroupId"] for each in groups if each["GroupName"] != "default"}
        instances = [i for each in ec2.describe_instances()["Reservations"] for i in each["Instances"]]
        endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
        found = {
            "vpcs": [each for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]],
            "subnets": ours(ec2.describe_subnets()["Subnets"]),
            "internet gateways": ec2.describe_internet_gateways()["InternetGateways"],
            "attachments": [
                a
                for each in ec2.describe_internet_gateways()["InternetGateways"]
                for a in each["Attachments"]
            ],
            "addresses": ec2.describe_addresses()["Addresses"],
            "nat gateways": [
                g for g in ec2.describe_nat_gateways()["NatGateways"] if g["State"] != "deleted"
            ],
            "route tables": [each for each in tables if not any(a["Main"] for a in each["Associations"])],
            "routes": [r for each in tables for r in each["Routes"] if r["Origin"] == "CreateRoute"],
            "associations": [a for each in tables for a in each["Associations"] if not a["Main"]],
            "endpoints": [each for each in endpoints if each["State"] != "deleted"],
            "security groups": mine,
            "rules": [each for each in rules if each["GroupId"] in mine],
            "roles": roles,
            "role policies": [p for r in roles for p in iam.list_role_policies(RoleName=r)["PolicyNames"]],
            "profiles": iam.list_instance_profiles()["InstanceProfiles"],
            "profile roles": [
                r for each in iam.list_instance_profiles()["InstanceProfiles"] for r in each["Roles"]
            ],
            "keys": [key for key in keys if key["KeyState"] == "Enabled"],
            "rotating keys": [
                key
                for key in keys
                if key["KeyState"] == "Enabled"
                and kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
            ],
            "aliases": [
                a for a in kms.list_aliases()["Aliases"] if not a["AliasName"].startswith("alias/aws/")
            ],
            "grants": [
                g
                for key in keys
                if key["KeyState"] == "Enabled"
                for g in kms.list_grants(KeyId=key["KeyId"])["Grants"]
            ],
            "tables": boto("dynamodb").list_tables()["TableNames"],
            "items": [
                item
                for table in boto("dynamodb").list_tables()["TableNames"]
                for item in boto("dynamodb").scan(TableName=table)["Items"]
            ],
            "parameters": boto("ssm").describe_parameters()["Parameters"],
            "templates": ec2.describe_launch_templates()["LaunchTemplates"],
            "groups": boto("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"],
            "instances": [
                each for each in instances if each["State"]["Name"] not in ("terminated", "shutting-down")
            ],
        }
        return {kind: len(things) for kind, things in found.items() if things}

    return count
