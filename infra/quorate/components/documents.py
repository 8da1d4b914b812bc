"""What nodes read: user-data at boot, and the plan in the table. Data only, and nothing secret."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from quorate.components.naming import Naming
from quorate.layout import Slot
from quorate.settings import Settings

SCHEMA = 1
LAUNCH_HOOK = "quorate-launch"
TERMINATION_HOOK = "quorate-termination"


def user_data(
    naming: Naming,
    settings: Settings,
    region: str,
    group: str,
    *,
    role: str,
    slot: str | None = None,
    pool: str | None = None,
    token_key: str | None = None,
) -> str:
    """The user-data of a group's nodes, as base64 of one JSON object."""
    document = {
        "schema": SCHEMA,
        "cluster": naming.cluster,
        "role": role,
        "region": region,
        "table": naming.table,
        "token_parameter": naming.token_parameter,
        "token_key": token_key,
        "group": group,
        "slot": slot,
        "pool": pool,
        "launch_hook": LAUNCH_HOOK,
        "termination_hook": TERMINATION_HOOK,
        "overlay_cidr": str(settings.overlay_cidr),
    }
    return base64.b64encode(json.dumps(document).encode()).decode()


def plan(
    naming: Naming, settings: Settings, region: str, slots: Sequence[Slot], token_key: str
) -> Mapping[str, Any]:
    """The plan that the steward follows: the goal, every slot and every pool with its group."""
    return {
        "schema": SCHEMA,
        "cluster": naming.cluster,
        "region": region,
        "survive": settings.survive.value,
        "layout": list(settings.spread),
        "zones": list(settings.zones),
        "managers_schedulable": settings.managers_schedulable,
        "slots": [
            {"name": slot.name, "zone": slot.zone, "group": naming.slot_group(slot.name)} for slot in slots
        ],
        "pools": [
            {"name": pool.name, "group": naming.pool_group(pool.name), "labels": pool.labels}
            for pool in settings.workers
        ],
        "launch_hook": LAUNCH_HOOK,
        "termination_hook": TERMINATION_HOOK,
        "token_parameter": naming.token_parameter,
        "token_key": token_key,
        "overlay_cidr": str(settings.overlay_cidr),
    }


def as_item(item_id: str, document: Mapping[str, Any]) -> str:
    """A table item in DynamoDB's own JSON, its document as one text."""
    return json.dumps({"id": {"S": item_id}, "document": {"S": json.dumps(document)}})
