"""Every error that Quorate shows to a person.

    QuorateError            exit code 1
    ├── UsageError          exit code 2: the words of the call cannot be used
    ├── Refused             the request is understood and not carried out
    ├── Unknown             AWS or Docker gave no answer to rely on; nothing was changed
    └── Failed              it was tried and did not succeed

Each message is one line: what was given, the bound, the reason, the next step.
"""

from __future__ import annotations


class QuorateError(Exception):
    """The base of the tree; `str()` is one line for a person."""

    exit_code = 1


class UsageError(QuorateError):
    """The words of a call or a configuration value cannot be used."""

    exit_code = 2


class Refused(QuorateError):
    """A request that is understood and not carried out: value, bound, reason, next safe action."""

    def __init__(self, given: str, bound: str, reason: str, next_step: str) -> None:
        super().__init__(f"{given}: {bound}; {reason}. {next_step}")
        self.given = given
        self.bound = bound
        self.reason = reason
        self.next_step = next_step


class Unknown(QuorateError):
    """AWS or Docker did not answer, or not completely; nothing was changed because of it."""


class Failed(QuorateError):
    """Something was tried and did not succeed."""
