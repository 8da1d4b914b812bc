"""Instances that let go of what they had when they are terminated."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from moto.ec2.models.instances import Instance as MotoInstance
from moto.ec2.models.instances import InstanceState as EC2State


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
