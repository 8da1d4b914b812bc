"""Nothing that is in use can be deleted; the codes are those of the EC2 and IAM API references."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Aws


def _refused(code: str, call: Callable[..., Any], **arguments: Any) -> None:
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    assert refusal.value.response["Error"]["Code"] == code


def test_a_subnet_with_an_instance(aws: Aws) -> None:
    _vpc, (subnet,) = aws.network("use1-az1")
    aws.group(subnets=[subnet])
    aws.settled(["InService"])
    _refused("DependencyViolation", aws.ec2.delete_subnet, SubnetId=subnet)
    aws.asg.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=0)
    aws.settled([])
    aws.ec2.delete_subnet(SubnetId=subnet)


def test_a_subnet_and_a_security_group_with_an_interface_endpoint(aws: Aws) -> None:
    vpc, (subnet,) = aws.network("use1-az1")
    group = aws.ec2.create_security_group(GroupName="e", Description="e", VpcId=vpc)["GroupId"]
    endpoint = aws.ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName="com.amazonaws.us-east-1.ssm",
        VpcEndpointType="Interface",
        SubnetIds=[subnet],
        SecurityGroupIds=[group],
    )["VpcEndpoint"]["VpcEndpointId"]
    _refused("DependencyViolation", aws.ec2.delete_subnet, SubnetId=subnet)
    _refused("DependencyViolation", aws.ec2.delete_security_group, GroupId=group)
    aws.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    aws.ec2.delete_security_group(GroupId=group)
    aws.ec2.delete_subnet(SubnetId=subnet)
    aws.ec2.delete_vpc(VpcId=vpc)


def test_a_subnet_a_gateway_and_an_address_that_a_nat_gateway_uses(aws: Aws) -> None:
    vpc, (subnet,) = aws.network("use1-az1")
    gateway = aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    aws.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    address = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = aws.ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    shown = aws.ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["NatGatewayAddresses"][0]
    assert shown["PrivateIp"].startswith("10.20.1.")

    _refused("DependencyViolation", aws.ec2.delete_subnet, SubnetId=subnet)
    _refused("InvalidIPAddress.InUse", aws.ec2.release_address, AllocationId=address)
    _refused("DependencyViolation", aws.ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
    _refused("DependencyViolation", aws.ec2.delete_internet_gateway, InternetGatewayId=gateway)
    aws.ec2.delete_nat_gateway(NatGatewayId=nat)
    aws.ec2.release_address(AllocationId=address)
    aws.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    aws.ec2.delete_internet_gateway(InternetGatewayId=gateway)
    aws.ec2.delete_subnet(SubnetId=subnet)
    aws.ec2.delete_vpc(VpcId=vpc)


def test_a_vpc_with_anything_in_it(aws: Aws) -> None:
    vpc, (subnet,) = aws.network("use1-az1")
    group = aws.ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    gateway = aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    aws.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = aws.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    endpoint = aws.ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=[table]
    )["VpcEndpoint"]["VpcEndpointId"]
    undo: list[Callable[[], Any]] = [
        lambda: aws.ec2.delete_subnet(SubnetId=subnet),
        lambda: aws.ec2.delete_security_group(GroupId=group),
        lambda: aws.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc),
        lambda: aws.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint]),
        lambda: aws.ec2.delete_route_table(RouteTableId=table),
    ]
    for step in undo:
        _refused("DependencyViolation", aws.ec2.delete_vpc, VpcId=vpc)
        step()
    aws.ec2.delete_vpc(VpcId=vpc)


def test_a_security_group_that_an_instance_carries_or_another_group_names(aws: Aws) -> None:
    vpc, subnets = aws.network("use1-az1")
    carried = aws.ec2.create_security_group(GroupName="a", Description="a", VpcId=vpc)["GroupId"]
    named = aws.ec2.create_security_group(GroupName="b", Description="b", VpcId=vpc)["GroupId"]
    rule = aws.ec2.authorize_security_group_ingress(
        GroupId=carried,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 2377,
                "ToPort": 2377,
                "UserIdGroupPairs": [{"GroupId": named}],
            }
        ],
    )["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    aws.group(subnets=subnets, template=aws.template(SecurityGroupIds=[carried]))
    aws.settled(["InService"])
    _refused("DependencyViolation", aws.ec2.delete_security_group, GroupId=carried)
    _refused("DependencyViolation", aws.ec2.delete_security_group, GroupId=named)
    aws.ec2.revoke_security_group_ingress(GroupId=carried, SecurityGroupRuleIds=[rule])
    aws.ec2.delete_security_group(GroupId=named)
    aws.asg.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=0)
    aws.settled([])
    aws.ec2.delete_security_group(GroupId=carried)


def test_a_security_group_may_name_itself(aws: Aws) -> None:
    vpc, _subnets = aws.network("use1-az1")
    group = aws.ec2.create_security_group(GroupName="a", Description="a", VpcId=vpc)["GroupId"]
    aws.ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {"IpProtocol": "50", "FromPort": -1, "ToPort": -1, "UserIdGroupPairs": [{"GroupId": group}]}
        ],
    )
    aws.ec2.delete_security_group(GroupId=group)


def test_a_route_table_with_a_subnet(aws: Aws) -> None:
    vpc, (subnet,) = aws.network("use1-az1")
    table = aws.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    association = aws.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    _refused("DependencyViolation", aws.ec2.delete_route_table, RouteTableId=table)
    aws.ec2.disassociate_route_table(AssociationId=association)
    aws.ec2.delete_route_table(RouteTableId=table)


def test_a_role_in_a_profile_or_with_policies_and_a_profile_with_a_role(aws: Aws) -> None:
    iam = aws.client("iam")
    aws.role("manager")
    iam.put_role_policy(
        RoleName="manager",
        PolicyName="p",
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
    )
    _refused("DeleteConflict", iam.delete_role, RoleName="manager")
    _refused("DeleteConflict", iam.delete_instance_profile, InstanceProfileName="manager")
    iam.remove_role_from_instance_profile(InstanceProfileName="manager", RoleName="manager")
    _refused("DeleteConflict", iam.delete_role, RoleName="manager")
    iam.delete_role_policy(RoleName="manager", PolicyName="p")
    iam.delete_role(RoleName="manager")
    iam.delete_instance_profile(InstanceProfileName="manager")


def test_a_protected_table(aws: Aws) -> None:
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
    )
    _refused("ValidationException", dynamodb.delete_table, TableName="t")
    dynamodb.update_table(TableName="t", DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName="t")
