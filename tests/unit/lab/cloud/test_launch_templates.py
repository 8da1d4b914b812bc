"""Versions of launch templates, as EC2 makes them."""

from __future__ import annotations

import base64
from typing import Any

FIRST = base64.b64encode(b'{"first": 1}').decode()
SECOND = base64.b64encode(b'{"second": 2}').decode()


def data_of(ec2: Any, template: str, version: int) -> dict[str, Any]:
    answer = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=[str(version)])
    return answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]


def test_a_version_begins_with_its_source_and_changes_what_is_given(aws):
    ec2 = aws.client("ec2")
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "pool", "Value": "a"}]}]
    template = ec2.create_launch_template(
        LaunchTemplateName="t",
        LaunchTemplateData={"InstanceType": "t3.small", "UserData": FIRST, "TagSpecifications": tags},
    )["LaunchTemplate"]["LaunchTemplateId"]
    ec2.create_launch_template_version(
        LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={"UserData": SECOND}
    )
    assert data_of(ec2, template, 2) == {**data_of(ec2, template, 1), "UserData": SECOND}


def test_a_version_without_a_source_has_only_what_is_given(aws):
    ec2 = aws.client("ec2")
    template = ec2.create_launch_template(
        LaunchTemplateName="t", LaunchTemplateData={"InstanceType": "t3.small", "UserData": FIRST}
    )["LaunchTemplate"]["LaunchTemplateId"]
    ec2.create_launch_template_version(
        LaunchTemplateId=template, LaunchTemplateData={"InstanceType": "t3.large"}
    )
    assert data_of(ec2, template, 2) == {"InstanceType": "t3.large"}


def test_a_later_versions_user_data_reaches_the_instance(aws):
    ec2 = aws.client("ec2")
    template = ec2.create_launch_template(
        LaunchTemplateName="t",
        LaunchTemplateData={"ImageId": "ami-785db401", "InstanceType": "t3.small", "UserData": FIRST},
    )["LaunchTemplate"]["LaunchTemplateId"]
    ec2.create_launch_template_version(
        LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={"UserData": SECOND}
    )
    subnet = ec2.create_subnet(
        VpcId=ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"], CidrBlock="10.30.1.0/24"
    )["Subnet"]["SubnetId"]
    aws.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="g",
        MinSize=1,
        MaxSize=1,
        VPCZoneIdentifier=subnet,
        LaunchTemplate={"LaunchTemplateId": template, "Version": "2"},
    )
    instance = aws.eventually(aws.cloud.instances)[0]
    assert instance.user_data == '{"second": 2}'
