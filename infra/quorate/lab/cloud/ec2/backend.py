"""moto's EC2 backend: what depends on what, and who has which address."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any, ClassVar

import moto.ec2.utils as moto_utils
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Reservation
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC, VPCEndPoint

from quorate.lab.cloud.ec2 import dependencies


class Backend(EC2Backend):
    """moto's EC2, with what depends on what."""

    closed_zones: ClassVar[set[str]] = set()
    """Zone ids in which no instance can be launched."""

    @property
    def _url_module(self) -> Any:
        from quorate.lab.cloud.ec2.requests import Urls

        return Urls

    def create_subnet(  # noqa: PLR0917 (moto's signature)
        self,
        vpc_id: str,
        cidr_block: str,
        ipv6_cidr_block: str | None = None,
        availability_zone: str | None = None,
        availability_zone_id: str | None = None,
        ipv6_native: bool = False,
        tags: dict[str, dict[str, str]] | None = None,
    ) -> Subnet:
        if availability_zone is None and availability_zone_id is not None:
            zones = {zone.zone_id: zone.name for zone in self.zones.get(self.region_name, [])}
            if availability_zone_id not in zones:
                raise EC2ClientError(
                    "InvalidParameterValue",
                    f"Value ({availability_zone_id}) for parameter availabilityZoneId is invalid. "
                    f"Subnets can currently only be created in the following availability zones: "
                    f"{', '.join(sorted(zones))}.",
                )
            availability_zone = zones[availability_zone_id]
        subnet = super().create_subnet(
            vpc_id, cidr_block, ipv6_cidr_block, availability_zone, None, ipv6_native, tags
        )
        if not self.get_vpc(vpc_id).is_default:
            subnet.default_for_az = False
            subnet.map_public_ip_on_launch = False
        return subnet

    def create_network_interface(
        self, subnet: Any, private_ip_address: Any, *args: Any, **kwargs: Any
    ) -> NetworkInterface:
        home = self.get_subnet(subnet) if isinstance(subnet, str) else subnet
        inside = private_ip_address and IPv4Address(private_ip_address) in IPv4Network(str(home.cidr_block))
        nobody: Any = None
        address = private_ip_address if inside else home.get_available_subnet_ip(nobody)
        return super().create_network_interface(home, address, *args, **kwargs)

    def delete_network_interface(self, eni_id: str) -> None:
        eni = self.enis.get(eni_id)
        super().delete_network_interface(eni_id)
        if eni is not None:
            _free(eni)

    def run_instances(self, image_id: str, count: int, *args: Any, **kwargs: Any) -> Reservation:
        subnet_id = kwargs.get("subnet_id")
        if subnet_id:
            subnet = self.get_subnet(subnet_id)
            if subnet.availability_zone_id in self.closed_zones:
                raise EC2ClientError(
                    "InsufficientInstanceCapacity",
                    "We currently do not have sufficient capacity in the Availability Zone you requested "
                    f"({subnet.availability_zone}).",
                )
        return super().run_instances(image_id, count, *args, **kwargs)

    def associate_iam_instance_profile(self, *args: Any, **kwargs: Any) -> Any:
        association = super().associate_iam_instance_profile(*args, **kwargs)
        profile = association.iam_instance_profile
        association.instance.iam_instance_profile = {"Arn": profile.arn, "Id": profile.id}
        return association

    def delete_subnet(self, subnet_id: str) -> Subnet:
        self.get_subnet(subnet_id)
        dependencies.refuse_subnet(self, subnet_id)
        return super().delete_subnet(subnet_id)

    def delete_vpc(self, vpc_id: str) -> VPC:
        self.get_vpc(vpc_id)
        dependencies.refuse_vpc(self, vpc_id)
        return super().delete_vpc(vpc_id)

    def delete_security_group(self, name: str | None = None, group_id: str | None = None) -> None:
        if group_id:
            dependencies.refuse_security_group(self, group_id)
        super().delete_security_group(name, group_id)

    def detach_internet_gateway(self, internet_gateway_id: str, vpc_id: str) -> None:
        dependencies.refuse_detach(self, vpc_id)
        super().detach_internet_gateway(internet_gateway_id, vpc_id)

    def release_address(self, address: str | None = None, allocation_id: str | None = None) -> None:
        if allocation_id:
            dependencies.refuse_release(self, allocation_id)
        super().release_address(address, allocation_id)

    def delete_nat_gateway(self, nat_gateway_id: str) -> NatGateway:
        if nat_gateway_id not in self.nat_gateways:
            raise EC2ClientError("NatGatewayNotFound", f"The Nat Gateway {nat_gateway_id} was not found")
        gateway = super().delete_nat_gateway(nat_gateway_id)
        for held in [a for a in self.addresses if a.eni is not None and a.eni.id == gateway._eni.id]:
            self.disassociate_address(association_id=held.association_id)
        if gateway._eni.id in self.enis:
            self.delete_network_interface(gateway._eni.id)
        return gateway

    def create_vpc_endpoint(
        self, vpc_id: str, service_name: str, endpoint_type: str | None, *args: Any, **kwargs: Any
    ) -> VPCEndPoint:
        endpoint = super().create_vpc_endpoint(
            vpc_id, service_name, endpoint_type or "Gateway", *args, **kwargs
        )
        groups = [self.get_security_group_from_id(group_id) for group_id in endpoint.security_group_ids or []]
        for eni_id in endpoint.network_interface_ids or []:
            if groups:
                self.enis[eni_id]._group_set = groups
        return endpoint

    def delete_vpc_endpoints(self, vpce_ids: list[str] | None = None) -> None:
        held = [
            self.enis[eni_id]
            for vpce_id in vpce_ids or []
            if (endpoint := self.vpc_end_points.get(vpce_id)) is not None
            for eni_id in endpoint.network_interface_ids or []
            if eni_id in self.enis
        ]
        super().delete_vpc_endpoints(vpce_ids)
        for eni in held:
            _free(eni)

    def describe_tags(self, filters: dict[str, list[str]] | None = None) -> list[dict[str, str]]:
        """moto matches patterns against every tag there is, for each resource that it shows."""
        ids = filters.get("resource-id", []) if filters and len(filters) == 1 else []
        if not ids or any("*" in wanted or "?" in wanted for wanted in ids):
            return super().describe_tags(filters)
        return [
            {
                "resource_id": wanted,
                "key": key,
                "value": value,
                "resource_type": moto_utils.EC2_PREFIX_TO_RESOURCE.get(moto_utils.get_prefix(wanted), ""),
            }
            for wanted in ids
            for key, value in self.tags.get(wanted, {}).items()
        ]

    def forget_instance(self, instance_id: str) -> None:
        """A terminated instance vanishes from EC2's answers."""
        self.tags.pop(instance_id, None)
        for reservation_id, reservation in list(self.reservations.items()):
            reservation.instances = [i for i in reservation.instances if i.id != instance_id]
            if not reservation.instances:
                del self.reservations[reservation_id]


def _free(eni: NetworkInterface) -> None:
    for address in eni.private_ip_addresses:
        eni.subnet.del_subnet_ip(address["PrivateIpAddress"])
