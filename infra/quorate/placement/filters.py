"""Why a node cannot take one more task of a service; None where it can."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence

from quorate.placement.model import Node, Service, Task

CONSTRAINT = re.compile(r"\s*(?P<key>[a-z][\w.\-/]*)\s*(?P<sign>==|!=)\s*(?P<value>.*?)\s*", re.IGNORECASE)
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}

Load = tuple[Sequence[Task], Mapping[str, Service]]
"""The tasks on the node, and every service by id."""


def refusal(node: Node, service: Service, load: Load) -> str | None:
    """The first filter that refuses, in Swarm's order, as a few words."""
    for check in _FILTERS:
        reason = check(node, service, load)
        if reason is not None:
            return reason
    return None


def _ready(node: Node, service: Service, load: Load) -> str | None:
    return None if node.ready and node.active else "not active"


def _resources(node: Node, service: Service, load: Load) -> str | None:
    tasks, services = load
    held = [services[task.service] for task in tasks if task.service in services]
    if node.cpus - sum(one.cpus for one in held) < service.cpus:
        return f"less than {service.cpus / 1e9:g} CPU unreserved"
    if node.memory - sum(one.memory for one in held) < service.memory:
        return f"less than {service.memory / 2**20:g} MiB unreserved"
    return None


def _constraints(node: Node, service: Service, load: Load) -> str | None:
    for constraint in service.constraints:
        if not satisfies(node, constraint):
            return f"constraint {constraint}"
    return None


def _platform(node: Node, service: Service, load: Load) -> str | None:
    here = (node.os.lower(), _architecture(node.arch))
    for os, arch in service.platforms:
        if os.lower() in ("", here[0]) and _architecture(arch) in ("", here[1]):
            return None
    return f"platform {node.os}/{node.arch}" if service.platforms else None


def _host_ports(node: Node, service: Service, load: Load) -> str | None:
    tasks, services = load
    taken = {port for task in tasks if task.service in services for port in services[task.service].host_ports}
    for protocol, number in sorted(service.host_ports & taken):
        return f"host port {number}/{protocol} is taken"
    return None


def _max_replicas(node: Node, service: Service, load: Load) -> str | None:
    here = sum(task.service == service.id for task in load[0])
    if service.max_per_node and here >= service.max_per_node:
        return f"already {here} of at most {service.max_per_node} per node"
    return None


_FILTERS: tuple[Callable[[Node, Service, Load], str | None], ...] = (
    _ready,
    _resources,
    _constraints,
    _platform,
    _host_ports,
    _max_replicas,
)


def satisfies(node: Node, constraint: str) -> bool:
    """Whether a node meets a constraint, as `node.labels.disk==ssd`; one that cannot be read is not met."""
    match = CONSTRAINT.fullmatch(constraint)
    if match is None:
        return False
    key, value = match["key"], match["value"]
    if key.lower() == "node.ip":
        met = _within(node.address, value)
    else:
        found = attribute(node, key)
        if found is None:
            return False
        met = found.lower() == value.lower()
    return met if match["sign"] == "==" else not met


def attribute(node: Node, key: str) -> str | None:
    """The value of a descriptor such as node.role or node.labels.x ("" for a label that is not set)."""
    plain = {
        "node.id": node.id,
        "node.hostname": node.hostname,
        "node.role": node.role,
        "node.platform.os": node.os,
        "node.platform.arch": node.arch,
    }
    low = key.lower()
    if low in plain:
        return plain[low]
    for prefix, labels in (("node.labels.", node.labels), ("engine.labels.", node.engine_labels)):
        if low.startswith(prefix):
            return labels.get(key[len(prefix) :], "")
    return None


def _within(address: str, value: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False


def _architecture(name: str) -> str:
    return ARCHITECTURES.get(name.lower(), name.lower())
