"""The members of a living swarm, read from an engine: DOCKER_HOST's, or the lab's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.cli.planner.packages import enable
from quorate.errors import Failed, UsageError
from quorate.layout.bounds import Spread
from quorate.layout.standing import UNLABELLED, Member

if TYPE_CHECKING:
    from quorate.placement import Outcome
    from quorate.swarm.services import Workload
    from quorate.swarm.snapshot import Node

PATIENCE = 20.0
"""Seconds for one answer: an engine that elects a leader or pulls an image is slow, and a person can wait."""
LAB_STACK = "lab"
ROOT = Path(__file__).resolve().parents[4]


@dataclass(frozen=True)
class Planned:
    """What a stack's configuration lays out: managers per zone id, and the goal."""

    spread: Mapping[str, int]
    goal: str


def engine(docker_host: str | None) -> Workload:
    """The engine asked for, else DOCKER_HOST's, else a manager of the lab's."""
    enable("docker", "reading a swarm")
    from quorate.swarm.services import Workload

    host = docker_host or os.environ.get("DOCKER_HOST")
    return Workload(host if host else _lab_manager(), timeout=PATIENCE)


def is_lab(docker_host: str | None) -> bool:
    """Whether the swarm to be read is that of the lab which runs here."""
    if docker_host or os.environ.get("DOCKER_HOST"):
        return False
    enable("docker", "reading a swarm")
    from quorate.lab.lab import Lab

    return Lab().is_running()


def members(asked: Workload) -> tuple[Member, ...]:
    """Every manager of the swarm; Failed where the engine is no manager or a change is under way."""
    return tuple(_member(node) for node in _managers(asked))


def steady_members(asked: Workload) -> tuple[Member, ...]:
    """The managers, if no promotion or demotion is under way; Failed otherwise."""
    found = _managers(asked)
    moving = [node.hostname or node.id for node in found if node.changing]
    if moving:
        raise Failed(
            f"{', '.join(moving)}: a promotion or demotion is under way. Wait for it, then ask again"
        )
    return tuple(_member(node) for node in found)


def by_zone(zones: tuple[str, ...], found: tuple[Member, ...]) -> tuple[Spread, Spread]:
    """Members and reachable members per zone of `zones`; Failed for one that stands in none of them."""
    strays = [
        f"{member.name} (zone {member.zone or 'unknown'})" for member in found if member.zone not in zones
    ]
    if strays:
        raise Failed(
            f"{', '.join(strays)} in none of the plan's zones {', '.join(zones)}. Plan from what is there"
        )
    counted = [[member.reachable for member in found if member.zone == zone] for zone in zones]
    return tuple(len(zone) for zone in counted), tuple(sum(zone) for zone in counted)


def fates(asked: Workload, zone: str) -> tuple[Outcome, ...]:
    """What would become of each service with the nodes of `zone` down."""
    from quorate.cli.planner.workload import read_node, read_service, read_tasks
    from quorate.placement import without_zone

    services = [read_service(raw) for raw in asked.raw_services()]
    nodes = [read_node(raw) for raw in asked.raw_nodes()]
    return without_zone(nodes, services, read_tasks(asked.raw_tasks()), zone)


def planned(stack: str) -> Planned:
    """The layout that Pulumi.<stack>.yaml asks for; UsageError where there is no such stack."""
    enable("yaml", "reading a stack's configuration")
    import yaml  # type: ignore[import-untyped]

    from quorate.settings import SettingsRefused, parse

    file = ROOT / f"Pulumi.{stack}.yaml"
    try:
        raw: dict[str, Any] = yaml.safe_load(file.read_text()) or {}
        project: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    except FileNotFoundError:
        known = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
        raise UsageError(
            f"stack {stack!r} has no {file.name} here: the stacks are {', '.join(known)}"
        ) from None
    except (OSError, yaml.YAMLError) as error:
        raise Failed(f"{file.name} cannot be read: {' '.join(str(error).split())}") from error
    try:
        settings = parse(raw.get("config") or {}, project=project["name"], stack=stack)
    except SettingsRefused as refusal:
        raise Failed(f"{file.name}: {str(refusal).splitlines()[0]}") from refusal
    return Planned(dict(zip(settings.zones, settings.spread, strict=True)), str(settings.survive))


def _managers(asked: Workload) -> list[Node]:
    membership = asked.membership()
    if not membership.active:
        raise Failed("the engine is in no swarm. Point DOCKER_HOST at one of the swarm's managers")
    if not membership.manages:
        raise Failed("the engine is a worker and cannot list nodes. Point DOCKER_HOST at a manager")
    found = [node for node in asked.nodes() if node.member]
    if not found:
        raise Failed("the engine lists no manager at all. Ask another manager")
    return found


def _member(node: Node) -> Member:
    from quorate.swarm.snapshot import LABEL_ZONE

    return Member(
        name=node.hostname or node.id,
        zone=node.labels.get(LABEL_ZONE, UNLABELLED),
        reachable=node.reachable,
        leader=node.leader,
    )


def _lab_manager() -> str:
    from quorate.lab.lab import Lab

    lab = Lab()
    hosts = lab.hosts() if lab.is_running() else ()
    for host in hosts:
        if host.role == "manager" and host.docker_host is not None:
            return host.docker_host
    raise UsageError("DOCKER_HOST is not set and no lab runs here: export DOCKER_HOST, or give --docker-host")
