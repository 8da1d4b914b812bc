"""The engine, through the Docker SDK's low-level client.

Three calls are posted by hand through that client's own transport. The SDK's init and join lack
`Availability`: a node joins drained, so that nothing is placed on it before it is labelled. And these and
leave take longer than any other call, on a slow machine longer than a client waits for those. The Docker
command line is never used: it takes secrets as arguments, which everybody on the host can read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import requests
from docker.api.client import APIClient
from docker.errors import APIError, DockerException, create_api_error_from_http_exception

from quorate.errors import Failed, Unknown
from quorate.swarm.snapshot import MANAGER_PORT, Node

T = TypeVar("T")

OVERLAY_SUBNET_BITS = 24
ALIVE = frozenset({"assigned", "accepted", "preparing", "ready", "starting", "running"})


class EngineRefused(Failed):
    """The engine answered, and said no; `status` is the HTTP status."""

    def __init__(self, asked: str, status: int, said: str) -> None:
        super().__init__(f"{asked}: the engine said {status}: {said}")
        self.status = status
        self.said = said


@dataclass(frozen=True)
class Membership:
    """What the local engine says of itself: inactive, pending, active, error or locked."""

    state: str
    node_id: str = ""
    manages: bool = False
    cluster_id: str | None = None
    error: str = ""

    @property
    def active(self) -> bool:
        return self.state == "active"


class Engine:
    """One engine. Every method raises Unknown (no answer) or EngineRefused (it said no)."""

    def __init__(self, docker_host: str, timeout: float = 5.0) -> None:
        self._timeout = timeout
        self._docker_host = docker_host
        self._api: APIClient | None = None

    def _client(self) -> APIClient:
        if self._api is None:
            self._api = APIClient(base_url=self._docker_host, version="auto", timeout=int(self._timeout))
        return self._api

    def _ask(self, what: str, call: Callable[[APIClient], T]) -> T:
        try:
            return call(self._client())
        except APIError as error:
            status = error.response.status_code if error.response is not None else 0
            raise EngineRefused(what, status, str(error.explanation or error).strip()) from error
        except (DockerException, requests.RequestException, OSError) as error:
            raise Unknown(f"{what}: the engine did not answer ({type(error).__name__})") from error

    def _post(self, what: str, path: str, body: Mapping[str, Any] | None, timeout: float) -> Any:
        def call(api: APIClient) -> Any:
            answer = api.post(f"{api.base_url}/v{api.api_version}{path}", json=body, timeout=timeout)
            if answer.status_code >= requests.codes.bad_request:
                create_api_error_from_http_exception(requests.HTTPError(response=answer))
            return answer.json() if answer.content else None

        return self._ask(what, call)

    def membership(self) -> Membership:
        """What this engine is in a swarm."""
        swarm = self._ask("engine info", lambda api: api.info()).get("Swarm", {})
        return Membership(
            state=swarm.get("LocalNodeState", "inactive"),
            node_id=swarm.get("NodeID", ""),
            manages=bool(swarm.get("ControlAvailable")),
            cluster_id=(swarm.get("Cluster") or {}).get("ID") or None,
            error=swarm.get("Error", ""),
        )

    def init(self, address: str, overlay_cidr: str, timeout: float = 30.0) -> str:
        """Make a new swarm with this node as its drained manager; the node's id."""
        listen = f"{address}:{MANAGER_PORT}"
        body = {
            "ListenAddr": listen,
            "AdvertiseAddr": listen,
            "DataPathAddr": address,
            "DefaultAddrPool": [overlay_cidr],
            "SubnetSize": OVERLAY_SUBNET_BITS,
            "Availability": "drain",
        }
        return str(self._post("swarm init", "/swarm/init", body, timeout))

    def join(self, address: str, managers: tuple[str, ...], token: str, timeout: float = 30.0) -> None:
        """Join drained through the managers (`ip:2377`); the engine itself gives up waiting after 20 s."""
        listen = f"{address}:{MANAGER_PORT}"
        body = {
            "ListenAddr": listen,
            "AdvertiseAddr": listen,
            "DataPathAddr": address,
            "RemoteAddrs": list(managers),
            "JoinToken": token,
            "Availability": "drain",
        }
        self._post("swarm join", "/swarm/join", body, timeout)

    def leave(self, timeout: float = 30.0) -> None:
        """Leave by force, whatever this node was. The engine answers when its node has stopped."""
        self._post("swarm leave", "/swarm/leave?force=1", None, timeout)

    def swarm(self) -> tuple[str, str]:
        """The cluster id and the worker token, from a manager."""
        found = self._ask("swarm inspect", lambda api: api.inspect_swarm())
        return str(found["ID"]), str(found["JoinTokens"]["Worker"])

    def nodes(self) -> tuple[Node, ...]:
        """Every node, from a manager with a leader."""
        return tuple(read_node(raw) for raw in self._ask("node list", lambda api: api.nodes()))

    def update_node(
        self,
        node: Node,
        *,
        role: str | None = None,
        availability: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Write the node's spec at the version that was looked at; a newer version is refused by the engine.

        With nothing to change it is a committed write all the same: the proof that this node leads.
        """
        spec: Any = {
            "Name": node.name,
            "Role": role or node.role,
            "Availability": availability or node.availability,
            "Labels": {**node.labels, **(labels or {})},
        }
        self._ask(f"node update {node.id}", lambda api: api.update_node(node.id, node.version, spec))

    def prove_leadership(self, node_id: str) -> None:
        """Commit a write through raft: this node's own spec, unchanged. It fails without a quorum."""
        node = read_node(self._ask("node inspect", lambda api: api.inspect_node(node_id)))
        self.update_node(node)

    def remove_node(self, node_id: str) -> None:
        """Remove a node that is no manager; one that is gone already is fine."""
        try:
            self._ask(f"node remove {node_id}", lambda api: api.remove_node(node_id, force=True))
        except EngineRefused as refusal:
            if refusal.status != requests.codes.not_found:
                raise

    def tasks_alive(self, node_id: str) -> int:
        """Tasks on the node that have not ended."""
        tasks = self._ask("task list", lambda api: cast(Any, api).tasks(filters={"node": node_id}))
        return sum(task.get("Status", {}).get("State") in ALIVE for task in tasks)


def read_node(raw: Mapping[str, Any]) -> Node:
    """One entry of the engine's node list."""
    spec, status, manager = raw.get("Spec", {}), raw.get("Status", {}), raw.get("ManagerStatus") or None
    return Node(
        id=raw["ID"],
        address=status.get("Addr", ""),
        role=spec.get("Role", "worker"),
        state=status.get("State", "unknown"),
        availability=spec.get("Availability", "active"),
        labels=spec.get("Labels") or {},
        reachability=manager.get("Reachability", "unknown") if manager else None,
        leader=bool(manager and manager.get("Leader")),
        version=raw.get("Version", {}).get("Index", 0),
        name=spec.get("Name", ""),
        hostname=raw.get("Description", {}).get("Hostname", ""),
    )
