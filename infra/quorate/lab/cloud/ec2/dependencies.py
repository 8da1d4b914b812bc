"""Deletes that AWS refuses while something depends on the thing, and moto would let through.

Codes as the EC2 API Reference, "Error codes", has them: DependencyViolation, InvalidIPAddress.InUse.
"""

from __future__ import annotations

from itertools import chain

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend


def refuse_subnet(backend: EC2Backend, subnet_id: str) -> None:
    """A subnet with a network interface in it: an instance's, an endpoint's, a NAT gateway's."""
    if any(eni.subnet.id == subnet_id for eni in backend.enis.values()):
        raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")


def refuse_vpc(backend: EC2Backend, vpc_id: str) -> None:
    """A VPC with an internet gateway, a security group of one's own, an endpoint or an interface."""
    attached = any(gateway.vpc and gateway.vpc.id == vpc_id for gateway in backend.internet_gateways.values())
    grouped = any(not group.is_default for group in backend.groups.get(vpc_id, {}).values())
    endpoints = any(
        endpoint.vpc_id == vpc_id and endpoint.state != "deleted"
        for endpoint in backend.vpc_end_points.values()
    )
    if attached or grouped or endpoints:
        raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")


def refuse_security_group(backend: EC2Backend, group_id: str) -> None:
    """A security group that an interface carries or that a rule of another group names."""
    carried = any(group.id == group_id for eni in backend.enis.values() for group in eni.group_set)
    others = (
        group for groups in backend.groups.values() for group in groups.values() if group.id != group_id
    )
    named = any(
        rule.source_group.get("GroupId") == group_id
        for group in others
        for rule in chain(group.ingress_rules, group.egress_rules)
    )
    if carried or named:
        raise DependencyViolationError(f"resource {group_id} has a dependent object")


def refuse_detach(backend: EC2Backend, vpc_id: str) -> None:
    """An internet gateway whose VPC has a mapped public address."""
    for eni in backend.enis.values():
        mapped = eni.public_ip or any(a.eni is not None and a.eni.id == eni.id for a in backend.addresses)
        if eni.subnet.vpc_id == vpc_id and mapped:
            raise DependencyViolationError(
                f"Network {vpc_id} has some mapped public address(es). Please unmap those public "
                "address(es) before detaching the gateway."
            )


def refuse_release(backend: EC2Backend, allocation_id: str) -> None:
    """An elastic address that something uses."""
    for address in backend.addresses:
        if address.allocation_id == allocation_id and address.association_id:
            raise EC2ClientError(
                "InvalidIPAddress.InUse",
                f"The address with allocation id [{allocation_id}] cannot be released because it is in use.",
            )
