"""Internet gateways, elastic addresses, NAT gateways."""

from __future__ import annotations

from typing import Any, ClassVar

from quorate.errors import Failed
from quorate.lab.provider.aws import Aws, AwsRefused
from quorate.lab.provider.row import Change, Made, Wait, in_use, pick
from quorate.lab.provider.rows.ec2 import PAGE, TAGS, Ec2Row, retag, tag_map
from quorate.lab.provider.schema import Kind, Property
from quorate.lab.provider.values import Values


class InternetGateway(Ec2Row):
    token = "aws:ec2/internetGateway:InternetGateway"
    page = PAGE + "internet_gateway"
    kind = "internet-gateway"
    describe = ("describe_internet_gateways", "InternetGatewayIds", "InternetGateways")
    absent = ("InvalidInternetGatewayID.NotFound",)
    properties: ClassVar = {"vpcId": Property(Kind.TEXT, computed=True), "tags": TAGS}
    outputs = frozenset({"arn", "ownerId"})

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        gateway = aws.call("ec2", "create_internet_gateway", **self.tagged(inputs, intent))["InternetGateway"]
        return Made(gateway["InternetGatewayId"], self._told(aws, gateway))

    def settle(self, aws: Aws, id_: str, inputs: Values, told: Values, wait: Wait) -> Values:
        if "vpcId" in inputs:
            self._attach(aws, id_, inputs["vpcId"])
        return {}

    def _attach(self, aws: Aws, id_: str, vpc: str) -> None:
        try:
            aws.call("ec2", "attach_internet_gateway", InternetGatewayId=id_, VpcId=vpc)
        except AwsRefused:
            if self._vpc(self.seen(aws, id_)) != vpc:
                raise

    def _detach(self, aws: Aws, id_: str, vpc: str) -> None:
        gone = (*self.absent, "Gateway.NotAttached", "InvalidVpcID.NotFound")
        aws.lookup("ec2", "detach_internet_gateway", gone, InternetGatewayId=id_, VpcId=vpc)

    @staticmethod
    def _vpc(gateway: dict[str, Any] | None) -> str | None:
        attached = gateway["Attachments"] if gateway else []
        return attached[0]["VpcId"] if attached else None

    def _told(self, aws: Aws, gateway: dict[str, Any]) -> Values:
        owner = gateway["OwnerId"]
        return {
            "arn": self.arn(aws, owner, gateway["InternetGatewayId"]),
            "ownerId": owner,
        }

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        gateway = self.seen(aws, id_)
        if gateway is None:
            return None
        return self._told(aws, gateway) | {
            "vpcId": self._vpc(gateway) or "",
            "tags": tag_map(gateway.get("Tags")),
        }

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        if "vpcId" in change.names:
            if change.old.get("vpcId"):
                self._detach(aws, id_, change.old["vpcId"])
            if change.new.get("vpcId"):
                self._attach(aws, id_, change.new["vpcId"])
        retag(aws, id_, change.old, change.new)
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        vpc = self._vpc(self.seen(aws, id_))
        if vpc:
            self._detach(aws, id_, vpc)
        aws.lookup("ec2", "delete_internet_gateway", self.absent, InternetGatewayId=id_)

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        return [each["InternetGatewayId"] for each in self.marked(aws, intent)]


