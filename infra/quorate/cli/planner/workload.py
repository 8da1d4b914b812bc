"""What an engine tells of nodes, services and tasks, as the values that placement reckons with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from quorate.placement import Node, Service, Task
from quorate.swarm.snapshot import LABEL_ZONE

Raw = Mapping[str, Any]


def read_node(raw: Raw) -> Node:
    """One entry of the node list."""
    spec, status, description = raw.get("Spec", {}), raw.get("Status", {}), raw.get("Description", {})
    resources, platform = description.get("Resources", {}), description.get("Platform", {})
    labels = spec.get("Labels") or {}
    return Node(
        id=raw["ID"],
        hostname=description.get("Hostname", ""),
        address=status.get("Addr", ""),
        role=spec.get("Role", "worker"),
        zone=labels.get(LABEL_ZONE, ""),
        ready=status.get("State") == "ready",
        active=spec.get("Availability") == "active",
        cpus=resources.get("NanoCPUs", 0),
        memory=resources.get("MemoryBytes", 0),
        os=platform.get("OS", "linux"),
        arch=platform.get("Architecture", "x86_64"),
        labels=labels,
        engine_labels=description.get("Engine", {}).get("Labels") or {},
    )


def read_service(raw: Raw) -> Service:
    """One entry of the service list; a job counts as wanting nothing, its tasks end by themselves."""
    spec = raw.get("Spec", {})
    template = spec.get("TaskTemplate", {})
    placement = template.get("Placement") or {}
    reserved = (template.get("Resources") or {}).get("Reservations") or {}
    return Service(
        id=raw["ID"],
        name=spec.get("Name", raw["ID"]),
        replicas=_replicas(spec.get("Mode") or {}),
        cpus=reserved.get("NanoCPUs", 0),
        memory=reserved.get("MemoryBytes", 0),
        constraints=tuple(placement.get("Constraints") or ()),
        spread=tuple(
            preference["Spread"]["SpreadDescriptor"]
            for preference in placement.get("Preferences") or ()
            if "Spread" in preference
        ),
        platforms=tuple(
            (platform.get("OS", ""), platform.get("Architecture", ""))
            for platform in placement.get("Platforms") or ()
        ),
        host_ports=frozenset(_host_ports(spec.get("EndpointSpec") or {})),
        max_per_node=placement.get("MaxReplicas", 0),
    )


def read_tasks(raw: Iterable[Raw]) -> list[Task]:
    """The tasks that have a node."""
    return [
        Task(task["ServiceID"], task["NodeID"])
        for task in raw
        if task.get("NodeID") and task.get("ServiceID")
    ]


def _replicas(mode: Raw) -> int | None:
    if "Replicated" in mode:
        replicas: int = mode["Replicated"].get("Replicas", 1)
        return replicas
    return None if "Global" in mode else 0


def _host_ports(endpoint: Raw) -> Iterable[tuple[str, int]]:
    for port in endpoint.get("Ports") or ():
        if port.get("PublishMode") == "host" and port.get("PublishedPort"):
            yield port.get("Protocol", "tcp"), port["PublishedPort"]
