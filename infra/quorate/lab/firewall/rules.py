"""Security groups and their rules as plain values, read from the lab's EC2 where it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ALL = "-1"
PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "50": "esp", "all": ALL}
"""IANA's numbers of what is mostly named."""
ANYWHERE = "0.0.0.0/0"
HTTPS = 443


@dataclass(frozen=True)
class Rule:
    """What one rule lets through; exactly one of `cidr`, `group`, `prefix_list` says from or to where."""

    protocol: str
    ports: tuple[int, int] | None
    cidr: str | None = None
    group: str | None = None
    prefix_list: str | None = None

    def lets(self, protocol: str, port: int) -> bool:
        """Whether protocol and port are the rule's."""
        if self.protocol not in {ALL, protocol}:
            return False
        return self.ports is None or self.ports[0] <= port <= self.ports[1]


@dataclass(frozen=True)
class Group:
    id: str
    name: str
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Firewall:
    """Every group by its id; `endpoints` are those that an interface endpoint to AWS carries."""

    groups: Mapping[str, Group] = field(default_factory=dict)
    endpoints: frozenset[str] = frozenset()

    def of(self, ids: Iterable[str]) -> tuple[Group, ...]:
        return tuple(self.groups[one] for one in ids if one in self.groups)

    def reaches_aws(self, ids: Iterable[str]) -> bool:
        """Whether HTTPS leaves to AWS: to anywhere, to a gateway endpoint's list, or to an interface
        endpoint whose own group lets it in. The lab's AWS and its registry stand for all that is behind."""
        own = tuple(ids)
        for group in self.of(own):
            for rule in group.egress:
                if not rule.lets("tcp", HTTPS):
                    continue
                if rule.cidr == ANYWHERE or rule.prefix_list or self._endpoint_lets_in(rule.group, own):
                    return True
        return False

    def _endpoint_lets_in(self, endpoint: str | None, own: tuple[str, ...]) -> bool:
        if endpoint not in self.endpoints or endpoint not in self.groups:
            return False
        rules = self.groups[endpoint].ingress
        return any(rule.lets("tcp", HTTPS) and (rule.group in own or rule.cidr) for rule in rules)


def read() -> Firewall:
    """In the daemon: all groups of the lab's EC2 now."""
    from quorate.lab.cloud import world

    groups: dict[str, Group] = {}
    endpoints: set[str] = set()
    for backend in world.ec2_in_use():
        for of_vpc in list(backend.groups.values()):
            for raw in list(of_vpc.values()):
                groups[raw.id] = Group(raw.id, raw.name, _rules(raw.ingress_rules), _rules(raw.egress_rules))
        for endpoint in list(backend.vpc_end_points.values()):
            if endpoint.state != "deleted":
                endpoints |= set(endpoint.security_group_ids or ())
    return Firewall(groups, frozenset(endpoints))


def _rules(raw: Iterable[Any]) -> tuple[Rule, ...]:
    return tuple(rule for one in list(raw) for rule in [_rule(one)] if rule is not None)


def _rule(raw: Any) -> Rule | None:
    """None for what the lab has no packets of (IPv6)."""
    word = str(raw.ip_protocol).lower()
    protocol = PROTOCOLS.get(word, word)
    ports = None
    if protocol in {"tcp", "udp"}:
        ports = int(raw.from_port), int(raw.to_port)
    cidr = (raw.ip_range or {}).get("CidrIp")
    group = (raw.source_group or {}).get("GroupId")
    listed = (raw.prefix_list_id or {}).get("PrefixListId")
    if not (cidr or group or listed):
        return None
    return Rule(protocol, ports, cidr, group, listed)
