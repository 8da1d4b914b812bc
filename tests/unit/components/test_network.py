"""The network as recorded, followed from resource to resource and measured with ipaddress."""

from __future__ import annotations

import itertools
from ipaddress import ip_network
from typing import Any

import pytest

SUBNET = "aws:ec2/subnet:Subnet"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
NAT = "aws:ec2/natGateway:NatGateway"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
INTERFACES = {
    "ssm", "ssmmessages", "ec2messages", "ec2", "autoscaling", "kms", "sqs", "logs", "ecr.api", "ecr.dkr",
}  # fmt: skip


def ids(stack: Any, kind: str) -> dict[str, Any]:
    """Inputs of every resource of `kind` by the id that AWS would have given it."""
    return {f"{kind.rsplit(':', 1)[1]}/{item.name}": item.inputs for item in stack.of(kind)}


def zone_of(stack: Any, subnet: str) -> str:
    return str(ids(stack, SUBNET)[subnet]["availabilityZoneId"])


def nodes_subnets(stack: Any) -> set[str]:
    """The subnets that groups launch nodes into."""
    groups = stack.of("aws:autoscaling/group:Group")
    return {subnet for group in groups for subnet in group.inputs["vpcZoneIdentifiers"]}


def way_out(stack: Any, subnet: str) -> dict[str, Any] | None:
    """The route that a packet to the world takes from `subnet`."""
    tables = [a["routeTableId"] for a in ids(stack, ASSOCIATION).values() if a["subnetId"] == subnet]
    assert len(tables) == 1
    routes = [r for r in ids(stack, ROUTE).values() if r["routeTableId"] == tables[0]]
    assert len(routes) <= 1
    return routes[0] if routes else None


@pytest.mark.parametrize("cidr", ["10.20.0.0/16", "192.168.64.0/20", "172.31.8.0/22"])
def test_subnets_lie_in_the_vpc_and_none_overlaps_another(deploy: Any, cidr: str) -> None:
    stack = deploy(vpcCidr=cidr)

    networks = [ip_network(inputs["cidrBlock"]) for inputs in ids(stack, SUBNET).values()]

    assert len(networks) == 6
    assert all(network.subnet_of(ip_network(cidr)) for network in networks)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(networks, 2))


def test_every_zone_has_one_private_and_one_public_subnet_and_nodes_live_in_private_ones(deploy: Any) -> None:
    stack = deploy()

    private = nodes_subnets(stack)
    public = set(ids(stack, SUBNET)) - private

    assert {zone_of(stack, s) for s in private} == {zone_of(stack, s) for s in public}
    assert len(private) == len(public) == 3
    assert not any(inputs["mapPublicIpOnLaunch"] for inputs in ids(stack, SUBNET).values())


def test_a_zones_subnets_stay_where_they_are_whatever_other_zones_are_listed(deploy: Any) -> None:
    def by_name(stack: Any) -> dict[str, str]:
        return {item.name: item.inputs["cidrBlock"] for item in stack.of(SUBNET)}

    listed = by_name(deploy(zones=["use1-az1", "use1-az2", "use1-az4"]))
    other = by_name(deploy(zones=["use1-az6", "use1-az4", "use1-az5", "use1-az2"]))

    common = listed.keys() & other.keys()
    assert len(common) == 4
    assert {name: listed[name] for name in common} == {name: other[name] for name in common}


def test_another_network_for_a_vpc_that_there_is_is_refused_and_nothing_in_it_is_touched(
    refusal: Any, answers: Any
) -> None:
    class Standing(answers):  # type: ignore[misc]
        def new_resource(self, args: Any) -> Any:
            id_, outputs = super().new_resource(args)
            return id_, {**outputs, **({"cidrBlock": "10.20.0.0/16"} if args.typ.endswith(":Vpc") else {})}

    words, recorded = refusal(answers=Standing(), vpcCidr="10.30.0.0/16")

    assert words.startswith("quorate:vpcCidr = 10.30.0.0/16: must stay 10.20.0.0/16; ")
    assert len(words.splitlines()) == 1
    assert recorded.one("aws:ec2/vpc:Vpc", "network-vpc").ignored == ("cidrBlock",)
    assert not recorded.of(SUBNET) and not recorded.of("aws:autoscaling/group:Group")


def test_with_egress_per_zone_no_zones_way_out_passes_another_zone(deploy: Any) -> None:
    stack = deploy(egress="per-zone")

    for subnet in nodes_subnets(stack):
        route = way_out(stack, subnet)
        assert route is not None and route["destinationCidrBlock"] == "0.0.0.0/0"
        nat = ids(stack, NAT)[route["natGatewayId"]]
        assert zone_of(stack, nat["subnetId"]) == zone_of(stack, subnet)
        beyond = way_out(stack, nat["subnetId"])
        assert beyond is not None and beyond["gatewayId"].startswith("InternetGateway/")


def test_with_a_single_nat_gateway_every_zone_goes_out_by_it(deploy: Any) -> None:
    stack = deploy(egress="single", survive="node")

    assert len(stack.of(NAT)) == 1
    assert len({(way_out(stack, subnet) or {})["natGatewayId"] for subnet in nodes_subnets(stack)}) == 1


def test_with_endpoints_nodes_have_no_way_to_the_world_and_every_service_in_every_zone(deploy: Any) -> None:
    stack = deploy(egress="endpoints")

    assert not stack.of(NAT)
    assert all(way_out(stack, subnet) is None for subnet in nodes_subnets(stack))
    interfaces = [e for e in ids(stack, ENDPOINT).values() if e["vpcEndpointType"] == "Interface"]
    assert {e["serviceName"] for e in interfaces} == {
        f"com.amazonaws.us-east-1.{name}" for name in INTERFACES
    }
    assert all(set(e["subnetIds"]) == nodes_subnets(stack) for e in interfaces)
    assert all(e["privateDnsEnabled"] for e in interfaces)


@pytest.mark.parametrize("egress", ["per-zone", "endpoints"])
def test_s3_and_dynamodb_are_reached_by_gateway_endpoints_from_every_private_subnet(
    deploy: Any, egress: str
) -> None:
    stack = deploy(egress=egress)

    gateways = [e for e in ids(stack, ENDPOINT).values() if e["vpcEndpointType"] == "Gateway"]
    tables = {
        a["routeTableId"] for a in ids(stack, ASSOCIATION).values() if a["subnetId"] in nodes_subnets(stack)
    }
    assert {e["serviceName"].rsplit(".", 1)[1] for e in gateways} == {"s3", "dynamodb"}
    assert len(tables) == 3
    assert all(set(e["routeTableIds"]) == tables for e in gateways)


def test_without_nat_gateways_nothing_else_is_there_to_pay_for_them(deploy: Any) -> None:
    assert not deploy(egress="endpoints").of("aws:ec2/eip:Eip")
    assert not [e for e in deploy().of(ENDPOINT) if e.inputs["vpcEndpointType"] == "Interface"]
