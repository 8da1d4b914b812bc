"""User-data: a small JSON document that tells a node which cluster it is for. Nothing in it is secret.

Checked by hand, with the standard library: it is twelve plain keys, and every node pays for imports at boot.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
from dataclasses import dataclass, fields
from typing import Any

from quorate.errors import UsageError

SCHEMA = 1
LIMIT = 16 * 1024  # bytes; EC2's own bound
NEXT = "Set the launch template's user-data by pulumi up"


@dataclass(frozen=True)
class UserData:
    """A node's orders. Exactly one of `slot` (a manager's) and `pool` (a worker's) is set."""

    cluster: str
    role: str
    region: str
    table: str
    token_parameter: str
    token_key: str | None
    group: str
    slot: str | None
    pool: str | None
    launch_hook: str
    termination_hook: str
    overlay_cidr: str

    @property
    def manages(self) -> bool:
        return self.role == "manager"


OPTIONAL = frozenset({"token_key", "slot", "pool"})
KEYS = frozenset(field.name for field in fields(UserData))


def read_user_data(body: bytes) -> UserData:
    """The node's orders; UsageError says in one line what is wrong with the document."""
    if not body.strip():
        raise _bad("it is empty", "a JSON document is needed")
    if len(body) > LIMIT:
        raise _bad(f"{len(body)} bytes", f"at most {LIMIT}")
    try:
        raw = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _bad("no JSON", str(error).splitlines()[0] if str(error) else "it cannot be decoded") from error
    if not isinstance(raw, dict):
        raise _bad(f"a JSON {type(raw).__name__}", "an object is needed")
    if raw.get("schema") != SCHEMA or isinstance(raw["schema"], bool):
        raise _bad(f"schema {raw.get('schema')!r:.40}", f"this image reads schema {SCHEMA}")
    return _checked({key: value for key, value in raw.items() if key != "schema"})


def group_in(body: bytes) -> str:
    """The group that a document names which cannot be used otherwise; empty when it names none."""
    try:
        group = json.loads(body)["group"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return ""
    return group if isinstance(group, str) else ""


def _checked(raw: dict[str, Any]) -> UserData:
    for key in sorted(raw.keys() - KEYS):
        near = difflib.get_close_matches(key, KEYS, n=1)
        raise _bad(f"key {key!r:.60}", f"unknown{f'; did you mean {near[0]!r}' if near else ''}")
    for key in sorted(KEYS):
        value = raw.get(key)
        if value is None and key in OPTIONAL:
            continue
        if not isinstance(value, str) or not value.strip() or len(value) > 2048:
            raise _bad(f"{key} = {value!r:.60}", "a text that is not empty is needed")
    orders = UserData(**{key: raw.get(key) for key in KEYS})  # type: ignore[arg-type]
    _check_meaning(orders)
    return orders


def _check_meaning(orders: UserData) -> None:
    if orders.role not in {"manager", "worker"}:
        raise _bad(f"role = {orders.role!r:.40}", "manager or worker")
    wanted, other = ("slot", "pool") if orders.manages else ("pool", "slot")
    if getattr(orders, wanted) is None or getattr(orders, other) is not None:
        raise _bad(f"role {orders.role}", f"it needs {wanted} and no {other}")
    if orders.manages and orders.token_key is None:
        raise _bad("role manager", "it needs token_key, the key under which the worker token is kept")
    try:
        ipaddress.IPv4Network(orders.overlay_cidr)
    except ValueError as error:
        raise _bad(f"overlay_cidr = {orders.overlay_cidr!r:.40}", str(error)) from error


def _bad(found: str, bound: str) -> UsageError:
    return UsageError(f"user-data: {found}: {bound}. {NEXT}")
