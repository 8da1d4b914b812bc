"""Faults on demand: calls that fail, are throttled, answer late, answer nothing, or are cut off.

An instance's questions to its metadata service are calls, too: `metadata:GET /latest/user-data`, and
`metadata:PUT /latest/api/token`. Only a fault whose action says `metadata:` is for them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from itertools import count
from threading import Lock
from typing import Any

from quorate.errors import UsageError
from quorate.lab.cloud import calls
from quorate.lab.cloud.calls import Answer, Call
from quorate.lab.cloud.principals import Principal

METADATA = "metadata"
KINDS = ("error", "throttle", "latency", "empty", "cut")


@dataclass(frozen=True)
class Fault:
    """What goes wrong for calls that match.

    `action` is a pattern over `service:Action` (`ec2:Describe*`), `principal` one over `role/instance` or
    `operator`, `containing` a text in the request's body (a zone, a name). `seconds` is the wait before the
    answer for any kind. `times` counts down; None means until cleared. `probability` is drawn for each call.
    """

    kind: str
    action: str = "*"
    principal: str = "*"
    containing: str = ""
    code: str = "InternalFailure"
    message: str = "fault on demand"
    status: int = 500
    seconds: float = 0.0
    times: int | None = None
    probability: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"kind {self.kind!r}: one of {', '.join(KINDS)}; pick one of them")
        if not 0 <= self.probability <= 1:
            raise UsageError(f"probability {self.probability}: from 0 to 1; leave it out for every call")
        if self.seconds < 0:
            raise UsageError(f"seconds {self.seconds}: 0 or more; a wait cannot be negative")

    def matches(self, principal: Principal, call: Call) -> bool:
        if call.service == METADATA and not self.action.startswith(f"{METADATA}:"):
            return False
        return (
            fnmatchcase(call.name, self.action)
            and fnmatchcase(principal.name, self.principal)
            and self.containing.encode() in call.body
        )

    def answer(self, call: Call) -> Answer | None:
        """What the caller gets instead of AWS's answer; None when the call goes on."""
        if self.kind == "error":
            return calls.error(call, self.code, self.message, self.status)
        if self.kind == "throttle":
            return calls.throttled(call)
        if self.kind == "empty":
            return calls.empty(call)
        return None


def parse(document: object) -> Fault:
    """A fault from its JSON form; UsageError on a key that is not one of a fault's."""
    if not isinstance(document, Mapping):
        raise UsageError("a fault is a JSON object, for instance {'kind': 'throttle', 'action': 'ssm:*'}")
    known = Fault.__dataclass_fields__
    for key in document:
        if key not in known:
            raise UsageError(f"{key}: not a key of a fault; it has {', '.join(known)}")
    try:
        return Fault(**document)
    except TypeError as failure:
        raise UsageError(f"{document!r}: {failure}") from None


class Faults:
    """The faults that are in force, in the order in which they were added."""

    def __init__(self, seed: int | None = None) -> None:
        self._lock = Lock()
        self._ids = count(1)
        self._faults: dict[int, Fault] = {}
        self._random = random.Random(seed)  # noqa: S311

    def add(self, fault: Fault) -> int:
        """Its number, to remove it by."""
        with self._lock:
            number = next(self._ids)
            self._faults[number] = fault
            return number

    def remove(self, number: int) -> bool:
        with self._lock:
            return self._faults.pop(number, None) is not None

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def to_json(self) -> dict[str, Any]:
        with self._lock:
            return {
                "schema": 1,
                "faults": [{"id": number, **asdict(f)} for number, f in self._faults.items()],
            }

    def strike(self, principal: Principal, call: Call) -> Fault | None:
        """The first fault that matches and is drawn; it has one time less afterwards."""
        if not self._faults:
            return None
        with self._lock:
            for number, fault in self._faults.items():
                if not fault.matches(principal, call) or self._random.random() >= fault.probability:
                    continue
                if fault.times is not None:
                    if fault.times <= 1:
                        del self._faults[number]
                    else:
                        self._faults[number] = replace(fault, times=fault.times - 1)
                return fault
        return None
