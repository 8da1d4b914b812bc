"""Security group rules as EC2 shows them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Aws


def _rules(aws: Aws, group: str) -> list[dict[str, Any]]:
    filters = [{"Name": "group-id", "Values": [group]}]
    found = aws.ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    return [rule for rule in found if not rule["IsEgress"] or "PrefixListId" in rule]


def _group(aws: Aws) -> str:
    vpc, _subnets = aws.network("use1-az1")
    return str(aws.ec2.create_security_group(GroupName="a", Description="a", VpcId=vpc)["GroupId"])


def test_esp_needs_no_ports(aws: Aws) -> None:
    group = _group(aws)
    pair = {"GroupId": group, "Description": "encrypted overlays"}
    aws.ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[{"IpProtocol": "50", "UserIdGroupPairs": [pair]}]
    )
    (rule,) = _rules(aws, group)
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("50", -1, -1)
    assert rule["ReferencedGroupInfo"]["GroupId"] == group
    assert rule["Description"] == "encrypted overlays"


def test_tcp_needs_both_ports(aws: Aws) -> None:
    group = _group(aws)
    with pytest.raises(ClientError) as refusal:
        aws.ec2.authorize_security_group_ingress(
            GroupId=group,
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}],
        )
    assert refusal.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert _rules(aws, group) == []


def test_a_prefix_list_keeps_its_description(aws: Aws) -> None:
    group = _group(aws)
    prefix_list = aws.ec2.describe_managed_prefix_lists()["PrefixLists"][0]["PrefixListId"]
    aws.ec2.authorize_security_group_egress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "PrefixListIds": [{"PrefixListId": prefix_list, "Description": "S3"}],
            }
        ],
    )
    (rule,) = _rules(aws, group)
    assert (rule["PrefixListId"], rule["Description"]) == (prefix_list, "S3")
