"""Launch templates: what an Auto Scaling group starts."""

from __future__ import annotations

import base64
import binascii
from typing import Any, ClassVar, Final

from quorate.lab.provider.aws import Aws
from quorate.lab.provider.row import Change, Made, Wait, pick
from quorate.lab.provider.rows.ec2 import PAGE, TAGS, Ec2Row, retag, tag_list, tag_map
from quorate.lab.provider.schema import Failure, Kind, Property
from quorate.lab.provider.values import Values

PROFILE: Final = {"arn": "Arn", "name": "Name"}
METADATA: Final = {
    "httpEndpoint": "HttpEndpoint",
    "httpTokens": "HttpTokens",
    "httpPutResponseHopLimit": "HttpPutResponseHopLimit",
    "instanceMetadataTags": "InstanceMetadataTags",
}
DISK: Final = {
    "encrypted": "Encrypted",
    "kmsKeyId": "KmsKeyId",
    "volumeType": "VolumeType",
    "volumeSize": "VolumeSize",
    "deleteOnTermination": "DeleteOnTermination",
}
INTERFACE: Final = {
    "associatePublicIpAddress": "AssociatePublicIpAddress",
    "deleteOnTermination": "DeleteOnTermination",
    "deviceIndex": "DeviceIndex",
    "securityGroups": "Groups",
}
FLAGS: Final = ("encrypted", "deleteOnTermination", "associatePublicIpAddress")
WHOLE: Final = ("httpPutResponseHopLimit", "volumeSize", "deviceIndex")


def _fields(names: dict[str, str]) -> dict[str, Property]:
    return {
        name: Property(
            Kind.FLAG_TEXT
            if name in FLAGS
            else Kind.WHOLE
            if name in WHOLE
            else Kind.TEXT_SET
            if name == "securityGroups"
            else Kind.TEXT
        )
        for name in names
    }


def _to_aws(names: dict[str, str], block: Values) -> dict[str, Any]:
    return {
        names[name]: value == "true" if name in FLAGS else value
        for name, value in block.items()
        if name in names and value != ""
    }


def _from_aws(names: dict[str, str], told: dict[str, Any]) -> Values:
    return {
        name: str(told[key]).lower() if name in FLAGS else told[key]
        for name, key in names.items()
        if key in told
    }


