"""Security groups: `nodes` on every node, `managers` on managers too, `endpoints` on interface endpoints.

Each rule is a resource of its own, so groups may name one another without a cycle. Nothing is open to an
address from outside of the VPC, and what is not listed here is closed in both directions. DNS, NTP and the
metadata service of EC2 are not subject to security groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, vpc

from quorate.components.naming import Naming, child, named_child
from quorate.components.network import ANYWHERE, Network
from quorate.settings import Egress, Settings

HTTPS = 443


@dataclass(frozen=True, slots=True)
class Traffic:
    """One kind of traffic between nodes; no port means the protocol has none."""

    name: str
    protocol: str
    port: int | None
    to: str
    why: str


# https://docs.docker.com/engine/swarm/swarm-tutorial/#open-protocols-and-ports-between-the-hosts
SWARM = (
    Traffic("control", "tcp", 2377, "managers", "joining and raft"),
    Traffic("gossip-tcp", "tcp", 7946, "nodes", "gossip among nodes"),
    Traffic("gossip-udp", "udp", 7946, "nodes", "gossip among nodes"),
    Traffic("overlay", "udp", 4789, "nodes", "overlay networks (VXLAN)"),
    Traffic("encrypted-overlay", "50", None, "nodes", "encrypted overlay networks (ESP)"),
)
DESCRIPTIONS = {
    "nodes": "Every node of the swarm",
    "managers": "Managers, beside the group of all nodes",
    "endpoints": "Interface endpoints to AWS",
}


class Firewall(pulumi.ComponentResource):
    """The groups and their rules; `endpoints` is None where a NAT gateway is the way out."""

    nodes: ec2.SecurityGroup
    managers: ec2.SecurityGroup
    endpoints: ec2.SecurityGroup | None

    def __init__(
        self,
        name: str,
        *,
        settings: Settings,
        network: Network,
        naming: Naming,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:components:Firewall", name, None, opts)
        self._name, self._naming, self._vpc = name, naming, network.vpc.id
        self.nodes = self._group("nodes")
        self.managers = self._group("managers")
        for traffic in SWARM:
            self._between_nodes(traffic)
        if settings.egress is Egress.ENDPOINTS:
            self.endpoints = self._group("endpoints")
            self._to_endpoints(self.endpoints, network)
        else:
            self.endpoints = None
            self._out("https", "HTTPS to AWS and registries", cidr_ipv4=ANYWHERE)
        self.register_outputs({})

    def _group(self, part: str) -> ec2.SecurityGroup:
        full = f"{self._naming.cluster}-{part}"
        return ec2.SecurityGroup(
            f"{self._name}-{part}",
            name=full,
            description=DESCRIPTIONS[part],
            vpc_id=self._vpc,
            tags=self._naming.tags(full),
            opts=named_child(self),
        )

    def _between_nodes(self, traffic: Traffic) -> None:
        target = self.managers if traffic.to == "managers" else self.nodes
        vpc.SecurityGroupIngressRule(
            f"{self._name}-{traffic.name}-in",
            security_group_id=target.id,
            referenced_security_group_id=self.nodes.id,
            ip_protocol=traffic.protocol,
            from_port=traffic.port,
            to_port=traffic.port,
            description=f"{traffic.why}, from nodes",
            tags=self._naming.tags(f"{self._naming.cluster}-{traffic.name}-in"),
            opts=child(self),
        )
        vpc.SecurityGroupEgressRule(
            f"{self._name}-{traffic.name}-out",
            security_group_id=self.nodes.id,
            referenced_security_group_id=target.id,
            ip_protocol=traffic.protocol,
            from_port=traffic.port,
            to_port=traffic.port,
            description=f"{traffic.why}, to {traffic.to}",
            tags=self._naming.tags(f"{self._naming.cluster}-{traffic.name}-out"),
            opts=child(self),
        )

    def _to_endpoints(self, endpoints: ec2.SecurityGroup, network: Network) -> None:
        vpc.SecurityGroupIngressRule(
            f"{self._name}-endpoints-in",
            security_group_id=endpoints.id,
            referenced_security_group_id=self.nodes.id,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            description="HTTPS, from nodes",
            tags=self._naming.tags(f"{self._naming.cluster}-endpoints-in"),
            opts=child(self),
        )
        self._out("endpoints", "HTTPS to interface endpoints", referenced_security_group_id=endpoints.id)
        for service, gateway in network.gateways.items():
            self._out(service, f"HTTPS to {service}", prefix_list_id=gateway.prefix_list_id)

    def _out(
        self,
        part: str,
        description: str,
        cidr_ipv4: str | None = None,
        prefix_list_id: pulumi.Input[str] | None = None,
        referenced_security_group_id: pulumi.Input[str] | None = None,
    ) -> None:
        vpc.SecurityGroupEgressRule(
            f"{self._name}-{part}-out",
            security_group_id=self.nodes.id,
            cidr_ipv4=cidr_ipv4,
            prefix_list_id=prefix_list_id,
            referenced_security_group_id=referenced_security_group_id,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            description=description,
            tags=self._naming.tags(f"{self._naming.cluster}-{part}-out"),
            opts=child(self),
        )
