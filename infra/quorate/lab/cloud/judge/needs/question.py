"""One call under question, and the ARNs in its region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from quorate.lab.cloud.calls import Call
from quorate.lab.cloud.judge.ask import Ask, context
from quorate.lab.cloud.judge.stored import Stored

GLOBAL_ABSENT = frozenset({"aws:username", "aws:sourceaccount", "aws:sourcearn"})
"""Global keys that a call of a role's session never has."""


@dataclass(frozen=True)
class Question:
    """A call, what AWS holds, and the condition keys that every request of this caller has."""

    call: Call
    stored: Stored
    everywhere: Mapping[str, tuple[str, ...]]

    def ask(
        self,
        action: str,
        resource: str | None,
        pairs: Iterable[tuple[str, str | Iterable[str]]] = (),
        known: Iterable[str] = (),
    ) -> Ask:
        return Ask(
            action,
            resource,
            {**self.everywhere, **context(pairs)},
            GLOBAL_ABSENT | {key.lower() for key in known},
        )

    def arn(self, service: str, resource: str) -> str:
        where = f"{self.call.region}:{self.stored.account}"
        return f"arn:{self.stored.partition}:{service}:{where}:{resource}"

    def text(self, name: str) -> str | None:
        """A parameter of the call, None when it is not there or no text."""
        value = self.call.parameters.get(name)
        return value if isinstance(value, str) and value else None

    def texts(self, name: str) -> list[str]:
        """A list parameter of the call: `Name` in JSON, `Name.1`, `Name.member.1` in the query protocols."""
        value: Any = self.call.parameters.get(name)
        if isinstance(value, list):
            return [one for one in value if isinstance(one, str)]
        flat = (f"{name}.", f"{name}.member.")
        return [
            str(one)
            for key, one in self.call.parameters.items()
            if key.startswith(flat) and key.rpartition(".")[2].isdigit()
        ]
