"""Services, their tasks and what nodes have to offer, read from an engine as it tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from quorate.swarm.engine import ALIVE, Engine


class Workload(Engine):
    """An engine asked for what runs on its swarm: raw answers of the API, nothing is written."""

    def raw_nodes(self) -> list[Mapping[str, Any]]:
        """Every node, with its resources and platform."""
        return list(self._ask("node list", lambda api: api.nodes()))

    def raw_services(self) -> list[Mapping[str, Any]]:
        """Every service with its spec."""
        return list(self._ask("service list", lambda api: cast(Any, api).services()))

    def raw_tasks(self) -> list[Mapping[str, Any]]:
        """Every task that is alive or about to be and is wanted."""
        tasks = self._ask("task list", lambda api: cast(Any, api).tasks(filters={"desired-state": "running"}))
        return [task for task in tasks if task.get("Status", {}).get("State") in ALIVE]
