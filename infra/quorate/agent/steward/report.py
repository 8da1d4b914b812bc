"""What the last pass saw and did, as a file on tmpfs: `lab status` and a person with a shell read it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quorate.agent.steward.actions import Decision
from quorate.swarm.snapshot import LABEL_ZONE, Snapshot

FILE = "steward.json"


@dataclass
class Report:
    """The status document; written only when it says something new."""

    directory: Path
    _last: dict[str, Any] = field(default_factory=dict)

    def follows(self, node_id: str | None, leader: str | None) -> None:
        """This node does not lead. `leader`: yes, no, or None for unknown, as this node's engine sees it."""
        self._write({"schema": 1, "leads": False, "node": node_id, "swarm": leader})

    def leads(
        self, snapshot: Snapshot, decision: Decision, done: list[str], troubles: list[str], epoch: int | None
    ) -> None:
        members = [node for node in snapshot.nodes if node.member]
        spread = Counter(node.labels.get(LABEL_ZONE, "unknown") for node in members)
        self._write(
            {
                "schema": 1,
                "leads": True,
                "node": snapshot.node_id,
                "cluster_id": snapshot.cluster_id,
                "epoch": epoch,
                "managers": len(members),
                "reachable": sum(node.reachable for node in members),
                "spread": dict(sorted(spread.items())),
                "done": done,
                "notes": [{"about": n.about, "tone": n.tone, "text": n.text} for n in decision.notes],
                "troubles": troubles,
            }
        )

    def _write(self, document: dict[str, Any]) -> None:
        if document == self._last:
            return
        self._last = document
        self.directory.mkdir(parents=True, exist_ok=True)
        new = self.directory / f"{FILE}.new"
        new.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        new.replace(self.directory / FILE)
