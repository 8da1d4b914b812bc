"""Hosts, their groups, and cut zones as one set of filters, in the words of iptables-restore(8).

A packet between hosts must be let out by a rule of its sender's groups and in by one of its receiver's;
what belongs to a connection that began so passes. Everything else is reported and dropped, as in a VPC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from quorate.lab.firewall.rules import ALL, Firewall, Rule
from quorate.lab.hosts.fabric import AWS_ADDRESS, REGISTRY_ADDRESS

REPORTS = 5
"""The kernel's log group that denied packets go to; of the fabric's namespace alone."""
OUT, IN, SPOOFED = "out", "in", "spoofed"
"""How a report says where a packet was denied."""


TRACKED = (
    "-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
    "-p tcp --tcp-flags RST RST -j ACCEPT",
    "-m conntrack --ctstate INVALID -j DROP",
)
"""What belongs to a connection passes. A host that has rebooted refuses its neighbours' old connections by
resets, which the tracker knows nothing of; without them each neighbour would wait for minutes."""


@dataclass(frozen=True)
class Port:
    """A host as the filters know it: its place on the fabric and its groups."""

    key: str
    """What chains are named by, unique among hosts."""
    name: str
    address: str
    cable: str
    bridge: str
    zone: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Services:
    """What hosts reach on the fabric itself: where AWS and the registry listen."""

    aws: int
    registry: int


def render(ports: Sequence[Port], firewall: Firewall, cut: Iterable[str], services: Services) -> str:
    """The whole table `filter`; applied in one step, it replaces whatever was there."""
    chains: dict[str, list[str]] = {
        "CUT": list(_cut(ports, frozenset(cut))),
        "HOSTS": [],
        "INGRESS": [],
    }
    hosts, ingress = chains["HOSTS"], chains["INGRESS"]
    hosts += ["-j CUT", *_spoofed(ports), *TRACKED]
    members: dict[str, list[Port]] = defaultdict(list)
    for port in ports:
        hosts.append(f"-s {port.address} -g e-{port.key}")
        ingress.append(f"-d {port.address} -g i-{port.key}")
        for group in port.groups:
            members[group].append(port)
    hosts.append("-j DROP")
    ingress.append("-j ACCEPT")
    for group in firewall.groups:
        chains[f"to-{group}"] = [f"-d {port.address} -g INGRESS" for port in members[group]]
        chains[f"from-{group}"] = [f"-s {port.address} -j ACCEPT" for port in members[group]]
    for port in ports:
        chains[f"e-{port.key}"] = [*_egress(port, firewall, services), *_report(OUT)]
        chains[f"i-{port.key}"] = [*_ingress(port, firewall), *_report(IN)]
    return _table(
        chains,
        {"INPUT": ["-i s-+ -j HOSTS"], "FORWARD": ["-j HOSTS"], "OUTPUT": ["-j CUT"]},
    )


def _table(chains: Mapping[str, Sequence[str]], built_in: Mapping[str, Sequence[str]]) -> str:
    lines = ["*filter"]
    lines += [f":{name} {'DROP' if name == 'FORWARD' else 'ACCEPT'} [0:0]" for name in built_in]
    lines += [f":{name} - [0:0]" for name in chains]
    lines += [f"-A {name} {rule}" for name, rules in {**chains, **built_in}.items() for rule in rules]
    return "\n".join([*lines, "COMMIT", ""])


def _cut(ports: Sequence[Port], zones: frozenset[str]) -> Iterator[str]:
    """Inside a cut zone everything goes on; nothing passes its border, also not to or from AWS."""
    inside: dict[str, set[str]] = defaultdict(set)
    for port in ports:
        if port.zone in zones:
            inside[port.zone].add(port.bridge)
    for bridges in inside.values():
        for one in sorted(bridges):
            yield from (f"-i {one} -o {other} -j RETURN" for other in sorted(bridges))
    for bridges in inside.values():
        for one in sorted(bridges):
            yield f"-i {one} -j DROP"
            yield f"-o {one} -j DROP"


def _spoofed(ports: Sequence[Port]) -> Iterator[str]:
    """EC2's source check: an instance sends from its own address only."""
    for port in ports:
        foreign = f"-m physdev --physdev-in {port.cable} ! -s {port.address}"
        yield f"{foreign} -j NFLOG --nflog-group {REPORTS} --nflog-prefix {SPOOFED}"
        yield f"{foreign} -j DROP"


def _egress(port: Port, firewall: Firewall, services: Services) -> Iterator[str]:
    if firewall.reaches_aws(port.groups):
        yield f"-d {AWS_ADDRESS} -p tcp --dport {services.aws} -j ACCEPT"
        yield f"-d {REGISTRY_ADDRESS} -p tcp --dport {services.registry} -j ACCEPT"
    for rule in _all(group.egress for group in firewall.of(port.groups)):
        if rule.group in firewall.groups:
            yield f"{_what(rule)} -j to-{rule.group}".strip()
        elif rule.cidr:
            yield f"{_what(rule)} -d {rule.cidr} -g INGRESS".strip()


def _ingress(port: Port, firewall: Firewall) -> Iterator[str]:
    for rule in _all(group.ingress for group in firewall.of(port.groups)):
        if rule.group in firewall.groups:
            yield f"{_what(rule)} -j from-{rule.group}".strip()
        elif rule.cidr:
            yield f"{_what(rule)} -s {rule.cidr} -j ACCEPT".strip()


def _all(rules: Iterable[Sequence[Rule]]) -> list[Rule]:
    return list(dict.fromkeys(rule for some in rules for rule in some))


def _what(rule: Rule) -> str:
    if rule.protocol == ALL:
        return ""
    ports = f" --dport {rule.ports[0]}:{rule.ports[1]}" if rule.ports else ""
    return f"-p {rule.protocol}{ports}"


def _report(where: str) -> list[str]:
    return [f"-j NFLOG --nflog-group {REPORTS} --nflog-prefix {where}", "-j DROP"]
