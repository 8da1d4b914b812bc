"""Security groups and rules, read back by boto3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"

Boto = Callable[[str], Any]


@pytest.fixture(scope="module")
def vpc(make: Any) -> Any:
    return make("aws:ec2/vpc:Vpc", cidrBlock="10.1.0.0/16")


def rules(boto: Boto, group: Any) -> list[dict[str, Any]]:
    wanted = [{"Name": "group-id", "Values": [group.id]}]
    return boto("ec2").describe_security_group_rules(Filters=wanted)["SecurityGroupRules"]


def test_a_new_group_lets_nothing_out(make: Any, boto: Boto, vpc: Any) -> None:
    made = make(GROUP, name="closed", description="nothing in or out", vpcId=vpc.id, tags={"Name": "closed"})

    seen = boto("ec2").describe_security_groups(GroupIds=[made.id])["SecurityGroups"][0]
    assert (seen["GroupName"], seen["Description"], seen["VpcId"]) == ("closed", "nothing in or out", vpc.id)
    assert rules(boto, made) == []
    assert made.outputs["arn"] == seen["SecurityGroupArn"]
    assert make.unchanged(GROUP, made)

    make.delete(GROUP, make.update(GROUP, made, **{**made.inputs, "tags": {"Name": "other"}}))
    groups = boto("ec2").describe_security_groups()["SecurityGroups"]
    assert made.id not in [each["GroupId"] for each in groups]


@pytest.mark.parametrize("token", [INGRESS, EGRESS])
def test_a_rule_names_protocol_ports_and_peer(make: Any, boto: Boto, vpc: Any, token: str) -> None:
    group = make(GROUP, name=f"rules-{len(token)}", description="x", vpcId=vpc.id)
    asked = {"securityGroupId": group.id, "ipProtocol": "tcp", "tags": {"Name": "raft"}}
    made = make(
        token, **asked, fromPort=2377.0, toPort=2377.0, referencedSecurityGroupId=group.id, description="raft"
    )

    (seen,) = rules(boto, group)
    assert seen["IsEgress"] is (token == EGRESS)
    assert (seen["IpProtocol"], seen["FromPort"], seen["ToPort"]) == ("tcp", 2377, 2377)
    assert seen["ReferencedGroupInfo"]["GroupId"] == group.id
    assert made.id == seen["SecurityGroupRuleId"]
    assert make.unchanged(token, made)

    wider = make.update(token, made, **asked, fromPort=2377, toPort=2378, referencedSecurityGroupId=group.id)
    assert rules(boto, group)[0]["ToPort"] == 2378

    make.delete(token, wider)
    assert rules(boto, group) == []


def test_a_rule_for_esp_has_no_ports(make: Any, boto: Boto, vpc: Any) -> None:
    group = make(GROUP, name="esp", description="x", vpcId=vpc.id)
    made = make(INGRESS, securityGroupId=group.id, ipProtocol="50", cidrIpv4="10.1.0.0/16")

    (seen,) = rules(boto, group)
    assert (seen["IpProtocol"], seen["CidrIpv4"]) == ("50", "10.1.0.0/16")
    assert make.unchanged(INGRESS, made)


def test_a_rule_for_a_prefix_list_names_it(make: Any, boto: Boto, vpc: Any) -> None:
    group = make(GROUP, name="prefix", description="x", vpcId=vpc.id)
    prefix = boto("ec2").describe_managed_prefix_lists()["PrefixLists"][0]["PrefixListId"]
    made = make(
        EGRESS, securityGroupId=group.id, ipProtocol="tcp", fromPort=443, toPort=443, prefixListId=prefix
    )

    assert rules(boto, group)[0]["PrefixListId"] == prefix
    assert make.unchanged(EGRESS, made)


def test_another_kind_of_peer_makes_a_new_rule(make: Any, vpc: Any) -> None:
    old = {"securityGroupId": "sg-1", "ipProtocol": "50", "cidrIpv4": "10.0.0.0/8"}
    new = {"securityGroupId": "sg-1", "ipProtocol": "50", "referencedSecurityGroupId": "sg-1"}

    assert set(make.provider.diff(INGRESS, old, new).replaces) == {"cidrIpv4", "referencedSecurityGroupId"}
    assert make.provider.diff(INGRESS, old, {**old, "cidrIpv4": "10.0.0.0/9"}).replaces == ()


def test_a_rule_has_exactly_one_peer(make: Any) -> None:
    peers = {"cidrIpv4": "10.0.0.0/8", "prefixListId": "pl-1"}
    checked = make.provider.check(INGRESS, "x", {}, {"securityGroupId": "sg-1", "ipProtocol": "-1", **peers})
    assert "exactly one" in checked.failures[0].reason
