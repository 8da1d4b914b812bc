"""EC2 as AWS tells it, on moto's backend: instances, addresses, and deletes that are refused while in use.

`install` puts the classes of this module in moto's place; moto makes its own objects by module-level names,
so a subclass has to take the name over.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any, ClassVar

import moto.ec2.models.instances as moto_instances
import moto.ec2.models.subnets as moto_subnets
import moto.ec2.utils as moto_utils
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance as MotoInstance
from moto.ec2.models.instances import InstanceState as EC2State
from moto.ec2.models.instances import Reservation
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.subnets import Subnet as MotoSubnet
from moto.ec2.models.vpcs import VPC, VPCEndPoint
from moto.ec2.responses import EC2Response
from moto.ec2.utils import parse_user_data

from quorate.lab.cloud import dependencies

RESERVED_AT_START = 4
"""Network, router, DNS and one for the future; VPC User Guide, "Subnet CIDR blocks"."""


@dataclass(frozen=True)
class Home:
    """Where an instance was launched; it stays known after termination has dropped it from EC2's answers."""

    zone_name: str
    zone_id: str
    vpc_id: str
    subnet_id: str
    subnet_cidr: str


class Instance(MotoInstance):
    """An instance that gives its network interface and address back when it is terminated."""

    def __init__(self, ec2_backend: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(ec2_backend, *args, **kwargs)
        subnet = ec2_backend.get_subnet(self.nics[0].subnet.id)
        self.home = Home(
            zone_name=subnet.availability_zone,
            zone_id=subnet.availability_zone_id,
            vpc_id=subnet.vpc_id,
            subnet_id=subnet.id,
            subnet_cidr=str(subnet.cidr_block),
        )
        self.placement.availability_zone_id = self.home.zone_id  # type: ignore[attr-defined]

    def terminate(self) -> EC2State:
        if self.state == "terminated":
            return copy.copy(self._state)
        nics = list(self.nics.values())
        previous = super().terminate()
        for nic in nics:
            if nic.id in self.ec2_backend.enis:
                nic.delete()
        self.nics = {}
        self._private_ips = set()
        self.security_groups = []
        return previous

    @property
    def subnet_id(self) -> str | None:
        return None if self._state.name == "terminated" else super().subnet_id

    @property
    def private_ip(self) -> str | None:
        return self.nics[0].private_ip_address if self.nics else None

    @property
    def private_ip_address(self) -> str | None:
        return self.private_ip

    @property
    def private_dns_name(self) -> str:
        return super().private_dns_name if self.nics else ""

    @property
    def public_ip(self) -> str | None:
        return self.nics[0].public_ip if self.nics else None

    @property
    def public_ip_address(self) -> str | None:
        return self.public_ip


class Subnet(MotoSubnet):
    """A subnet that hands out each address in turn, and a freed one only after all the others.

    AWS picks any free address; one that was just freed would look like the old node to its neighbours.
    """

    _last: int | None = None

    def get_available_subnet_ip(self, instance: Any) -> str:
        network = IPv4Network(str(self.cidr_block))
        first = int(network.network_address) + RESERVED_AT_START
        size = network.num_addresses - RESERVED_AT_START - 1
        start = 0 if self._last is None else self._last - first + 1
        for step in range(size):
            candidate = first + (start + step) % size
            address = IPv4Address(candidate)
            if str(address) not in self._subnet_ips and address not in self._reserved_ips:
                self._last = candidate
                self._subnet_ips[str(address)] = instance
                return str(address)
        raise EC2ClientError(
            "InsufficientFreeAddressesInSubnet",
            f"There are not enough free addresses in subnet '{self.id}' to satisfy the requested number of "
            "instances.",
        )

    def get_filter_value(self, filter_name: str, method_name: str | None = None) -> Any:
        if filter_name in ("availability-zone-id", "availabilityZoneId"):
            return self.availability_zone_id
        return super().get_filter_value(filter_name, method_name)


class Backend(EC2Backend):
    """moto's EC2, with what depends on what."""

    closed_zones: ClassVar[set[str]] = set()
    """Zone ids in which no instance can be launched."""

    @property
    def _url_module(self) -> Any:
        return _Urls

    def create_subnet(  # noqa: PLR0917 (moto's signature)
        self,
        vpc_id: str,
        cidr_block: str,
        ipv6_cidr_block: str | None = None,
        availability_zone: str | None = None,
        availability_zone_id: str | None = None,
        ipv6_native: bool = False,
        tags: dict[str, dict[str, str]] | None = None,
    ) -> MotoSubnet:
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

    def delete_subnet(self, subnet_id: str) -> MotoSubnet:
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


class Response(EC2Response):
    """moto's EC2 actions; Auto Scaling is not told of a termination, it notices."""

    def terminate_instances(self) -> ActionResult:
        self.error_on_dryrun()
        terminated = self.ec2_backend.terminate_instances(self._get_param("InstanceIds", []))
        return ActionResult(
            {
                "TerminatingInstances": [
                    {
                        "InstanceId": instance.id,
                        "CurrentState": {"Code": 32, "Name": "shutting-down"},
                        "PreviousState": previous,
                    }
                    for instance, previous in terminated
                ]
            }
        )

    def create_launch_template_version(self) -> ActionResult:
        """A version begins with its SourceVersion's data (EC2 API Reference, CreateLaunchTemplateVersion)."""
        answer = super().create_launch_template_version()
        made: Any = answer.result["LaunchTemplateVersion"]
        template = self.ec2_backend.get_launch_template(made["LaunchTemplateId"])
        version = template.get_version(made["VersionNumber"])
        source = self._get_param("SourceVersion")
        if source:
            former = template.get_version(source)
            if "TagSpecifications" not in version.data:
                version.instance_tags = former.instance_tags
            given = dict(version.data)
            version.data.update(former.data)
            version.data.update(given)
        if version.data.get("UserData") is not None:
            version.data["UserData"] = parse_user_data(version.data["UserData"])
        return answer


class _Urls:
    url_bases: ClassVar[list[str]] = [r"https?://ec2\.(.+)\.amazonaws\.com(|\.cn)"]
    url_paths: ClassVar[dict[str, Any]] = {"{0}/": Response.dispatch}


def install(closed_zones: set[str]) -> None:
    """From now on moto's EC2 is this one."""
    Backend.closed_zones = closed_zones
    moto_instances.Instance = Instance  # type: ignore[misc]
    moto_subnets.Subnet = Subnet  # type: ignore[misc]
    ec2_backends.backend = Backend
    moto_utils.filter_dict_attribute_mapping["availability-zone-id"] = "placement.availability_zone_id"


def _free(eni: NetworkInterface) -> None:
    for address in eni.private_ip_addresses:
        eni.subnet.del_subnet_ip(address["PrivateIpAddress"])
