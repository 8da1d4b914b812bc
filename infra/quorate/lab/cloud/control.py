"""What the operator of the lab asks its cloud besides AWS's own APIs: paths under /quorate-lab, on loopback.

GET    nonce                 {"nonce"}
GET    instances             every instance with its zone, group and lifecycle state
GET    calls                 how often each principal made which call
GET    denials               which calls were denied, and what each of them lacked
GET    faults                the faults in force
POST   faults                add one, as {"kind", "action", ...}; answers its id. For a host's metadata:
                             {"kind": "error", "status": 401, "action": "metadata:*", "principal": "*/i-1"}
DELETE faults | faults/ID    clear all of them, or one
GET    zones                 {"closed": [zone ids]}
PUT    zones/ID              launches fail there from now on
DELETE zones/ID              they succeed again
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from quorate.errors import QuorateError, UsageError
from quorate.lab.cloud import faults
from quorate.lab.cloud.calls import Answer
from quorate.lab.cloud.denials import Denials
from quorate.lab.cloud.faults import Faults
from quorate.lab.cloud.views import InstanceView


class Controlled(Protocol):
    """The part of the cloud that these paths show and change."""

    @property
    def nonce(self) -> str: ...
    @property
    def faults(self) -> Faults: ...
    @property
    def denials(self) -> Denials: ...
    def instances(self) -> tuple[InstanceView, ...]: ...
    def calls(self) -> dict[tuple[str, str], int]: ...
    def closed_zones(self) -> tuple[str, ...]: ...
    def close_zone(self, zone_id: str) -> None: ...
    def open_zone(self, zone_id: str) -> None: ...


class Control:
    """Answers the control paths of one cloud."""

    def __init__(self, cloud: Controlled) -> None:
        self._cloud = cloud
        self._shown: dict[str, Callable[[], Any]] = {
            "nonce": lambda: {"nonce": cloud.nonce},
            "instances": lambda: {"schema": 1, "instances": [i.to_json() for i in cloud.instances()]},
            "calls": lambda: {"schema": 1, "calls": _counts(cloud.calls())},
            "denials": lambda: {"schema": 1, "denials": [d.to_json() for d in cloud.denials.all()]},
        }

    def __call__(self, method: str, path: str, body: bytes) -> Answer:
        match [method, *path.strip("/").split("/")[1:]]:
            case ["GET", what] if what in self._shown:
                return _json(self._shown[what]())
            case [_, "faults", *rest]:
                return self._faults(method, rest, body)
            case [_, "zones", *rest]:
                return self._zones(method, rest)
        return _json({"error": f"{method} {path}: there is no such control path"}, 404)

    def _faults(self, method: str, rest: Sequence[str], body: bytes) -> Answer:
        held = self._cloud.faults
        match [method, *rest]:
            case ["GET"]:
                return _json(held.to_json())
            case ["POST"]:
                try:
                    return _json({"id": held.add(faults.parse(_document(body)))})
                except QuorateError as refusal:
                    return _json({"error": str(refusal)}, 400)
            case ["DELETE"]:
                held.clear()
                return _json({})
            case ["DELETE", number] if number.isdigit() and held.remove(int(number)):
                return _json({})
        return _json({"error": f"{method} faults/{'/'.join(rest)}: there is no such fault"}, 404)

    def _zones(self, method: str, rest: Sequence[str]) -> Answer:
        match [method, *rest]:
            case ["GET"]:
                return _json({"closed": list(self._cloud.closed_zones())})
            case ["PUT", zone]:
                self._cloud.close_zone(zone)
                return _json({"closed": list(self._cloud.closed_zones())})
            case ["DELETE", zone]:
                self._cloud.open_zone(zone)
                return _json({"closed": list(self._cloud.closed_zones())})
        return _json({"error": f"{method} zones: PUT or DELETE zones/ZONE-ID"}, 404)


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as failure:
        raise UsageError(f"the body is not JSON: {failure}") from None


def _counts(calls: dict[tuple[str, str], int]) -> list[dict[str, Any]]:
    return [
        {"principal": principal, "action": action, "count": count}
        for (principal, action), count in sorted(calls.items())
    ]


def _json(document: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(document).encode() + b"\n", "application/json")
