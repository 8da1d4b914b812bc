"""AWS by interface endpoints in every zone, for private nodes without a NAT gateway."""

from __future__ import annotations

import pulumi
from pulumi_aws import ec2

from quorate.components.naming import Naming, child
from quorate.components.network import Network
from quorate.settings.networks import INTERFACE_SERVICES


class InterfaceEndpoints(pulumi.ComponentResource):
    """One endpoint for each service that nodes and operators' sessions use, under AWS's own names."""

    def __init__(
        self,
        name: str,
        *,
        network: Network,
        security_group: ec2.SecurityGroup,
        region: str,
        naming: Naming,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:components:InterfaceEndpoints", name, None, opts)
        for service in INTERFACE_SERVICES:
            part = service.replace(".", "-")
            ec2.VpcEndpoint(
                f"{name}-{part}",
                vpc_id=network.vpc.id,
                service_name=f"com.amazonaws.{region}.{service}",
                vpc_endpoint_type="Interface",
                subnet_ids=[subnet.id for subnet in network.private.values()],
                security_group_ids=[security_group.id],
                private_dns_enabled=True,
                tags=naming.tags(f"{naming.cluster}-{part}"),
                opts=child(self),
            )
        self.register_outputs({})
