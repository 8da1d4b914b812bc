"""Subnets that hand out addresses as a VPC does."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.subnets import Subnet as MotoSubnet

RESERVED_AT_START = 4
"""Network, router, DNS and one for the future; VPC User Guide, "Subnet CIDR blocks"."""


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
