"""Scenes for decide: a small world in which a host is a line, expanded into what a look would see.

A host has an instance in a group, and usually a node; every field may be set per look. Hosts are named
by zone and number ("a1"), their instance "i-a1", their node "n-a1", their address by zone and number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from quorate.agent.steward.actions import (
    Action,
    CompleteHook,
    Demote,
    Drain,
    Heartbeat,
    Label,
    MarkUnhealthy,
    Promote,
    PublishAddresses,
    PublishToken,
    Remove,
)
from quorate.swarm.snapshot import (
    Claim,
    Group,
    GroupInstance,
    Instance,
    Node,
    Plan,
    PlannedPool,
    PlannedSlot,
    Snapshot,
)


@dataclass(frozen=True)
class HostLine:
    """`home`: a slot or a pool; `lifecycle` None: no group lists it; `ec2` None: EC2 does not know it."""

    name: str
    home: str
    zone: str
    address: str
    lifecycle: str | None = "InService"
    healthy: bool = True
    ec2: str | None = "running"
    node: str | None = ""
    state: str = "ready"
    role: str = "worker"
    reach: str | None = None
    availability: str = "active"
    labels: Mapping[str, str] | None = None  # None: the right ones
    tasks: int | None = None

    @property
    def instance(self) -> str:
        return f"i-{self.name}"

    @property
    def node_id(self) -> str | None:
        return f"n-{self.name}" if self.node == "" else self.node

    @property
    def manages(self) -> bool:
        return self.home.startswith("manager-")


@dataclass(frozen=True)
class Scene:
    """The world at one look."""

    layout: tuple[int, ...] = (2, 2, 1)
    survive: str = "zone"
    schedulable: bool = False
    hosts: Mapping[str, HostLine] = field(default_factory=dict)
    at: float = 0.0
    me: str = "a1"
    leader: str = "a1"
    unknown_zones: tuple[str, ...] = ()
    groups_known: bool = True
    plan_known: bool = True
    addresses_known: bool = True
    desired: Mapping[str, int] = field(default_factory=dict)
    deleting: tuple[str, ...] = ()
    without_groups: tuple[str, ...] = ()
    out_of_plan: tuple[str, ...] = ()
    claim: Mapping[str, Any] | None = None  # None: READY with the right addresses
    claim_known: bool = True
    token_fresh: bool | None = True


def whole(layout: Sequence[int] = (2, 2, 1), workers: int = 2) -> Scene:
    """Every slot held by a reachable, labelled, drained manager; workers in pool "general" by turns."""
    hosts: dict[str, HostLine] = {}
    for zone, count in zip("abcde", layout, strict=False):
        for number in range(1, count + 1):
            hosts[f"{zone}{number}"] = host(
                f"{zone}{number}", f"manager-{zone}-{number}", zone, role="manager", reach="reachable"
            )
    for number in range(workers):
        zone = "abcde"[number % len(layout)]
        hosts[f"w{number + 1}"] = host(f"w{number + 1}", "general", zone)
    return Scene(layout=tuple(layout), hosts=hosts)


def host(name: str, home: str, zone: str, **fields: Any) -> HostLine:
    """One host; a manager is drained unless said otherwise."""
    digits = int("".join(c for c in name if c.isdigit()) or "0")
    number = digits + (100 if name.startswith("w") else 0) + (10 if name.endswith("x") else 0)
    defaults: dict[str, Any] = {"availability": "drain"} if home.startswith("manager-") else {}
    address = f"10.0.{ord(zone) - ord('a')}.{number}"
    return HostLine(**{"name": name, "home": home, "zone": zone, "address": address, **defaults, **fields})


def changed(scene: Scene, change: Mapping[str, Any]) -> Scene:
    """The scene with fields replaced; under "hosts" hosts are changed, made, or taken away (null)."""
    hosts = dict(scene.hosts)
    for name, fields in change.get("hosts", {}).items():
        if fields is None:
            del hosts[name]
        elif name in hosts:
            hosts[name] = replace(hosts[name], **fields)
        else:
            hosts[name] = host(name, **fields)
    rest = {key: tuple(v) if isinstance(v, list) else v for key, v in change.items() if key != "hosts"}
    return replace(scene, **{**rest, "hosts": hosts})


def plan_of(scene: Scene) -> Plan:
    zones = tuple("abcde"[: len(scene.layout)])
    return Plan(
        cluster="q",
        survive=scene.survive,
        zones=zones,
        slots=tuple(
            PlannedSlot(name, zone, f"q-{name}")
            for zone, count in zip(zones, scene.layout, strict=True)
            for name in (f"manager-{zone}-{number}" for number in range(1, count + 1))
        ),
        pools=(PlannedPool("general", "q-worker-general", {"tier": "general"}),),
        launch_hook="quorate-launch",
        termination_hook="quorate-termination",
        token_parameter="/q/worker-token",
        token_key="arn:key",
        managers_schedulable=scene.schedulable,
    )


def right_labels(line: HostLine, *, schedulable: bool = False) -> dict[str, str]:
    common = {"quorate.instance": line.instance, "quorate.zone": line.zone}
    if line.manages:
        return common | {
            "quorate.role": "manager",
            "quorate.slot": line.home,
            "quorate.schedulable": str(schedulable).lower(),
        }
    return common | {"quorate.role": "worker", "quorate.pool": line.home, "tier": line.home}


def snapshot_of(scene: Scene) -> Snapshot:
    nodes = tuple(_node(line, scene) for line in scene.hosts.values() if line.node_id is not None)
    return Snapshot(
        now=scene.at,
        node_id=f"n-{scene.me}",
        instance_id=f"i-{scene.me}",
        cluster_id="cluster",
        nodes=nodes,
        plan=plan_of(scene) if scene.plan_known else None,
        groups=_groups(scene) if scene.groups_known else None,
        zones=_zones(scene),
        at_address=_at_address(scene),
        tasks={
            line.node_id: line.tasks
            for line in scene.hosts.values()
            if line.node_id and line.tasks is not None
        },
        claim=_claim(scene, nodes),
        claim_known=scene.claim_known,
        token_fresh=scene.token_fresh,
    )


def _node(line: HostLine, scene: Scene) -> Node:
    assert line.node_id is not None
    return Node(
        id=line.node_id,
        address=line.address,
        role=line.role,
        state=line.state,
        availability=line.availability,
        labels=right_labels(line) if line.labels is None else line.labels,
        reachability=line.reach,
        leader=line.name == scene.leader and line.reach == "reachable",
    )


def _groups(scene: Scene) -> dict[str, Group]:
    homes = {slot.name: slot.group for slot in plan_of(scene).slots} | {"general": "q-worker-general"}
    homes |= {line.home: f"q-{line.home}" for line in scene.hosts.values() if line.home not in homes}
    groups = {}
    for home, name in homes.items():
        listed = tuple(
            GroupInstance(line.instance, line.lifecycle, line.healthy, line.zone)
            for line in scene.hosts.values()
            if line.home == home and line.lifecycle is not None
        )
        if home not in scene.without_groups:
            groups[name] = Group(name, scene.desired.get(home, 1), listed, home in scene.deleting)
    return groups


def _zones(scene: Scene) -> dict[str, dict[str, Instance]]:
    all_zones = "abcde"[: len(scene.layout)]
    zones: dict[str, dict[str, Instance]] = {z: {} for z in all_zones if z not in scene.unknown_zones}
    for line in scene.hosts.values():
        if line.zone in scene.unknown_zones:
            continue
        there = zones.setdefault(line.zone, {})
        if line.ec2 is not None:
            address = line.address if line.ec2 not in {"terminated", "shutting-down"} else None
            there[line.instance] = Instance(line.instance, line.ec2, address, line.zone)
    return zones


def _at_address(scene: Scene) -> dict[str, frozenset[str]] | None:
    if not scene.addresses_known:
        return None
    known = [i for zone in _zones(replace(scene, unknown_zones=())).values() for i in zone.values()]
    return {
        line.address: frozenset(i.id for i in known if i.address == line.address)
        for line in scene.hosts.values()
        if line.labels is not None and not line.labels and line.state == "down"
    }


def _claim(scene: Scene, nodes: tuple[Node, ...]) -> Claim | None:
    if scene.claim is not None:
        fields = {**scene.claim, "addresses": tuple(scene.claim.get("addresses", ()))}
        return Claim(**fields) if scene.claim else None
    ups = tuple(sorted(f"{n.address}:2377" for n in nodes if n.role == "manager" and n.reachable))
    return Claim("READY", cluster_id="cluster", addresses=ups)


def words(action: Action) -> str:
    """An action as a case file writes it."""
    match action:
        case Label(node, labels, availability):
            home = labels.get("quorate.slot") or labels.get("quorate.pool")
            said = f"label {node} {home} {labels['quorate.zone']}{f' {availability}' if availability else ''}"
        case Promote(node) | Demote(node) | Drain(node) | Remove(node):
            said = f"{type(action).__name__.lower()} {node}"
        case PublishAddresses(addresses):
            said = f"addresses {' '.join(a.removesuffix(':2377') for a in addresses)}"
        case PublishToken():
            said = "token"
        case CompleteHook(group, instance):
            said = f"complete {group} {instance}"
        case Heartbeat(group, instance):
            said = f"beat {group} {instance}"
        case MarkUnhealthy(instance):
            said = f"unhealthy {instance}"
    return said