class Eip(Ec2Row):
    token = "aws:ec2/eip:Eip"
    page = PAGE + "eip"
    kind = "elastic-ip"
    describe = ("describe_addresses", "AllocationIds", "Addresses")
    absent = ("InvalidAllocationID.NotFound",)
    properties: ClassVar = {
        "domain": Property(Kind.TEXT, computed=True, replaces="aws_eip schema: domain is ForceNew"),
        "tags": TAGS,
    }
    outputs = frozenset({"allocationId", "arn", "publicIp"})

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        address = aws.call(
            "ec2", "allocate_address", **pick(inputs, Domain="domain"), **self.tagged(inputs, intent)
        )
        return Made(address["AllocationId"], self._told(aws, address))

    def _told(self, aws: Aws, address: dict[str, Any]) -> Values:
        return {
            "allocationId": address["AllocationId"],
            "arn": aws.arn("ec2", f"elastic-ip/{address['AllocationId']}"),
            "domain": address["Domain"],
            "publicIp": address["PublicIp"],
        }

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        address = self.seen(aws, id_)
        return None if address is None else self._told(aws, address) | {"tags": tag_map(address.get("Tags"))}

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        retag(aws, id_, change.old, change.new)
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        gateways = aws.call("ec2", "describe_nat_gateways")["NatGateways"]
        holders = [
            gateway["NatGatewayId"]
            for gateway in gateways
            if gateway["State"] not in ("deleted", "failed")
            and any(each.get("AllocationId") == id_ for each in gateway["NatGatewayAddresses"])
        ]
        if holders:
            raise in_use(
                f"address {id_}", ", ".join(holders), "Delete the gateway first (InvalidIPAddress.InUse)"
            )
        aws.lookup("ec2", "release_address", self.absent, AllocationId=id_)

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        return [each["AllocationId"] for each in self.marked(aws, intent)]


class NatGateway(Ec2Row):
    token = "aws:ec2/natGateway:NatGateway"
    page = PAGE + "nat_gateway"
    kind = "natgateway"
    describe = ("describe_nat_gateways", "NatGatewayIds", "NatGateways")
    absent = ("NatGatewayNotFound",)
    properties: ClassVar = {
        "allocationId": Property(Kind.TEXT, replaces="aws_nat_gateway schema: allocation_id is ForceNew"),
        "subnetId": Property(Kind.TEXT, replaces="aws_nat_gateway schema: subnet_id is ForceNew"),
        "tags": TAGS,
    }
    outputs = frozenset({"associationId", "networkInterfaceId", "privateIp", "publicIp", "connectivityType"})
    delete_seconds = 1800.0

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        gateway = aws.call(
            "ec2",
            "create_nat_gateway",
            **pick(inputs, AllocationId="allocationId", SubnetId="subnetId"),
            **self.tagged(inputs),
        )["NatGateway"]
        return Made(gateway["NatGatewayId"], self._told(gateway), settled=gateway["State"] == "available")

    def settle(self, aws: Aws, id_: str, inputs: Values, told: Values, wait: Wait) -> Values:
        def available() -> bool:
            gateway = self.seen(aws, id_)
            if gateway is None or gateway["State"] in ("failed", "deleted"):
                raise Failed(
                    f"NAT gateway {id_} failed to start: {(gateway or {}).get('FailureMessage', 'no reason')}"
                )
            return bool(gateway["State"] == "available")

        wait.until(available, f"NAT gateway {id_} available")
        return {}

    def _told(self, gateway: dict[str, Any]) -> Values:
        address = gateway["NatGatewayAddresses"][0]
        return {
            "allocationId": address.get("AllocationId"),
            "associationId": address.get("AssociationId"),
            "networkInterfaceId": address.get("NetworkInterfaceId"),
            "privateIp": address.get("PrivateIp"),
            "publicIp": address.get("PublicIp"),
            "subnetId": gateway["SubnetId"],
            "connectivityType": gateway.get("ConnectivityType", "public"),
        }

    def seen(self, aws: Aws, id_: str) -> dict[str, Any] | None:
        gateway = super().seen(aws, id_)
        return None if gateway is None or gateway["State"] == "deleted" else gateway

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        gateway = self.seen(aws, id_)
        return None if gateway is None else self._told(gateway) | {"tags": tag_map(gateway.get("Tags"))}

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        retag(aws, id_, change.old, change.new)
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        aws.lookup("ec2", "delete_nat_gateway", self.absent, NatGatewayId=id_)
        wait.until(lambda: self.seen(aws, id_) is None, f"NAT gateway {id_} deleted")

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        return [
            gateway["NatGatewayId"]
            for gateway in self.where(aws, subnet_id=inputs["subnetId"])
            if gateway["State"] in ("pending", "available")
            and inputs.get("allocationId")
            in {each.get("AllocationId") for each in gateway["NatGatewayAddresses"]}
        ]
