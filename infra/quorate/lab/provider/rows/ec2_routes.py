"""Route tables, routes, and which subnet uses which table."""

from __future__ import annotations

import zlib
from typing import Any, ClassVar

from quorate.lab.provider.aws import Aws
from quorate.lab.provider.row import Change, Made, Row, Wait, in_use, pick
from quorate.lab.provider.rows.ec2 import PAGE, TAGS, Ec2Row, retag, tag_map
from quorate.lab.provider.schema import Failure, Kind, Property
from quorate.lab.provider.values import Values

NO_TABLE = ("InvalidRouteTableID.NotFound",)


def table(aws: Aws, id_: str) -> dict[str, Any] | None:
    """A route table as AWS describes it, or None."""
    answer = aws.lookup("ec2", "describe_route_tables", NO_TABLE, RouteTableIds=[id_])
    found = answer["RouteTables"] if answer else []
    return found[0] if found else None


class RouteTable(Ec2Row):
    token = "aws:ec2/routeTable:RouteTable"
    page = PAGE + "route_table"
    kind = "route-table"
    describe = ("describe_route_tables", "RouteTableIds", "RouteTables")
    absent = NO_TABLE
    properties: ClassVar = {
        "vpcId": Property(Kind.TEXT, required=True, replaces="aws_route_table schema: vpc_id is ForceNew"),
        "tags": TAGS,
    }
    outputs = frozenset({"arn", "ownerId"})

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        made = aws.call("ec2", "create_route_table", VpcId=inputs["vpcId"], **self.tagged(inputs, intent))[
            "RouteTable"
        ]
        return Made(made["RouteTableId"], self._told(aws, made))

    def _told(self, aws: Aws, found: dict[str, Any]) -> Values:
        owner = found["OwnerId"]
        return {
            "arn": self.arn(aws, owner, found["RouteTableId"]),
            "ownerId": owner,
            "vpcId": found["VpcId"],
        }

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        found = self.seen(aws, id_)
        return None if found is None else self._told(aws, found) | {"tags": tag_map(found.get("Tags"))}

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        retag(aws, id_, change.old, change.new)
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        found = self.seen(aws, id_)
        holders = [each["RouteTableAssociationId"] for each in found["Associations"]] if found else []
        if holders:
            raise in_use(f"route table {id_}", ", ".join(holders), "Delete these first (DependencyViolation)")
        aws.lookup("ec2", "delete_route_table", self.absent, RouteTableId=id_)

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        return [each["RouteTableId"] for each in self.marked(aws, intent)]


class Route(Row):
    token = "aws:ec2/route:Route"
    page = PAGE + "route"
    properties: ClassVar = {
        "routeTableId": Property(
            Kind.TEXT, required=True, replaces="aws_route schema: route_table_id is ForceNew"
        ),
        "destinationCidrBlock": Property(
            Kind.TEXT, required=True, replaces="aws_route schema: destination_cidr_block is ForceNew"
        ),
        "gatewayId": Property(Kind.TEXT),
        "natGatewayId": Property(Kind.TEXT),
    }
    outputs = frozenset({"origin", "state"})
    _absent = (*NO_TABLE, "InvalidRoute.NotFound")

    def check(self, inputs: Values) -> list[Failure]:
        if ("gatewayId" in inputs) == ("natGatewayId" in inputs):
            return [
                Failure("gatewayId", "exactly one of gatewayId and natGatewayId says where the route leads")
            ]
        return []

    def _arguments(self, inputs: Values) -> dict[str, Any]:
        return pick(
            inputs,
            RouteTableId="routeTableId",
            DestinationCidrBlock="destinationCidrBlock",
            GatewayId="gatewayId",
            NatGatewayId="natGatewayId",
        )

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        aws.call("ec2", "create_route", **self._arguments(inputs))
        return Made(self._id(inputs), {"origin": "CreateRoute", "state": "active"}, settled=True)

    @staticmethod
    def _id(inputs: Values) -> str:
        # The official provider's id: r-<table><CRC-32 of the destination>.
        return f"r-{inputs['routeTableId']}{zlib.crc32(inputs['destinationCidrBlock'].encode())}"

    def _seen(self, aws: Aws, inputs: Values) -> dict[str, Any] | None:
        routes = (table(aws, inputs["routeTableId"]) or {"Routes": []})["Routes"]
        wanted = inputs["destinationCidrBlock"]
        return next((route for route in routes if route.get("DestinationCidrBlock") == wanted), None)

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        route = self._seen(aws, inputs)
        if route is None:
            return None
        return {
            "routeTableId": inputs["routeTableId"],
            "destinationCidrBlock": route["DestinationCidrBlock"],
            "gatewayId": route.get("GatewayId", ""),
            "natGatewayId": route.get("NatGatewayId", ""),
            "origin": route["Origin"],
            "state": route["State"],
        }

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        aws.call("ec2", "replace_route", **self._arguments(change.new))
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        where = pick(inputs, RouteTableId="routeTableId", DestinationCidrBlock="destinationCidrBlock")
        aws.lookup("ec2", "delete_route", self._absent, **where)

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        route = self._seen(aws, inputs)
        return [self._id(inputs)] if route and route["Origin"] == "CreateRoute" else []


class RouteTableAssociation(Row):
    token = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    page = PAGE + "route_table_association"
    properties: ClassVar = {
        "routeTableId": Property(Kind.TEXT, required=True),
        "subnetId": Property(
            Kind.TEXT, required=True, replaces="aws_route_table_association schema: subnet_id is ForceNew"
        ),
    }

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        made = aws.call(
            "ec2", "associate_route_table", RouteTableId=inputs["routeTableId"], SubnetId=inputs["subnetId"]
        )
        return Made(made["AssociationId"], settled=True)

    def _seen(self, aws: Aws, inputs: Values) -> dict[str, Any] | None:
        # By subnet, since moving a subnet to another table gives the association a new id.
        wanted = [{"Name": "association.subnet-id", "Values": [inputs["subnetId"]]}]
        tables = aws.call("ec2", "describe_route_tables", Filters=wanted)["RouteTables"]
        associations = [each for found in tables for each in found["Associations"]]
        return next((each for each in associations if each.get("SubnetId") == inputs["subnetId"]), None)

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        found = self._seen(aws, inputs)
        if found is None:
            return None
        return {
            "id": found["RouteTableAssociationId"],
            "routeTableId": found["RouteTableId"],
            "subnetId": found["SubnetId"],
        }

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        found = self._seen(aws, change.old)
        moved = aws.call(
            "ec2",
            "replace_route_table_association",
            AssociationId=found["RouteTableAssociationId"] if found else id_,
            RouteTableId=change.new["routeTableId"],
        )
        return {"id": moved["NewAssociationId"]}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        found = self._seen(aws, inputs)
        if found and found["RouteTableId"] == inputs["routeTableId"]:
            gone = ("InvalidAssociationID.NotFound",)
            aws.lookup(
                "ec2", "disassociate_route_table", gone, AssociationId=found["RouteTableAssociationId"]
            )

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        found = self._seen(aws, inputs)
        ours = found and found["RouteTableId"] == inputs["routeTableId"]
        return [found["RouteTableAssociationId"]] if found and ours else []
