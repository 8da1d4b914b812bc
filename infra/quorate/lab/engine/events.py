"""What a run tells while it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What happens, or would happen, to a resource."""

    SAME = "same"
    CREATE = "create"
    ADOPT = "adopt"  # an interrupted run made it
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    READ = "read"
    NOTE = "note"  # the program said something


class Stage(StrEnum):
    """Where in it."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Event:
    """One line of progress; `seconds` since it began, `error` one line."""

    action: Action
    stage: Stage
    urn: str
    type: str
    custom: bool
    """Something of AWS's, not a component that only groups others."""
    seconds: float = 0.0
    error: str = ""

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Change:
    """What a run did to a resource, or a preview says that it would."""

    action: Action
    urn: str
    type: str
    custom: bool
    properties: tuple[str, ...] = ()
    """The properties that differ."""

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.rpartition("::")[2]


Listener = Callable[[Event], None]


def unheard(event: Event) -> None:
    """The listener of a run that nobody watches."""