class LaunchTemplate(Ec2Row):
    token = "aws:ec2/launchTemplate:LaunchTemplate"
    page = PAGE + "launch_template"
    kind = "launch-template"
    describe = ("describe_launch_templates", "LaunchTemplateIds", "LaunchTemplates")
    absent = ("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException")
    properties: ClassVar = {
        "name": Property(Kind.TEXT, computed=True, replaces="aws_launch_template schema: name is ForceNew"),
        "description": Property(Kind.TEXT),
        "imageId": Property(Kind.TEXT),
        "instanceType": Property(Kind.TEXT),
        "userData": Property(Kind.TEXT),
        "iamInstanceProfile": Property(Kind.BLOCK, fields=_fields(PROFILE)),
        "metadataOptions": Property(Kind.BLOCK, computed=True, fields=_fields(METADATA)),
        "blockDeviceMappings": Property(
            Kind.BLOCKS,
            fields={"deviceName": Property(Kind.TEXT), "ebs": Property(Kind.BLOCK, fields=_fields(DISK))},
        ),
        "networkInterfaces": Property(Kind.BLOCKS, fields=_fields(INTERFACE)),
        "tagSpecifications": Property(
            Kind.BLOCKS, fields={"resourceType": Property(Kind.TEXT), "tags": Property(Kind.TEXT_MAP)}
        ),
        "updateDefaultVersion": Property(Kind.FLAG, default=False),
        "tags": TAGS,
    }
    outputs = frozenset({"arn", "defaultVersion", "latestVersion"})
    name_property = "name"

    def check(self, inputs: Values) -> list[Failure]:
        data = inputs.get("userData")
        if isinstance(data, str):
            try:
                base64.b64decode(data, validate=True)
            except binascii.Error:
                return [Failure("userData", "is not base64; EC2 takes user-data encoded so")]
        return []

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        template = aws.call(
            "ec2",
            "create_launch_template",
            LaunchTemplateName=inputs["name"],
            LaunchTemplateData=self._data(inputs),
            **pick(inputs, VersionDescription="description"),
            **self.tagged(inputs),
        )["LaunchTemplate"]
        return Made(template["LaunchTemplateId"], self._told(aws, template), settled=True)

    @staticmethod
    def _data(inputs: Values) -> dict[str, Any]:
        data = pick(inputs, ImageId="imageId", InstanceType="instanceType", UserData="userData")
        if inputs.get("iamInstanceProfile"):
            data["IamInstanceProfile"] = _to_aws(PROFILE, inputs["iamInstanceProfile"])
        if inputs.get("metadataOptions"):
            data["MetadataOptions"] = _to_aws(METADATA, inputs["metadataOptions"])
        if inputs.get("blockDeviceMappings"):
            data["BlockDeviceMappings"] = [
                pick(disk, DeviceName="deviceName")
                | ({"Ebs": _to_aws(DISK, disk["ebs"])} if "ebs" in disk else {})
                for disk in inputs["blockDeviceMappings"]
            ]
        if inputs.get("networkInterfaces"):
            data["NetworkInterfaces"] = [_to_aws(INTERFACE, each) for each in inputs["networkInterfaces"]]
        if inputs.get("tagSpecifications"):
            data["TagSpecifications"] = [
                {"ResourceType": each["resourceType"], "Tags": tag_list(each.get("tags", {}))}
                for each in inputs["tagSpecifications"]
            ]
        return data

    def _told(self, aws: Aws, template: dict[str, Any]) -> Values:
        return {
            "arn": aws.arn("ec2", f"launch-template/{template['LaunchTemplateId']}"),
            "defaultVersion": template["DefaultVersionNumber"],
            "latestVersion": template["LatestVersionNumber"],
        }

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        template = self.seen(aws, id_)
        if template is None:
            return None
        latest = aws.call(
            "ec2", "describe_launch_template_versions", LaunchTemplateId=id_, Versions=["$Latest"]
        )["LaunchTemplateVersions"][0]
        data = latest["LaunchTemplateData"]
        return self._told(aws, template) | {
            "name": template["LaunchTemplateName"],
            "description": latest.get("VersionDescription", ""),
            "imageId": data.get("ImageId", ""),
            "instanceType": data.get("InstanceType", ""),
            "userData": data.get("UserData", ""),
            "iamInstanceProfile": _from_aws(PROFILE, data.get("IamInstanceProfile", {})),
            "metadataOptions": _from_aws(METADATA, data.get("MetadataOptions", {})),
            "blockDeviceMappings": [
                {"deviceName": disk.get("DeviceName"), "ebs": _from_aws(DISK, disk.get("Ebs", {}))}
                for disk in data.get("BlockDeviceMappings", [])
            ],
            "networkInterfaces": [_from_aws(INTERFACE, each) for each in data.get("NetworkInterfaces", [])],
            "tagSpecifications": [
                {"resourceType": each["ResourceType"], "tags": tag_map(each.get("Tags"))}
                for each in data.get("TagSpecifications", [])
                if each["ResourceType"] != self.kind  # moto puts the template's own tags there as well
            ],
            "tags": tag_map(template.get("Tags")),
        }

    def fresh(self, new: Values, changed: list[str]) -> set[str]:
        versions = {"latestVersion"} if set(changed) - {"tags", "updateDefaultVersion"} else set()
        return versions | (
            {"defaultVersion"} if new.get("updateDefaultVersion") and set(changed) - {"tags"} else set()
        )

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        retag(aws, id_, change.old, change.new)
        if not set(change.names) - {"tags"}:
            return {}
        if set(change.names) - {"tags", "updateDefaultVersion"}:
            aws.call(
                "ec2",
                "create_launch_template_version",
                LaunchTemplateId=id_,
                LaunchTemplateData=self._data(change.new),
                **pick(change.new, VersionDescription="description"),
            )
        told = self._told(aws, self.seen(aws, id_) or {})
        if change.new.get("updateDefaultVersion") and told["defaultVersion"] != told["latestVersion"]:
            latest = told["latestVersion"]
            aws.call("ec2", "modify_launch_template", LaunchTemplateId=id_, DefaultVersion=str(latest))
            told["defaultVersion"] = latest
        return told

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        aws.lookup("ec2", "delete_launch_template", self.absent, LaunchTemplateId=id_)

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        answer = aws.lookup(
            "ec2", "describe_launch_templates", self.absent, LaunchTemplateNames=[inputs["name"]]
        ) or {"LaunchTemplates": []}
        return [
            template["LaunchTemplateId"]
            for template in answer["LaunchTemplates"]
            if tag_map(template.get("Tags")) == inputs.get("tags", {})
        ]
