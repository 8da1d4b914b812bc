"""A cluster as a tree: zones, their nodes, what may fail."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from quorate.lab.status import Status, zone_of
from quorate.swarm.snapshot import Node

if TYPE_CHECKING:
    from rich.text import Text

WIDTH = 80
NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four"}


def show(status: Status, stream: TextIO | None = None) -> None:
    """Prints the tree, at most 80 columns wide; colours on a terminal only."""
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    console = Console(file=stream or sys.stdout, width=WIDTH, highlight=False, soft_wrap=False)
    tree = Tree(Text.from_markup(_heading(status)))
    for zone, nodes in _by_zone(status):
        branch = tree.add(Text(zone, "bold"))
        for node in nodes:
            branch.add(_row(node))
    if not status.nodes:
        for zone in sorted({host.zone for host in status.hosts}):
            branch = tree.add(Text(zone, "bold"))
            for host in (one for one in status.hosts if one.zone == zone):
                branch.add(Text(f"{host.name:<18}{host.role:<9}host {host.state:<9}{host.address}"))
    console.print(tree)
    console.print(f"may fail: {may_fail(status)}")
    for trouble in status.trouble:
        console.print(Text(f"not well: {trouble}", "red"))


def may_fail(status: Status) -> str:
    """`any one zone / 2 nodes`, counted from the managers that are reachable now."""
    spare = status.tolerates
    if status.leader is None:
        return "there is no quorum to lose"
    words = []
    if spare["zones"]:
        plural = "s" if spare["zones"] > 1 else ""
        words.append(f"any {NUMBERS.get(spare['zones'], spare['zones'])} zone{plural}")
    if spare["nodes"]:
        words.append(_count(spare["nodes"], "node"))
    return " / ".join(words) or "no manager: one more lost takes the quorum"


def _heading(status: Status) -> str:
    name = status.asked.plan.cluster if status.asked else "nothing laid out"
    health = "[green]healthy[/green]" if status.healthy else "[red]not whole[/red]"
    spread = "-".join(str(count) for count in status.spread.values())
    managers = f"{_count(len(status.managers), 'manager')} {spread}".strip()
    if not status.nodes and status.hosts:
        return f"[bold]{name}[/bold]  {health}  no manager lists the nodes: these are the hosts"
    return f"[bold]{name}[/bold]  {health}  {managers}, {_count(len(status.workers), 'worker')}"


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


def _by_zone(status: Status) -> Iterator[tuple[str, list[Node]]]:
    nodes = [*status.managers, *status.workers]
    for zone in sorted({zone_of(node) for node in nodes}):
        yield zone, [node for node in nodes if zone_of(node) == zone]


def _row(node: Node) -> Text:
    from rich.text import Text

    role = "manager" if node.reachability is not None else "worker"
    if role == "manager":
        condition = "leader" if node.leader else str(node.reachability)
        well = node.reachable
    else:
        condition = node.state if node.availability == "active" else f"{node.state}, {node.availability}"
        well = node.ready
    row = Text(f"{node.hostname:<18}{role:<9}")
    row.append(f"{condition:<14}", "green" if well else "red")
    row.append(node.address, "dim")
    return row
