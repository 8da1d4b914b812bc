"""Nodes whose instance is gone: dead members are demoted, and what is left of them and of workers removed."""

from __future__ import annotations

from quorate.agent.steward.actions import Demote, Draft, Remove, Tone
from quorate.agent.steward.members import may_go
from quorate.agent.steward.standing import Standing
from quorate.swarm.snapshot import Node

GONE_SECONDS = 2.0  # between the first look that found an instance gone and the one that acts on it


def notice(standing: Standing, draft: Draft) -> None:
    """Remember since when each node has been found gone, without a look that said otherwise or nothing."""
    found = [*dead_members(standing), *_ghosts(standing)]
    since = draft.remember("gone", (node.id for node in found))
    if any(draft.now - at < GONE_SECONDS for at in since.values()):
        draft.again(GONE_SECONDS / 2)


def dead_members(standing: Standing) -> list[Node]:
    """Members that do not answer and whose instance, this look says, is gone."""
    return [node for node in standing.members if not node.reachable and standing.gone(node)]


def demote_dead(standing: Standing, draft: Draft) -> None:
    """Demote one dead member: it goes before its replacement is promoted."""
    for node in dead_members(standing):
        if node.changing or not _seen_twice(node, draft):
            continue
        verdict = may_go(standing, node, zone_rule=False)
        if verdict.allowed:
            draft.do(Demote(node.id))
            return
        draft.again(2.0)
        draft.note(
            node.id,
            Tone.REFUSES,
            f"dead manager {node.id} ({node.instance}) is not removed: {verdict.reason}",
        )


def remove_ghosts(standing: Standing, draft: Draft) -> None:
    """Remove Down workers that never come back, dead managers after their demotion among them."""
    draft.do(*(Remove(node.id) for node in _ghosts(standing) if _seen_twice(node, draft)))


def _ghosts(standing: Standing) -> list[Node]:
    return [
        node
        for node in standing.snapshot.nodes
        if not node.member and node.down and (standing.gone(node) or standing.superseded(node))
    ]


def _seen_twice(node: Node, draft: Draft) -> bool:
    return draft.now - draft.after.gone.get(node.id, draft.now) >= GONE_SECONDS
