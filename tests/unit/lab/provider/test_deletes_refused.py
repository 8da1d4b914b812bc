"""What AWS refuses to delete is refused with its holder's name, and stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from quorate.errors import Refused

Boto = Callable[[str], Any]


@pytest.fixture(scope="module")
def vpc(make: Any) -> Any:
    return make("aws:ec2/vpc:Vpc", cidrBlock="10.1.0.0/16")


def refused(make: Any, token: str, thing: Any, holder: str) -> None:
    with pytest.raises(Refused, match=holder):
        make.provider.delete(token, thing.id, thing.inputs)


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        ("aws:ec2/subnet:Subnet", {"cidrBlock": "10.1.9.0/24", "availabilityZoneId": "use1-az1"}),
        ("aws:ec2/internetGateway:InternetGateway", {}),
        ("aws:ec2/routeTable:RouteTable", {}),
        ("aws:ec2/securityGroup:SecurityGroup", {"name": "holder", "description": "x"}),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", {"serviceName": "com.amazonaws.us-east-1.s3"}),
    ],
)
def test_a_vpc_with_something_in_it_stays(
    make: Any, boto: Boto, vpc: Any, token: str, inputs: dict[str, Any]
) -> None:
    holder = make(token, vpcId=vpc.id, **inputs)
    refused(make, "aws:ec2/vpc:Vpc", vpc, holder.id)
    assert boto("ec2").describe_vpcs(VpcIds=[vpc.id])["Vpcs"]
    make.delete(token, holder)


def test_a_subnet_with_an_instance_stays(make: Any, boto: Boto, vpc: Any) -> None:
    subnet = make(
        "aws:ec2/subnet:Subnet", vpcId=vpc.id, cidrBlock="10.1.1.0/24", availabilityZoneId="use1-az1"
    )
    instance = boto("ec2").run_instances(ImageId="ami-785db401", MinCount=1, MaxCount=1, SubnetId=subnet.id)
    id_ = instance["Instances"][0]["InstanceId"]
    refused(make, "aws:ec2/subnet:Subnet", subnet, id_)

    boto("ec2").terminate_instances(InstanceIds=[id_])
    make.delete("aws:ec2/subnet:Subnet", subnet)


def test_a_group_that_another_ones_rule_names_stays(make: Any, vpc: Any) -> None:
    group = make("aws:ec2/securityGroup:SecurityGroup", name="named", description="x", vpcId=vpc.id)
    other = make("aws:ec2/securityGroup:SecurityGroup", name="naming", description="x", vpcId=vpc.id)
    make(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        securityGroupId=other.id,
        ipProtocol="-1",
        referencedSecurityGroupId=group.id,
    )
    refused(make, "aws:ec2/securityGroup:SecurityGroup", group, other.id)


def test_an_address_of_a_nat_gateway_stays(make: Any, vpc: Any) -> None:
    subnet = make(
        "aws:ec2/subnet:Subnet", vpcId=vpc.id, cidrBlock="10.1.2.0/24", availabilityZoneId="use1-az1"
    )
    address = make("aws:ec2/eip:Eip", domain="vpc")
    nat = make("aws:ec2/natGateway:NatGateway", allocationId=address.id, subnetId=subnet.id)
    refused(make, "aws:ec2/eip:Eip", address, nat.id)
    refused(make, "aws:ec2/subnet:Subnet", subnet, nat.id)


def test_a_route_table_in_use_stays(make: Any, vpc: Any) -> None:
    subnet = make(
        "aws:ec2/subnet:Subnet", vpcId=vpc.id, cidrBlock="10.1.3.0/24", availabilityZoneId="use1-az1"
    )
    table = make("aws:ec2/routeTable:RouteTable", vpcId=vpc.id)
    make("aws:ec2/routeTableAssociation:RouteTableAssociation", routeTableId=table.id, subnetId=subnet.id)
    refused(make, "aws:ec2/routeTable:RouteTable", table, "rtbassoc-")


def test_a_role_with_policies_or_profiles_stays(make: Any) -> None:
    valid = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    )
    role = make("aws:iam/role:Role", name="held", assumeRolePolicy=valid)
    make("aws:iam/instanceProfile:InstanceProfile", name="holding", role=role.id)
    refused(make, "aws:iam/role:Role", role, "holding")
