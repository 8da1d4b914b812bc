"""VPCs and subnets."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from quorate.lab.provider.aws import Aws
from quorate.lab.provider.row import Change, Made, Wait, in_use, pick
from quorate.lab.provider.rows.ec2 import PAGE, TAGS, Ec2Row, retag, tag_map
from quorate.lab.provider.schema import Kind, Property
from quorate.lab.provider.values import Values

GONE_STATES: Final = ("deleting", "deleted")


class Vpc(Ec2Row):
    token = "aws:ec2/vpc:Vpc"
    page = PAGE + "vpc"
    kind = "vpc"
    describe = ("describe_vpcs", "VpcIds", "Vpcs")
    absent = ("InvalidVpcID.NotFound",)
    properties: ClassVar = {
        "cidrBlock": Property(Kind.TEXT, computed=True, replaces="aws_vpc schema: cidr_block is ForceNew"),
        "enableDnsSupport": Property(Kind.FLAG, default=True),
        "enableDnsHostnames": Property(Kind.FLAG, computed=True),
        "tags": TAGS,
    }
    outputs = frozenset({"arn", "ownerId", "instanceTenancy", "dhcpOptionsId"})

    _attributes: ClassVar = {
        "enableDnsSupport": "EnableDnsSupport",
        "enableDnsHostnames": "EnableDnsHostnames",
    }

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        vpc = aws.call(
            "ec2", "create_vpc", **pick(inputs, CidrBlock="cidrBlock"), **self.tagged(inputs, intent)
        )["Vpc"]
        return Made(vpc["VpcId"], self._told(aws, vpc))

    def settle(self, aws: Aws, id_: str, inputs: Values, told: Values, wait: Wait) -> Values:
        # What create-vpc gives by itself needs no call: support on, host names off.
        if inputs.get("enableDnsSupport") is False:
            self._set(aws, id_, "enableDnsSupport", False)
        if inputs.get("enableDnsHostnames"):
            self._set(aws, id_, "enableDnsHostnames", True)
        return {}

    def _set(self, aws: Aws, id_: str, name: str, value: bool) -> None:
        aws.call("ec2", "modify_vpc_attribute", VpcId=id_, **{self._attributes[name]: {"Value": value}})

    def _told(self, aws: Aws, vpc: dict[str, Any]) -> Values:
        owner = vpc["OwnerId"]
        return {
            "arn": self.arn(aws, owner, vpc["VpcId"]),
            "ownerId": owner,
            "cidrBlock": vpc["CidrBlock"],
            "instanceTenancy": vpc["InstanceTenancy"],
            "dhcpOptionsId": vpc["DhcpOptionsId"],
        }

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        vpc = self.seen(aws, id_)
        if vpc is None:
            return None
        flags = {
            name: aws.call("ec2", "describe_vpc_attribute", VpcId=id_, Attribute=name)[attribute]["Value"]
            for name, attribute in self._attributes.items()
        }
        return self._told(aws, vpc) | flags | {"tags": tag_map(vpc.get("Tags"))}

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        for name in self._attributes:
            if name in change.names:
                self._set(aws, id_, name, change.new.get(name, name == "enableDnsSupport"))
        retag(aws, id_, change.old, change.new)
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        self._refuse_while_used(aws, id_)
        aws.lookup("ec2", "delete_vpc", self.absent, VpcId=id_)

    def _refuse_while_used(self, aws: Aws, id_: str) -> None:
        within = [{"Name": "vpc-id", "Values": [id_]}]
        attached = [{"Name": "attachment.vpc-id", "Values": [id_]}]
        groups = aws.call("ec2", "describe_security_groups", Filters=within)["SecurityGroups"]
        tables = aws.call("ec2", "describe_route_tables", Filters=within)["RouteTables"]
        endpoints = aws.call("ec2", "describe_vpc_endpoints", Filters=within)["VpcEndpoints"]
        holders: list[str] = [
            *(s["SubnetId"] for s in aws.call("ec2", "describe_subnets", Filters=within)["Subnets"]),
            *(
                g["InternetGatewayId"]
                for g in aws.call("ec2", "describe_internet_gateways", Filters=attached)["InternetGateways"]
            ),
            *(e["VpcEndpointId"] for e in endpoints if e["State"].lower() not in GONE_STATES),
            *(g["GroupId"] for g in groups if g["GroupName"] != "default"),
            *(t["RouteTableId"] for t in tables if not any(a.get("Main") for a in t["Associations"])),
        ]
        if holders:
            raise in_use(f"VPC {id_}", ", ".join(holders), "Delete these first (DependencyViolation)")

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        return [each["VpcId"] for each in self.marked(aws, intent)]


class Subnet(Ec2Row):
    token = "aws:ec2/subnet:Subnet"
    page = PAGE + "subnet"
    kind = "subnet"
    describe = ("describe_subnets", "SubnetIds", "Subnets")
    absent = ("InvalidSubnetID.NotFound",)
    properties: ClassVar = {
        "vpcId": Property(Kind.TEXT, required=True, replaces="aws_subnet schema: vpc_id is ForceNew"),
        "cidrBlock": Property(Kind.TEXT, replaces="aws_subnet schema: cidr_block is ForceNew"),
        "availabilityZoneId": Property(
            Kind.TEXT, computed=True, replaces="aws_subnet schema: availability_zone_id is ForceNew"
        ),
        "mapPublicIpOnLaunch": Property(Kind.FLAG, default=False),
        "tags": TAGS,
    }
    outputs = frozenset({"arn", "ownerId", "availabilityZone"})

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        subnet = aws.call(
            "ec2",
            "create_subnet",
            **pick(inputs, VpcId="vpcId", CidrBlock="cidrBlock", AvailabilityZoneId="availabilityZoneId"),
            **self.tagged(inputs),
        )["Subnet"]
        return Made(subnet["SubnetId"], self._told(subnet))

    def settle(self, aws: Aws, id_: str, inputs: Values, told: Values, wait: Wait) -> Values:
        # Said either way: AWS gives false by itself, moto true.
        self._map_public(aws, id_, inputs.get("mapPublicIpOnLaunch", False))
        return {"mapPublicIpOnLaunch": inputs.get("mapPublicIpOnLaunch", False)}

    def _map_public(self, aws: Aws, id_: str, value: bool) -> None:
        aws.call("ec2", "modify_subnet_attribute", SubnetId=id_, MapPublicIpOnLaunch={"Value": value})

    def _told(self, subnet: dict[str, Any]) -> Values:
        return {
            "arn": subnet["SubnetArn"],
            "ownerId": subnet["OwnerId"],
            "vpcId": subnet["VpcId"],
            "cidrBlock": subnet["CidrBlock"],
            "availabilityZone": subnet["AvailabilityZone"],
            "availabilityZoneId": subnet["AvailabilityZoneId"],
        }

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        subnet = self.seen(aws, id_)
        if subnet is None:
            return None
        flags = {"mapPublicIpOnLaunch": subnet["MapPublicIpOnLaunch"]}
        return self._told(subnet) | flags | {"tags": tag_map(subnet.get("Tags"))}

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        if "mapPublicIpOnLaunch" in change.names:
            self._map_public(aws, id_, change.new.get("mapPublicIpOnLaunch", False))
        retag(aws, id_, change.old, change.new)
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        holders = interfaces(aws, "subnet-id", id_)
        if holders:
            raise in_use(
                f"subnet {id_}", ", ".join(holders), "Delete what runs in it first (DependencyViolation)"
            )
        aws.lookup("ec2", "delete_subnet", self.absent, SubnetId=id_)

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        # No two subnets of a VPC overlap.
        found = self.where(aws, vpc_id=inputs["vpcId"], cidr_block=inputs["cidrBlock"])
        return [subnet["SubnetId"] for subnet in found]


def interfaces(aws: Aws, name: str, value: str) -> list[str]:
    """Who holds a network interface there: instances that are not terminated, NAT gateways, endpoints."""
    wanted = [{"Name": name, "Values": [value]}]
    alive = [
        {
            "Name": "instance-state-name",
            "Values": ["pending", "running", "shutting-down", "stopping", "stopped"],
        }
    ]
    instance_filter = {"subnet-id": "subnet-id", "group-id": "instance.group-id"}[name]
    reservations = aws.call(
        "ec2", "describe_instances", Filters=[{"Name": instance_filter, "Values": [value]}, *alive]
    )["Reservations"]
    holders = [instance["InstanceId"] for each in reservations for instance in each["Instances"]]
    if name == "subnet-id":
        gateways = aws.call("ec2", "describe_nat_gateways", Filters=wanted)["NatGateways"]
        holders += [
            gateway["NatGatewayId"] for gateway in gateways if gateway["State"] not in ("deleted", "failed")
        ]
        endpoints = aws.call("ec2", "describe_vpc_endpoints")["VpcEndpoints"]
        holders += [
            each["VpcEndpointId"]
            for each in endpoints
            if value in each.get("SubnetIds", []) and each["State"].lower() not in GONE_STATES
        ]
    return holders
