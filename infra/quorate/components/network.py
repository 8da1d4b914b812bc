"""The VPC: a private and a public subnet in every zone, and the way out that the settings name."""

from __future__ import annotations

from ipaddress import IPv4Network

import pulumi
from pulumi_aws import ec2

from quorate.components.naming import Naming, child, named_child
from quorate.settings import Egress, Problem, Settings, private_subnet, public_subnet

ANYWHERE = "0.0.0.0/0"
GATEWAY_SERVICES = ("s3", "dynamodb")


def kept(has: str, asked: IPv4Network) -> IPv4Network:
    """The VPC's network, which is for its life; RunError where another is asked for."""
    network = IPv4Network(has)
    if network != asked:
        problem = Problem(
            "vpcCidr",
            str(asked),
            f"must stay {has}",
            "a VPC keeps its network and the cluster lives in it; set it back, or deploy another stack",
        )
        raise pulumi.RunError(problem.line(pulumi.get_project()))
    return network


class Network(pulumi.ComponentResource):
    """Subnets, routes and gateway endpoints; `private` and `gateways` are what others stand on."""

    vpc: ec2.Vpc
    private: dict[str, ec2.Subnet]
    """The nodes' subnet of each zone id."""
    gateways: dict[str, ec2.VpcEndpoint]
    """The gateway endpoint of each of GATEWAY_SERVICES."""

    def __init__(
        self,
        name: str,
        *,
        settings: Settings,
        region: str,
        naming: Naming,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:components:Network", name, None, opts)
        self._name, self._naming, self._settings = name, naming, settings
        self.vpc = ec2.Vpc(
            f"{name}-vpc",
            cidr_block=str(settings.vpc_cidr),
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._tags("vpc"),
            # what it is said to have now is compared below: a replaced VPC would take every node with it
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["cidrBlock"]),
        )
        self._cidr = self.vpc.cidr_block.apply(lambda has: kept(has, settings.vpc_cidr))
        self._public_routes = self._public_route_table()
        self._public = {zone: self._public_subnet(zone) for zone in settings.zones}
        self.private = {zone: self._private_subnet(zone) for zone in settings.zones}
        self._private_routes = {zone: self._private_route_table(zone) for zone in settings.zones}
        self._route_out()
        self.gateways = {
            service: self._gateway_endpoint(service, f"com.amazonaws.{region}.{service}")
            for service in GATEWAY_SERVICES
        }
        self.register_outputs({"vpc": self.vpc.id})

    def _tags(self, part: str, **quorate: str) -> dict[str, str]:
        return self._naming.tags(f"{self._naming.cluster}-{part}", **quorate)

    def _public_route_table(self) -> ec2.RouteTable:
        self._internet = ec2.InternetGateway(
            f"{self._name}-internet", vpc_id=self.vpc.id, tags=self._tags("internet"), opts=child(self)
        )
        table = ec2.RouteTable(
            f"{self._name}-public", vpc_id=self.vpc.id, tags=self._tags("public"), opts=child(self)
        )
        self._public_way_out = ec2.Route(
            f"{self._name}-public-out",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=self._internet.id,
            opts=child(self),
        )
        return table

    def _public_subnet(self, zone: str) -> ec2.Subnet:
        cidr = self._cidr.apply(lambda network: str(public_subnet(network, zone)))
        subnet = self._subnet(f"public-{zone}", zone, cidr)
        self._associate(f"public-{zone}", subnet, self._public_routes)
        return subnet

    def _private_subnet(self, zone: str) -> ec2.Subnet:
        cidr = self._cidr.apply(lambda network: str(private_subnet(network, zone)))
        return self._subnet(f"private-{zone}", zone, cidr)

    def _subnet(self, part: str, zone: str, cidr: pulumi.Output[str]) -> ec2.Subnet:
        return ec2.Subnet(
            f"{self._name}-{part}",
            vpc_id=self.vpc.id,
            cidr_block=cidr,
            availability_zone_id=zone,
            map_public_ip_on_launch=False,
            tags=self._tags(part, zone=zone),
            opts=child(self),
        )

    def _private_route_table(self, zone: str) -> ec2.RouteTable:
        table = ec2.RouteTable(
            f"{self._name}-private-{zone}",
            vpc_id=self.vpc.id,
            tags=self._tags(f"private-{zone}", zone=zone),
            opts=child(self),
        )
        self._associate(f"private-{zone}", self.private[zone], table)
        return table

    def _associate(self, part: str, subnet: ec2.Subnet, table: ec2.RouteTable) -> None:
        ec2.RouteTableAssociation(
            f"{self._name}-{part}", subnet_id=subnet.id, route_table_id=table.id, opts=named_child(self)
        )

    def _route_out(self) -> None:
        zones = self._settings.zones
        match self._settings.egress:
            case Egress.ENDPOINTS:
                return
            case Egress.PER_ZONE:
                gateways = {zone: self._nat_gateway(zone) for zone in zones}
            case Egress.SINGLE:
                gateways = dict.fromkeys(zones, self._nat_gateway(zones[0]))
        for zone in zones:
            ec2.Route(
                f"{self._name}-private-out-{zone}",
                route_table_id=self._private_routes[zone].id,
                destination_cidr_block=ANYWHERE,
                nat_gateway_id=gateways[zone].id,
                opts=child(self),
            )

    def _nat_gateway(self, zone: str) -> ec2.NatGateway:
        address = ec2.Eip(
            f"{self._name}-nat-{zone}",
            domain="vpc",
            tags=self._tags(f"nat-{zone}", zone=zone),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._internet]),
        )
        return ec2.NatGateway(
            f"{self._name}-nat-{zone}",
            allocation_id=address.id,
            subnet_id=self._public[zone].id,
            tags=self._tags(f"nat-{zone}", zone=zone),
            # AWS refuses a NAT gateway in a VPC whose internet gateway is not there yet
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._public_way_out]),
        )

    def _gateway_endpoint(self, part: str, service_name: str) -> ec2.VpcEndpoint:
        return ec2.VpcEndpoint(
            f"{self._name}-{part}",
            vpc_id=self.vpc.id,
            service_name=service_name,
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in self._private_routes.values()],
            tags=self._tags(part),
            opts=child(self),
        )
