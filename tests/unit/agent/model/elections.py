"""What a swarm does by itself: it elects, hears who answers, and carries out changes of role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .host import Host
from .raft import ELECTION_SECONDS, ROLE_SECONDS, SILENT_SECONDS, Node, Swarm

if TYPE_CHECKING:
    from .world import World


class Elections:
    """Of every swarm of one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def tick(self) -> None:
        for swarm in self._world.swarms.values():
            self._elect(swarm)
            self._hear(swarm)
            self._settle(swarm)

    def _elect(self, swarm: Swarm) -> None:
        now = self._world.clock.now
        swarm.beliefs = {
            node: belief
            for node, belief in swarm.beliefs.items()
            if now < belief.until and node in swarm.nodes and self._up(swarm.nodes[node])
        }
        leader = swarm.nodes.get(swarm.leader or "")
        if leader is not None and self._carries(swarm, leader):
            return
        if leader is not None:
            if self._up(leader):
                swarm.cut_off(leader.id, now)
            else:
                swarm.leader, swarm.leaderless_since = None, now
        able = [node for node in swarm.members() if self._carries(swarm, node)]
        again = [node for node in able if node.id in swarm.beliefs]
        long_ago = swarm.leaderless_since is None or now - swarm.leaderless_since >= ELECTION_SECONDS
        if again or (able and long_ago):
            chosen = again[0] if again else able[swarm.rotations % len(able)]
            swarm.leader = chosen.id
            swarm.beliefs.pop(chosen.id, None)

    def _up(self, node: Node) -> bool:
        host = self._world.host_of(node)
        return host is not None and host.on

    def _carries(self, swarm: Swarm, node: Node) -> bool:
        """Whether the node is a member that hears a majority, itself included."""
        host = self._world.host_of(node)
        return (
            node.raft
            and host is not None
            and host.on
            and sum(self._world.hear(host, other) for other in swarm.members()) >= swarm.majority
        )

    def _hear(self, swarm: Swarm) -> None:
        views = [(belief.nodes, node) for node, belief in swarm.beliefs.items()]
        if swarm.leader is not None:
            views.append((swarm.nodes, swarm.leader))
        for nodes, listener in views:
            ear = self._world.host_of(nodes[listener])
            for node in nodes.values():
                heard = ear is not None and self._world.hear(ear, node)
                if heard:
                    node.lost = None
                elif node.lost is None:
                    node.lost = self._world.clock.now
                if node.lost is not None:  # whoever was heard still is, for a while
                    heard = node.heard and self._world.clock.now - node.lost < SILENT_SECONDS
                if heard != node.heard:
                    node.heard, node.version = heard, node.version + 1

    def _settle(self, swarm: Swarm) -> None:
        if swarm.leader is None:
            return
        ear = self._world.host_of(swarm.nodes[swarm.leader])
        assert ear is not None
        for node in list(swarm.nodes.values()):
            heard = self._world.hear(ear, node)
            due = self._world.clock.now - node.since >= ROLE_SECONDS
            if node.role == "manager" and not node.raft and heard and due:
                node.raft, node.version = True, node.version + 1
            elif node.role == "worker" and node.raft and due:
                self._let_out(swarm, node, ear)
        for host in self._world.hosts.values():
            if host.swarm == swarm.id and self._world.connected(ear, host):
                host.settled = True
                known = swarm.nodes.get(host.node or "")
                host.removed = known is None
                host.manages = known is not None and known.raft
        if swarm.leader is not None and not swarm.nodes[swarm.leader].raft:
            swarm.leader, swarm.leaderless_since = None, self._world.clock.now - ELECTION_SECONDS
            self._elect(swarm)

    def _let_out(self, swarm: Swarm, node: Node, ear: Host) -> None:
        """As swarmkit does: only if the others that answer are a majority of those that remain."""
        others = [one for one in swarm.members() if one.id != node.id]
        if sum(self._world.hear(ear, one) for one in others) >= len(others) // 2 + 1:
            node.raft, node.version = False, node.version + 1
