"""Network rows: what they make, change and delete, read back by boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
IGW = "aws:ec2/internetGateway:InternetGateway"
EIP = "aws:ec2/eip:Eip"
NAT = "aws:ec2/natGateway:NatGateway"
TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"

Boto = Callable[[str], Any]


def tags_of(found: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found["Tags"]}


@pytest.fixture
def vpc(make: Any) -> Any:
    made = make(VPC, cidrBlock="10.1.0.0/16", tags={"Name": "net"})
    yield made


def subnet_of(make: Any, vpc: Any, cidr: str = "10.1.0.0/24", zone: str = "use1-az1") -> Any:
    return make(SUBNET, vpcId=vpc.id, cidrBlock=cidr, availabilityZoneId=zone, tags={"Name": cidr})


def test_a_vpc_has_its_network_and_dns_as_asked(make: Any, boto: Boto) -> None:
    made = make(
        VPC, cidrBlock="10.9.0.0/16", enableDnsSupport=False, enableDnsHostnames=True, tags={"Name": "a"}
    )

    seen = boto("ec2").describe_vpcs(VpcIds=[made.id])["Vpcs"][0]
    assert seen["CidrBlock"] == "10.9.0.0/16"
    assert tags_of(seen) == {"Name": "a"}
    assert not dns(boto, made.id, "enableDnsSupport")
    assert dns(boto, made.id, "enableDnsHostnames")
    assert made.outputs["arn"] == f"arn:aws:ec2:us-east-1:{seen['OwnerId']}:vpc/{made.id}"
    assert make.unchanged(VPC, made)

    changed = make.update(VPC, made, cidrBlock="10.9.0.0/16", tags={"Name": "b", "more": "1"})
    assert dns(boto, made.id, "enableDnsSupport")
    assert tags_of(boto("ec2").describe_vpcs(VpcIds=[made.id])["Vpcs"][0]) == {"Name": "b", "more": "1"}

    make.delete(VPC, changed)
    assert made.id not in [each["VpcId"] for each in boto("ec2").describe_vpcs()["Vpcs"]]


def dns(boto: Boto, vpc_id: str, name: str) -> bool:
    answer = boto("ec2").describe_vpc_attribute(VpcId=vpc_id, Attribute=name)
    return answer[name[0].upper() + name[1:]]["Value"]


def test_a_subnet_stands_in_the_zone_that_was_asked_for(make: Any, boto: Boto, vpc: Any) -> None:
    made = subnet_of(make, vpc)

    seen = boto("ec2").describe_subnets(SubnetIds=[made.id])["Subnets"][0]
    assert (seen["VpcId"], seen["CidrBlock"], seen["AvailabilityZoneId"]) == (
        vpc.id,
        "10.1.0.0/24",
        "use1-az1",
    )
    assert seen["MapPublicIpOnLaunch"] is False
    assert made.outputs["availabilityZone"] == seen["AvailabilityZone"]
    assert made.outputs["arn"] == seen["SubnetArn"]
    assert make.unchanged(SUBNET, made)

    public = make.update(SUBNET, made, **{**made.inputs, "mapPublicIpOnLaunch": True})
    assert boto("ec2").describe_subnets(SubnetIds=[made.id])["Subnets"][0]["MapPublicIpOnLaunch"] is True

    make.delete(SUBNET, public)
    assert boto("ec2").describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc.id]}])["Subnets"] == []


def test_an_internet_gateway_is_attached_moved_and_detached(make: Any, boto: Boto, vpc: Any) -> None:
    made = make(IGW, vpcId=vpc.id, tags={"Name": "gate"})
    other = make(VPC, cidrBlock="10.2.0.0/16")

    def attached() -> list[str]:
        gateway = boto("ec2").describe_internet_gateways(InternetGatewayIds=[made.id])["InternetGateways"][0]
        return [each["VpcId"] for each in gateway["Attachments"]]

    assert attached() == [vpc.id]
    assert make.unchanged(IGW, made)
    moved = make.update(IGW, made, vpcId=other.id, tags={"Name": "gate"})
    assert attached() == [other.id]

    make.delete(IGW, moved)
    assert made.id not in [
        each["InternetGatewayId"] for each in boto("ec2").describe_internet_gateways()["InternetGateways"]
    ]


def test_an_address_is_allocated_tagged_and_released(make: Any, boto: Boto) -> None:
    made = make(EIP, domain="vpc", tags={"Name": "out"})

    seen = boto("ec2").describe_addresses(AllocationIds=[made.id])["Addresses"][0]
    assert made.outputs["publicIp"] == seen["PublicIp"]
    assert made.outputs["allocationId"] == made.id
    assert tags_of(seen) == {"Name": "out"}
    assert make.unchanged(EIP, made)

    renamed = make.update(EIP, made, domain="vpc", tags={"Name": "away"})
    assert tags_of(boto("ec2").describe_addresses(AllocationIds=[made.id])["Addresses"][0]) == {
        "Name": "away"
    }

    make.delete(EIP, renamed)
    assert boto("ec2").describe_addresses()["Addresses"] == []


def test_a_nat_gateway_holds_its_subnet_and_address(make: Any, boto: Boto, vpc: Any) -> None:
    subnet, address = subnet_of(make, vpc), make(EIP, domain="vpc")
    made = make(NAT, allocationId=address.id, subnetId=subnet.id, tags={"Name": "nat"})

    seen = boto("ec2").describe_nat_gateways(NatGatewayIds=[made.id])["NatGateways"][0]
    assert seen["State"] == "available"
    assert seen["SubnetId"] == subnet.id
    assert seen["NatGatewayAddresses"][0]["AllocationId"] == address.id
    assert made.outputs["publicIp"] == address.outputs["publicIp"]
    assert make.unchanged(NAT, made)

    make.delete(
        NAT, make.update(NAT, made, allocationId=address.id, subnetId=subnet.id, tags={"Name": "other"})
    )
    make.delete(EIP, address)
    make.delete(SUBNET, subnet)


def test_routes_lead_where_they_are_told_and_follow_a_change(make: Any, boto: Boto, vpc: Any) -> None:
    subnet, address = subnet_of(make, vpc), make(EIP, domain="vpc")
    gateway = make(IGW, vpcId=vpc.id)
    nat = make(NAT, allocationId=address.id, subnetId=subnet.id)
    table = make(TABLE, vpcId=vpc.id, tags={"Name": "private"})
    route = make(ROUTE, routeTableId=table.id, destinationCidrBlock="0.0.0.0/0", natGatewayId=nat.id)

    def way_out() -> dict[str, Any]:
        routes = boto("ec2").describe_route_tables(RouteTableIds=[table.id])["RouteTables"][0]["Routes"]
        return next((each for each in routes if each["DestinationCidrBlock"] == "0.0.0.0/0"), {})

    assert way_out()["NatGatewayId"] == nat.id
    assert route.id == f"r-{table.id}1080289494"
    assert make.unchanged(ROUTE, route)
    assert make.unchanged(TABLE, table)

    moved = make.update(
        ROUTE, route, routeTableId=table.id, destinationCidrBlock="0.0.0.0/0", gatewayId=gateway.id
    )
    assert way_out()["GatewayId"] == gateway.id

    make.delete(ROUTE, moved)
    assert way_out() == {}
    make.delete(TABLE, table)


def test_a_subnet_changes_its_route_table_in_place(make: Any, boto: Boto, vpc: Any) -> None:
    subnet = subnet_of(make, vpc)
    first, second = make(TABLE, vpcId=vpc.id), make(TABLE, vpcId=vpc.id)
    made = make(ASSOCIATION, routeTableId=first.id, subnetId=subnet.id)

    def table() -> list[str]:
        wanted = [{"Name": "association.subnet-id", "Values": [subnet.id]}]
        return [
            each["RouteTableId"] for each in boto("ec2").describe_route_tables(Filters=wanted)["RouteTables"]
        ]

    assert table() == [first.id]
    assert make.unchanged(ASSOCIATION, made)
    moved = make.update(ASSOCIATION, made, routeTableId=second.id, subnetId=subnet.id)
    assert table() == [second.id]
    # The CLI keeps the first id for the life of the resource, so deleting must find the subnet's own.
    make.provider.delete(ASSOCIATION, made.id, moved.inputs)
    assert table() == []


def test_a_gateway_endpoint_serves_its_route_tables(make: Any, boto: Boto, vpc: Any) -> None:
    table, more = make(TABLE, vpcId=vpc.id), make(TABLE, vpcId=vpc.id)
    service = "com.amazonaws.us-east-1.s3"
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}],
    }
    asked = {
        "vpcId": vpc.id,
        "serviceName": service,
        "vpcEndpointType": "Gateway",
        "policy": json.dumps(policy),
    }
    made = make(ENDPOINT, **asked, routeTableIds=[table.id], tags={"Name": "s3"})

    def seen() -> dict[str, Any]:
        return boto("ec2").describe_vpc_endpoints(VpcEndpointIds=[made.id])["VpcEndpoints"][0]

    lists = boto("ec2").describe_managed_prefix_lists()["PrefixLists"]
    assert made.outputs["prefixListId"] in {
        p["PrefixListId"] for p in lists if p["PrefixListName"] == service
    }
    assert seen()["RouteTableIds"] == [table.id]
    assert json.loads(seen()["PolicyDocument"]) == policy
    assert make.unchanged(ENDPOINT, made)

    wider = make.update(ENDPOINT, made, **asked, routeTableIds=[table.id, more.id], tags={"Name": "s3"})
    assert set(seen()["RouteTableIds"]) == {table.id, more.id}
    narrower = make.update(ENDPOINT, wider, **asked, routeTableIds=[table.id], tags={"Name": "s3"})
    assert seen()["RouteTableIds"] == [table.id]

    make.delete(ENDPOINT, narrower)
    left = boto("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    assert made.id not in [each["VpcEndpointId"] for each in left if each["State"] != "deleted"]


def test_an_interface_endpoint_has_subnets_and_groups(make: Any, boto: Boto, vpc: Any) -> None:
    subnet = subnet_of(make, vpc)
    group = make("aws:ec2/securityGroup:SecurityGroup", name="endpoint", description="x", vpcId=vpc.id)
    made = make(
        ENDPOINT,
        vpcId=vpc.id,
        serviceName="com.amazonaws.us-east-1.ssm",
        vpcEndpointType="Interface",
        subnetIds=[subnet.id],
        securityGroupIds=[group.id],
        privateDnsEnabled=True,
    )

    seen = boto("ec2").describe_vpc_endpoints(VpcEndpointIds=[made.id])["VpcEndpoints"][0]
    assert seen["SubnetIds"] == [subnet.id]
    assert [each["GroupId"] for each in seen["Groups"]] == [group.id]
    assert seen["PrivateDnsEnabled"] is True
    assert "prefixListId" not in made.outputs
    assert make.unchanged(ENDPOINT, made)
    make.delete(ENDPOINT, made)
