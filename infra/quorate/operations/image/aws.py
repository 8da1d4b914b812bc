"""AWS as images see it: plain values out, AWS's errors turned into ours once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from quorate.errors import Unknown

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import WaiterConfigTypeDef
    from mypy_boto3_ssm import SSMClient

TAG_ROLE = "quorate:image"
TAG_BUILD = "quorate:build"
"""On what a build starts; drawn anew for each."""
ENDING: WaiterConfigTypeDef = {"Delay": 5, "MaxAttempts": 60}
"""Five minutes for an instance to end, a look every five seconds."""
CURRENT_VERSIONS = ["$Latest", "$Default"]


@dataclass(frozen=True)
class Image:
    """One AMI of ours."""

    id: str
    name: str
    role: str
    created: datetime
    state: str
    snapshots: tuple[str, ...]
    shared_with: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """What a role's parameter says now, and what it said before; None where there is none."""

    current: str | None
    version: int
    previous: str | None


class Region:
    """One region's EC2 and SSM. Every method raises Unknown when AWS gives no answer to rely on."""

    def __init__(self, name: str, ec2: EC2Client, ssm: SSMClient) -> None:
        self.name = name
        self._ec2 = ec2
        self._ssm = ssm

    @classmethod
    def of(cls, name: str, endpoint: str | None = None) -> Region:
        return cls(
            name,
            boto3.client("ec2", region_name=name, endpoint_url=endpoint),
            boto3.client("ssm", region_name=name, endpoint_url=endpoint),
        )

    def images(self) -> tuple[Image, ...]:
        """Every AMI of this account that carries the tag of a role, oldest first."""
        with asking(f"the AMIs in {self.name}"):
            pages = self._ec2.get_paginator("describe_images").paginate(
                Owners=["self"], Filters=[{"Name": "tag-key", "Values": [TAG_ROLE]}]
            )
            found = [_image(raw) for page in pages for raw in page["Images"]]
            return tuple(sorted((self._with_shares(image) for image in found), key=lambda one: one.created))

    def _with_shares(self, image: Image) -> Image:
        answer = self._ec2.describe_image_attribute(ImageId=image.id, Attribute="launchPermission")
        accounts = (one.get("UserId") or one.get("Group", "") for one in answer.get("LaunchPermissions", []))
        return replace(image, shared_with=tuple(accounts))

    def images_in_use(self) -> dict[str, str]:
        """AMI id -> who uses it: instances that are not terminated, launch templates as they now are."""
        with asking(f"what uses AMIs in {self.name}"):
            used: dict[str, str] = {}
            for reservations in self._ec2.get_paginator("describe_instances").paginate():
                for reservation in reservations["Reservations"]:
                    for instance in reservation["Instances"]:
                        if instance["State"]["Name"] != "terminated":
                            used[instance["ImageId"]] = f"instance {instance['InstanceId']}"
            for templates in self._ec2.get_paginator("describe_launch_templates").paginate():
                for template in templates["LaunchTemplates"]:
                    used |= self._images_of(template["LaunchTemplateId"], template["LaunchTemplateName"])
            return used

    def _images_of(self, template_id: str, name: str) -> dict[str, str]:
        answer = self._ec2.describe_launch_template_versions(
            LaunchTemplateId=template_id, Versions=CURRENT_VERSIONS
        )
        images = (
            version["LaunchTemplateData"].get("ImageId", "") for version in answer["LaunchTemplateVersions"]
        )
        return {image: f"launch template {name}" for image in images if image.startswith("ami-")}

    def require_imds_v2(self, image: str) -> None:
        """Instances of this AMI take version 2 of the metadata service only, whatever their template says."""
        with asking(f"IMDSv2 for {image}"):
            self._ec2.modify_image_attribute(ImageId=image, ImdsSupport={"Value": "v2.0"})

    def remove(self, image: Image) -> None:
        """Deregisters the AMI, then deletes its snapshots."""
        with asking(f"removing {image.id}"):
            self._ec2.deregister_image(ImageId=image.id)
            for snapshot in image.snapshots:
                self._ec2.delete_snapshot(SnapshotId=snapshot)

    def remove_named(self, names: Sequence[str]) -> tuple[Image, ...]:
        """Removes this account's AMIs of these exact names, finished or not, with all of their snapshots."""
        with asking(f"the AMIs named {', '.join(names)} in {self.name}"):
            answer = self._ec2.describe_images(
                Owners=["self"], Filters=[{"Name": "name", "Values": list(names)}]
            )
            # an AMI that is still being made does not list its snapshots; their descriptions name it
            found = tuple(
                replace(image, snapshots=tuple({*image.snapshots, *self._snapshots_for(image.id)}))
                for image in map(_image, answer["Images"])
            )
        for image in found:
            self.remove(image)
        return found

    def _snapshots_for(self, image: str) -> set[str]:
        pages = self._ec2.get_paginator("describe_snapshots").paginate(
            OwnerIds=["self"], Filters=[{"Name": "description", "Values": [f"*{image}*"]}]
        )
        return {snapshot["SnapshotId"] for page in pages for snapshot in page["Snapshots"]}

    def end_instances(self, build: str) -> tuple[str, ...]:
        """Terminates what runs with the tag of this build and waits for its end: the instances' ids."""
        with asking(f"instances of build {build} in {self.name}"):
            pages = self._ec2.get_paginator("describe_instances").paginate(
                Filters=[
                    {"Name": f"tag:{TAG_BUILD}", "Values": [build]},
                    {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
                ]
            )
            found = tuple(
                instance["InstanceId"]
                for page in pages
                for reservation in page["Reservations"]
                for instance in reservation["Instances"]
            )
            if found:
                self._ec2.terminate_instances(InstanceIds=found)
                self._ec2.get_waiter("instance_terminated").wait(InstanceIds=found, WaiterConfig=ENDING)
            return found

    def remove_helpers(self, groups: Sequence[str], keys: Sequence[str]) -> tuple[str, ...]:
        """Removes the security groups and key pairs of these names, if they are there; the names of those."""
        removed = []
        with asking(f"temporary security groups and key pairs in {self.name}"):
            if groups:
                answer = self._ec2.describe_security_groups(
                    Filters=[{"Name": "group-name", "Values": list(groups)}]
                )
                for group in answer["SecurityGroups"]:
                    self._ec2.delete_security_group(GroupId=group["GroupId"])
                    removed.append(f"security group {group['GroupName']}")
            if keys:
                pairs = self._ec2.describe_key_pairs(Filters=[{"Name": "key-name", "Values": list(keys)}])
                for pair in pairs["KeyPairs"]:
                    self._ec2.delete_key_pair(KeyName=pair["KeyName"])
                    removed.append(f"key pair {pair['KeyName']}")
        return tuple(removed)

    def newest_name(self, owner: str, pattern: str) -> str | None:
        """The name of an owner's newest available AMI whose name matches; None when there is none."""
        with asking(f"AMIs of {owner} named {pattern} in {self.name}"):
            filters = [{"Name": "name", "Values": [pattern]}, {"Name": "state", "Values": ["available"]}]
            answer = self._ec2.describe_images(Owners=[owner], Filters=filters)  # type: ignore[arg-type]
            names = sorted((image["CreationDate"], image["Name"]) for image in answer["Images"])
            return names[-1][1] if names else None

    def published(self, parameter: str) -> Published:
        """The parameter's value and the one labelled `previous`."""
        current = self._parameter(parameter)
        previous = self._parameter(f"{parameter}:previous") if current else None
        return Published(
            current["Value"] if current else None,
            current["Version"] if current else 0,
            previous["Value"] if previous else None,
        )

    def _parameter(self, name: str) -> Any:
        with asking(f"parameter {name} in {self.name}"):
            try:
                return self._ssm.get_parameter(Name=name)["Parameter"]
            except (self._ssm.exceptions.ParameterNotFound, self._ssm.exceptions.ParameterVersionNotFound):
                return None

    def publish(self, parameter: str, image: str, was: Published) -> None:
        """The parameter names `image` from now on; what it named before carries the label `previous`.

        The label goes first: between the two calls `previous` is what is current, which rolls back nothing.
        """
        with asking(f"parameter {parameter} in {self.name}"):
            if was.version:
                self._ssm.label_parameter_version(
                    Name=parameter, ParameterVersion=was.version, Labels=["previous"]
                )
            self._ssm.put_parameter(
                Name=parameter, Value=image, Type="String", DataType="aws:ec2:image", Overwrite=True
            )


@contextlib.contextmanager
def asking(what: str) -> Iterator[None]:
    """AWS's errors as Unknown: what was asked, and what AWS said."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Unknown(
            f"{what}: AWS gave no answer to rely on: {error}. Nothing further was changed"
        ) from error


def _image(raw: Mapping[str, Any]) -> Image:
    tags = {tag["Key"]: tag["Value"] for tag in raw.get("Tags", [])}
    blocks = (block.get("Ebs", {}) for block in raw.get("BlockDeviceMappings", []))
    return Image(
        id=raw["ImageId"],
        name=raw.get("Name", ""),
        role=tags.get(TAG_ROLE, ""),
        created=datetime.fromisoformat(raw["CreationDate"]),
        state=raw["State"],
        snapshots=tuple(block["SnapshotId"] for block in blocks if block.get("SnapshotId")),
        tags=tags,
    )
