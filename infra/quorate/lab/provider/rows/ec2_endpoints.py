"""VPC endpoints: gateways for S3 and DynamoDB, interfaces for the rest."""

from __future__ import annotations

from typing import Any, ClassVar

from quorate.errors import Failed
from quorate.lab.provider.aws import Aws
from quorate.lab.provider.row import Change, Made, Wait, pick
from quorate.lab.provider.rows.ec2 import PAGE, TAGS, Ec2Row, retag, tag_map
from quorate.lab.provider.schema import Kind, Property
from quorate.lab.provider.values import Values


class VpcEndpoint(Ec2Row):
    token = "aws:ec2/vpcEndpoint:VpcEndpoint"
    page = PAGE + "vpc_endpoint"
    kind = "vpc-endpoint"
    describe = ("describe_vpc_endpoints", "VpcEndpointIds", "VpcEndpoints")
    absent = ("InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound")
    properties: ClassVar = {
        "vpcId": Property(Kind.TEXT, required=True, replaces="aws_vpc_endpoint schema: vpc_id is ForceNew"),
        "serviceName": Property(Kind.TEXT, replaces="aws_vpc_endpoint schema: service_name is ForceNew"),
        "vpcEndpointType": Property(
            Kind.TEXT, default="Gateway", replaces="aws_vpc_endpoint schema: vpc_endpoint_type is ForceNew"
        ),
        "routeTableIds": Property(Kind.TEXT_SET, computed=True),
        "subnetIds": Property(Kind.TEXT_SET, computed=True),
        "securityGroupIds": Property(Kind.TEXT_SET, computed=True),
        "privateDnsEnabled": Property(Kind.FLAG, computed=True),
        "policy": Property(Kind.JSON, computed=True),
        "tags": TAGS,
    }
    outputs = frozenset({"arn", "ownerId", "state", "prefixListId", "networkInterfaceIds", "dnsEntries"})

    def forces_new(self, old: Values, new: Values, changed: list[str]) -> set[str]:
        # "If vpc_endpoint_type is anything other than Interface, changing this value forces a new
        # resource to be created" (private_dns_enabled on the page).
        interface = new.get("vpcEndpointType") == "Interface"
        return {"privateDnsEnabled"} if "privateDnsEnabled" in changed and not interface else set()

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        made = aws.call(
            "ec2",
            "create_vpc_endpoint",
            PrivateDnsEnabled=inputs.get("privateDnsEnabled", False),
            VpcEndpointType=inputs.get("vpcEndpointType", "Gateway"),
            **pick(
                inputs,
                VpcId="vpcId",
                ServiceName="serviceName",
                RouteTableIds="routeTableIds",
                SubnetIds="subnetIds",
                SecurityGroupIds="securityGroupIds",
                PolicyDocument="policy",
            ),
            **self.tagged(inputs),
        )["VpcEndpoint"]
        return Made(made["VpcEndpointId"], self._told(aws, made))

    @staticmethod
    def _is_gateway(inputs: Values) -> bool:
        return bool(inputs.get("vpcEndpointType", "Gateway") == "Gateway")

    def settle(self, aws: Aws, id_: str, inputs: Values, told: Values, wait: Wait) -> Values:
        now = dict(told)

        def available() -> bool:
            state = str(now.get("state", "")).lower()
            if state in ("failed", "deleted", "rejected"):
                raise Failed(f"VPC endpoint {id_} did not come up: it is {state}")
            if state != "available":
                found = self.seen(aws, id_)
                now.update(self._told(aws, found) if found else {"state": "deleted"})
            return state == "available"

        wait.until(available, f"VPC endpoint {id_} available")
        if self._is_gateway(inputs):
            now["prefixListId"] = self._prefix_list(aws, inputs["serviceName"])
        return now

    @staticmethod
    def _prefix_list(aws: Aws, service: str) -> str | None:
        wanted = [{"Name": "prefix-list-name", "Values": [service]}]
        lists = aws.call("ec2", "describe_managed_prefix_lists", Filters=wanted)["PrefixLists"]
        return next((each["PrefixListId"] for each in lists if each["PrefixListName"] == service), None)

    def _told(self, aws: Aws, endpoint: dict[str, Any]) -> Values:
        owner = endpoint.get("OwnerId") or aws.account
        return {
            "arn": self.arn(aws, owner, endpoint["VpcEndpointId"]),
            "ownerId": owner,
            "state": endpoint["State"],
            "networkInterfaceIds": endpoint.get("NetworkInterfaceIds", []),
            "dnsEntries": [
                {"dnsName": entry.get("DnsName", ""), "hostedZoneId": entry.get("HostedZoneId", "")}
                for entry in endpoint.get("DnsEntries", [])
            ],
        }

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        found = self.seen(aws, id_)
        if found is None or found["State"].lower() == "deleted":
            return None
        told = self._told(aws, found) | {
            "vpcId": found["VpcId"],
            "serviceName": found["ServiceName"],
            "vpcEndpointType": found.get("VpcEndpointType"),
            "routeTableIds": found.get("RouteTableIds", []),
            "subnetIds": found.get("SubnetIds", []),
            "securityGroupIds": [group["GroupId"] for group in found.get("Groups", [])],
            "privateDnsEnabled": found.get("PrivateDnsEnabled"),
            "policy": found.get("PolicyDocument"),
            "tags": tag_map(found.get("Tags")),
        }
        if self._is_gateway(inputs):
            told["prefixListId"] = self._prefix_list(aws, found["ServiceName"])
        return told

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        changes: dict[str, Any] = {}
        for name, add, remove in (
            ("routeTableIds", "AddRouteTableIds", "RemoveRouteTableIds"),
            ("subnetIds", "AddSubnetIds", "RemoveSubnetIds"),
            ("securityGroupIds", "AddSecurityGroupIds", "RemoveSecurityGroupIds"),
        ):
            before, after = set(change.old.get(name, [])), set(change.new.get(name, []))
            if name in change.names and after - before:
                changes[add] = sorted(after - before)
            if name in change.names and before - after:
                changes[remove] = sorted(before - after)
        if "privateDnsEnabled" in change.names:
            changes["PrivateDnsEnabled"] = change.new.get("privateDnsEnabled", False)
        if "policy" in change.names:
            changes |= (
                {"PolicyDocument": change.new["policy"]}
                if change.new.get("policy")
                else {"ResetPolicy": True}
            )
        if changes:
            aws.call("ec2", "modify_vpc_endpoint", VpcEndpointId=id_, **changes)
        retag(aws, id_, change.old, change.new)
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        def gone() -> bool:
            found = self.seen(aws, id_)
            return found is None or found["State"].lower() == "deleted"

        if gone():
            return
        answer = aws.call("ec2", "delete_vpc_endpoints", VpcEndpointIds=[id_])
        for failure in answer.get("Unsuccessful", []):
            if failure["Error"]["Code"] not in self.absent:
                raise Failed(
                    f"deleting VPC endpoint {id_}: {failure['Error'].get('Message', failure['Error'])}"
                )

        wait.until(gone, f"VPC endpoint {id_} deleted")

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        # One gateway endpoint for each service and table; interface endpoints are told apart by their tags.
        return [
            found["VpcEndpointId"]
            for found in self.where(aws, vpc_id=inputs["vpcId"], service_name=inputs["serviceName"])
            if found["State"].lower() in ("available", "pending")
            and tag_map(found.get("Tags")) == inputs.get("tags", {})
        ]
