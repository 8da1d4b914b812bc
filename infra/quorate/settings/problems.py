"""One refused value is one line: key, value, bound, reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from quorate.errors import UsageError

LONGEST_VALUE = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """A value that is refused. `key` is as in the stack's configuration, without the namespace."""

    key: str
    value: object
    bound: str
    reason: str

    def line(self, namespace: str) -> str:
        line = f"{namespace}:{self.key} = {_shown(self.value)}: {self.bound}; {self.reason}"
        return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in line)


class SettingsRefused(UsageError):
    """The configuration cannot be used; `str()` is one line for each value that is refused."""

    def __init__(self, namespace: str, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(problem.line(namespace) for problem in problems))
        self.problems = tuple(problems)


def _shown(value: object) -> str:
    """`value` as it would stand in the stack's file, cut where it is long."""
    plain = isinstance(value, str) and value != ""
    text = str(value) if plain else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
