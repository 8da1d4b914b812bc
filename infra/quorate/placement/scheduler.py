"""Which node takes a task: evenly over the preferred labels, then the node with the fewest tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from quorate.placement.filters import attribute, refusal
from quorate.placement.model import Node, Service, Task


@dataclass(frozen=True)
class Outcome:
    """What becomes of one service: of `wanted` tasks `placed` run, the others wait.

    `reasons`: why the nodes that are left refuse, with the number of nodes that do.
    """

    service: str
    wanted: int
    placed: int
    reasons: tuple[tuple[str, int], ...] = ()

    @property
    def fits(self) -> bool:
        return self.placed >= self.wanted

    def to_json(self) -> dict[str, object]:
        return {
            "service": self.service,
            "wanted": self.wanted,
            "placed": self.placed,
            "waiting": self.wanted - self.placed,
            "reasons": [{"reason": reason, "nodes": nodes} for reason, nodes in self.reasons],
        }


def without_zone(
    nodes: Sequence[Node], services: Sequence[Service], tasks: Sequence[Task], zone: str
) -> tuple[Outcome, ...]:
    """What Swarm would do with the tasks of `zone` once its nodes are down.

    Tasks on other nodes stay where they are, as Swarm never moves a running one. Services are served by name;
    Swarm's own order among them is not defined, so where not all fit another one may be left waiting.
    """
    left = [node for node in nodes if node.zone != zone]
    known = {service.id: service for service in services}
    kept = [task for task in tasks if any(node.id == task.node for node in left)]
    outcomes = []
    for service in sorted(services, key=lambda service: service.name):
        if service.replicas is None:
            # a global service asks for one task on each node that can take one, and loses none of those
            here = sum(task.service == service.id for task in kept)
            outcomes.append(Outcome(service.name, here, here))
            continue
        outcomes.append(_serve(service, left, known, kept))
    return tuple(outcomes)


def _serve(service: Service, left: Sequence[Node], known: dict[str, Service], kept: list[Task]) -> Outcome:
    """Places what is missing of one service, into `kept`."""
    wanted = service.replicas or 0
    while sum(task.service == service.id for task in kept) < wanted:
        refused: Counter[str] = Counter()
        open_to_it = []
        for node in left:
            here = [task for task in kept if task.node == node.id]
            reason = refusal(node, service, (here, known))
            if reason is None:
                open_to_it.append(node)
            else:
                refused[reason] += 1
        if not open_to_it:
            placed = sum(task.service == service.id for task in kept)
            return Outcome(service.name, wanted, placed, tuple(sorted(refused.items())))
        kept.append(Task(service.id, _choose(service, open_to_it, left, kept).id))
    return Outcome(service.name, wanted, wanted)


def _choose(
    service: Service, open_to_it: Sequence[Node], nodes: Sequence[Node], kept: Sequence[Task]
) -> Node:
    """Level by level the value of the preferred label with the fewest of its tasks, then the freest node."""
    of_service = Counter(task.node for task in kept if task.service == service.id)
    in_all = Counter(task.node for task in kept)
    branch, candidates = list(nodes), list(open_to_it)
    for descriptor in service.spread:
        load: Counter[str] = Counter()
        for node in branch:
            load[attribute(node, descriptor) or ""] += of_service[node.id]
        best = min(
            (attribute(node, descriptor) or "" for node in candidates), key=lambda value: (load[value], value)
        )
        branch = [node for node in branch if (attribute(node, descriptor) or "") == best]
        candidates = [node for node in candidates if (attribute(node, descriptor) or "") == best]
    return min(candidates, key=lambda node: (of_service[node.id], in_all[node.id], node.id))
