"""Address ranges: where a zone's subnets lie, and which ranges must not meet.

A VPC is cut into eight blocks. Blocks one to seven are the private subnets of the zones az1 to az7; the
eighth is cut into eight again for their public subnets. A zone's subnets follow from its id alone, so
zones may come, go or change their order in the configuration and no other zone's subnet moves.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from quorate.settings.model import Egress, Settings, zone_number
from quorate.settings.problems import Problem

BLOCK_BITS = 3
LARGEST_VPC, SMALLEST_VPC = 16, 22
LARGEST_OVERLAY, SMALLEST_OVERLAY = 8, 20
# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html: the first four and the last address
KEPT_BY_AWS = 5
INTERFACE_SERVICES = (
    "ssm",
    "ssmmessages",
    "ec2messages",
    "ec2",
    "autoscaling",
    "kms",
    "sqs",
    "logs",
    "ecr.api",
    "ecr.dkr",
)
PRIVATE_RANGES = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
DOCKERS_OWN = {"docker0": IPv4Network("172.17.0.0/16"), "docker_gwbridge": IPv4Network("172.18.0.0/16")}


def private_subnet(vpc: IPv4Network, zone_id: str) -> IPv4Network:
    """Where the nodes of a zone live: an eighth of the VPC."""
    return _blocks(vpc)[zone_number(zone_id) - 1]


def public_subnet(vpc: IPv4Network, zone_id: str) -> IPv4Network:
    """Where a zone's NAT gateway and load balancers live: a sixty-fourth of the VPC."""
    return _blocks(_blocks(vpc)[-1])[zone_number(zone_id) - 1]


def network_problems(settings: Settings) -> Iterator[Problem]:
    """Every range that is of the wrong size or place, or meets another."""
    sizes = [
        *_of_size("vpcCidr", settings.vpc_cidr, LARGEST_VPC, SMALLEST_VPC, "every zone gets an eighth of it"),
        *_of_size(
            "overlayCidr",
            settings.overlay_cidr,
            LARGEST_OVERLAY,
            SMALLEST_OVERLAY,
            "Swarm takes a /24 of it for each overlay network",
        ),
    ]
    yield from sizes
    yield from _overlaps(settings)
    if not sizes:
        yield from _capacity(settings)


def _blocks(network: IPv4Network) -> list[IPv4Network]:
    return list(network.subnets(prefixlen_diff=BLOCK_BITS))


def _of_size(key: str, network: IPv4Network, largest: int, smallest: int, use: str) -> Iterator[Problem]:
    if not largest <= network.prefixlen <= smallest:
        reason = (
            f"{use}, so a smaller one has no room" if network.prefixlen > smallest else "AWS takes no larger"
        )
        if key == "overlayCidr" and network.prefixlen < largest:
            reason = "a larger one leaves no private addresses for anything else"
        yield Problem(key, str(network), f"must be a /{largest} to a /{smallest}", reason)
    if not any(network.subnet_of(private) for private in PRIVATE_RANGES):
        inside = ", ".join(map(str, PRIVATE_RANGES))
        yield Problem(
            key, str(network), f"must lie within {inside}", "nodes would lose the public addresses it covers"
        )


def _overlaps(settings: Settings) -> Iterator[Problem]:
    vpc, overlay = settings.vpc_cidr, settings.overlay_cidr
    if overlay.overlaps(vpc):
        yield Problem(
            "overlayCidr",
            str(overlay),
            f"must not overlap vpcCidr {vpc}",
            "containers on an overlay with a node's addresses cannot reach that node",
        )
    for key, network in (("vpcCidr", vpc), ("overlayCidr", overlay)):
        taken = {bridge: its for bridge, its in DOCKERS_OWN.items() if network.overlaps(its)}
        if taken:
            yield Problem(
                key,
                str(network),
                f"must not overlap {' and '.join(map(str, taken.values()))}",
                f"Docker's own bridge{'s' * (len(taken) > 1)} {' and '.join(taken)} on every node "
                "would take the packets",
            )


def _capacity(settings: Settings) -> Iterator[Problem]:
    nodes = (sum(settings.layout) or settings.managers) + sum(pool.max for pool in settings.workers)
    endpoints = len(INTERFACE_SERVICES) if settings.egress is Egress.ENDPOINTS else 0
    room = private_subnet(settings.vpc_cidr, settings.zones[0]).num_addresses - KEPT_BY_AWS
    if nodes + endpoints > room:
        and_endpoints = f" and {endpoints} endpoints" if endpoints else ""
        yield Problem(
            "vpcCidr",
            str(settings.vpc_cidr),
            f"must give every zone {nodes + endpoints} addresses, and gives {room}",
            f"one zone may have to hold all {nodes} nodes{and_endpoints} while the others are lost; "
            "take a larger network or lower the pools' max",
        )
