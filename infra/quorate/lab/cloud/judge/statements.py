"""Policy documents as statements that can be held against a request.

Source: "IAM JSON policy elements reference".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from quorate.lab.cloud.judge import conditions, patterns
from quorate.lab.cloud.judge.ask import Ask
from quorate.lab.cloud.judge.conditions import Condition, Held, Outcome

_ELEMENTS = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal"}
)


@dataclass(frozen=True)
class Statement:
    """One statement. `odd` says what in it the lab cannot judge, empty when it can."""

    name: str
    effect: str
    actions: tuple[str, ...]
    but_actions: tuple[str, ...]
    resources: tuple[str, ...]
    but_resources: tuple[str, ...]
    conditions: tuple[Condition, ...]
    principal: Any = None
    odd: str = ""

    @property
    def denies(self) -> bool:
        return self.effect == "Deny"

    def names_action(self, action: str) -> bool:
        if self.but_actions:
            return not any(patterns.action_matches(pattern, action) for pattern in self.but_actions)
        return any(patterns.action_matches(pattern, action) for pattern in self.actions)

    def fits(self, ask: Ask) -> Held:
        """Whether the statement applies to a request whose action it names."""
        if self.odd:
            return Held(Outcome.UNKNOWN, f"the lab cannot judge {self.odd} in statement {self.name}")
        if ask.resource is None:
            return Held(Outcome.UNKNOWN, f"{ask.action} is not a call that the lab can judge")
        if not self._names_resource(ask.resource):
            listed = ", ".join(self.resources) or f"all but {', '.join(self.but_resources)}"
            return Held(Outcome.NO, f"statement {self.name} is for {listed}")
        held = conditions.hold(self.conditions, ask)
        if held.outcome is Outcome.NO:
            return Held(Outcome.NO, f"statement {self.name} is for {held.why}")
        return held

    def _names_resource(self, resource: str) -> bool:
        if self.but_resources:
            return not any(patterns.resource_matches(pattern, resource) for pattern in self.but_resources)
        return any(patterns.resource_matches(pattern, resource) for pattern in self.resources)


@lru_cache(maxsize=512)
def read(text: str) -> tuple[Statement, ...]:
    """The statements of a document; ValueError when it is none."""
    document = json.loads(text)
    if not isinstance(document, dict) or "Statement" not in document:
        raise ValueError("a policy is a JSON object with a Statement")
    return tuple(_statement(number, raw) for number, raw in enumerate(_many(document["Statement"]), start=1))


def _statement(number: int, raw: Mapping[str, Any]) -> Statement:
    resources, but_resources = _many(raw.get("Resource")), _many(raw.get("NotResource"))
    odd = sorted(set(raw) - _ELEMENTS)
    odd += [value for value in (*resources, *but_resources) if patterns.VARIABLE in value]
    if raw.get("Effect") not in ("Allow", "Deny"):
        odd.append(f"Effect {raw.get('Effect')}")
    return Statement(
        name=raw.get("Sid") or f"number {number}",
        # what is neither could be meant to deny
        effect="Allow" if raw.get("Effect") == "Allow" else "Deny",
        actions=_many(raw.get("Action")),
        but_actions=_many(raw.get("NotAction")),
        resources=resources,
        but_resources=but_resources,
        conditions=conditions.read(raw.get("Condition", {})),
        principal=raw.get("Principal"),
        odd=", ".join(odd),
    )


def _many(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)
