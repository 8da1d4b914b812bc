"""Who reaches whom, worked out from the recorded rules as EC2 does: the one's egress, the other's ingress."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
WORLD = "203.0.113.9"


def groups_of(stack: Any, role: str) -> set[str]:
    """The security groups on the nodes of `role`, from their launch templates."""
    found = set()
    for template in stack.of("aws:ec2/launchTemplate:LaunchTemplate"):
        if template.inputs["tags"]["quorate:role"] == role:
            found.add(frozenset(template.inputs["networkInterfaces"][0]["securityGroups"]))
    assert len(found) == 1
    return set(found.pop())


def covers(rule: dict[str, Any], protocol: str, port: int | None) -> bool:
    if rule["ipProtocol"] == "-1":
        return True
    if rule["ipProtocol"] != protocol:
        return False
    return port is None or rule["fromPort"] <= port <= rule["toPort"]


def reaches(stack: Any, source: str, target: str, protocol: str, port: int | None) -> bool:
    """Whether a packet from a node of `source` gets to a node of `target`; either may be outside."""
    leaves = _lets(stack, EGRESS, (source, target), protocol, port)
    return leaves and _lets(stack, INGRESS, (target, source), protocol, port)


def _lets(stack: Any, kind: str, ends: tuple[str, str], protocol: str, port: int | None) -> bool:
    owner, peer = ends
    if owner == WORLD:
        return True
    peers = set() if peer == WORLD else groups_of(stack, peer)
    for rule in (item.inputs for item in stack.of(kind)):
        if rule["securityGroupId"] not in groups_of(stack, owner) or not covers(rule, protocol, port):
            continue
        if rule.get("referencedSecurityGroupId") in peers:
            return True
        if peer == WORLD and ip_address(WORLD) in ip_network(rule.get("cidrIpv4", "255.255.255.255/32")):
            return True
    return False


NODES = ("manager", "worker")
SWARM = [("tcp", 7946), ("udp", 7946), ("udp", 4789), ("50", None)]


@pytest.mark.parametrize("egress", ["per-zone", "endpoints"])
@pytest.mark.parametrize("source", NODES)
@pytest.mark.parametrize("target", NODES)
def test_gossip_and_overlays_encrypted_or_not_pass_between_all_nodes(
    deploy: Any, source: str, target: str, egress: str
) -> None:
    stack = deploy(egress=egress)

    assert all(reaches(stack, source, target, protocol, port) for protocol, port in SWARM)


def test_managers_are_joined_from_every_node_and_workers_from_none(deploy: Any) -> None:
    stack = deploy()

    assert reaches(stack, "manager", "manager", "tcp", 2377)
    assert reaches(stack, "worker", "manager", "tcp", 2377)
    assert not reaches(stack, "manager", "worker", "tcp", 2377)
    assert not reaches(stack, "worker", "worker", "tcp", 2377)


@pytest.mark.parametrize("port", [22, 80, 2375, 2376, 443, 3389, 8080])
def test_nothing_else_passes_between_nodes(deploy: Any, port: int) -> None:
    stack = deploy()

    assert not any(reaches(stack, a, b, "tcp", port) for a in NODES for b in NODES)


@pytest.mark.parametrize("egress", ["per-zone", "endpoints"])
def test_nobody_outside_of_the_cluster_reaches_a_node(deploy: Any, egress: str) -> None:
    rules = [item.inputs for item in deploy(egress=egress).of(INGRESS)]

    assert rules
    assert all(rule.keys().isdisjoint({"cidrIpv4", "cidrIpv6", "prefixListId"}) for rule in rules)
    groups = {f"SecurityGroup/{item.name}" for item in deploy(egress=egress).of(GROUP)}
    assert {rule["referencedSecurityGroupId"] for rule in rules} <= groups


def test_nodes_behind_nat_reach_the_world_by_https_alone(deploy: Any) -> None:
    stack = deploy()

    for role in NODES:
        assert reaches(stack, role, WORLD, "tcp", 443)
        assert not any(reaches(stack, role, WORLD, "tcp", port) for port in (22, 25, 80, 2377))
        assert not reaches(stack, role, WORLD, "udp", 443)


def test_nodes_behind_endpoints_reach_those_and_the_gateways_and_no_address(deploy: Any) -> None:
    stack = deploy(egress="endpoints")

    https = [item.inputs for item in stack.of(EGRESS) if item.inputs.get("fromPort") == 443]
    assert not any(reaches(stack, role, WORLD, "tcp", 443) for role in NODES)
    assert {rule["prefixListId"] for rule in https if "prefixListId" in rule} == {
        "pl-network-s3",
        "pl-network-dynamodb",
    }
    (endpoints,) = {
        rule["referencedSecurityGroupId"] for rule in https if "referencedSecurityGroupId" in rule
    }
    guarded = [
        item.inputs["securityGroupIds"]
        for item in stack.of("aws:ec2/vpcEndpoint:VpcEndpoint")
        if item.inputs["vpcEndpointType"] == "Interface"
    ]
    assert guarded and all(groups == [endpoints] for groups in guarded)
    (entrance,) = [item.inputs for item in stack.of(INGRESS) if item.inputs["securityGroupId"] == endpoints]
    assert entrance["referencedSecurityGroupId"] in groups_of(stack, "manager") & groups_of(stack, "worker")
    assert covers(entrance, "tcp", 443) and entrance["fromPort"] == entrance["toPort"]


def test_rules_are_resources_of_their_own_with_ports_where_the_protocol_has_any(deploy: Any) -> None:
    stack = deploy()

    assert not any({"ingress", "egress"} & item.inputs.keys() for item in stack.of(GROUP))
    for item in [*stack.of(INGRESS), *stack.of(EGRESS)]:
        ported = item.inputs["ipProtocol"] in ("tcp", "udp")
        assert ("fromPort" in item.inputs) is ("toPort" in item.inputs) is ported
        assert item.inputs["description"]
