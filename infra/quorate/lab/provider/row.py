"""A row: all that the lab knows of one resource type.

Making a thing is split in two, so that a crash leaves no orphan: `make` is the one call after which
the thing exists; `settle` is everything after it and may run twice.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from quorate.errors import Failed, Refused
from quorate.lab.provider.aws import Aws
from quorate.lab.provider.schema import Failure, Property
from quorate.lab.provider.values import Values


@dataclass(frozen=True)
class Made:
    """What the making call answered: the id and the outputs that it already told.

    Outputs that begin with _ are notes for `settle` and go no further.
    """

    id: str
    outputs: Values = field(default_factory=dict)
    settled: bool = False
    """Nothing is left for `settle` to do."""


@dataclass(frozen=True)
class Change:
    """From which inputs to which, and the names of the properties that differ."""

    old: Values
    new: Values
    names: list[str]


class Wait:
    """A deadline in seconds, and polling that ends early when the run is called off."""

    def __init__(self, seconds: float, called_off: threading.Event | None = None) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._called_off = called_off or threading.Event()

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Polls until `done()`; raises Failed at the deadline or when the run is called off."""
        pause = 0.05
        while not done():
            if time.monotonic() >= self._end:
                raise Failed(f"{what}: not so after {self.seconds:g} s; run again to go on waiting")
            if self._called_off.wait(min(pause, max(0.0, self._end - time.monotonic()))):
                raise Failed(f"{what}: the wait was called off; run again to go on waiting")
            pause = min(pause * 1.5, 1.0)


class Row(ABC):
    """One resource type: its properties, and how AWS makes, reads, changes, deletes and finds it."""

    token: ClassVar[str]
    page: ClassVar[str]
    """The official provider's documentation of this type."""
    properties: ClassVar[Mapping[str, Property]]
    outputs: ClassVar[frozenset[str]] = frozenset()
    """Outputs beyond the inputs that `make`, `settle`, `read` fill in."""
    name_property: ClassVar[str | None] = None
    """The property that gets a name of its own where the program gives none."""
    regional: ClassVar[bool] = True
    create_seconds: ClassVar[float] = 600.0
    update_seconds: ClassVar[float] = 600.0
    delete_seconds: ClassVar[float] = 600.0

    def check(self, inputs: Values) -> list[Failure]:
        """Rules between properties; each property by itself has been checked."""
        return []

    def forces_new(self, old: Values, new: Values, changed: list[str]) -> set[str]:
        """Properties that force a new resource under a condition, beyond the `replaces` of each."""
        return set()

    def fresh(self, new: Values, changed: list[str]) -> set[str]:
        """Outputs that this update changes, and that a preview therefore cannot know."""
        return set()

    @abstractmethod
    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        """The one call after which the thing exists. `intent` marks what has no name of its own."""

    def settle(self, aws: Aws, id_: str, inputs: Values, told: Values, wait: Wait) -> Values:
        """What follows the making; may run twice. `told` is what `make` answered, empty after a crash."""
        return {}

    @abstractmethod
    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        """All outputs as AWS has them now, inputs among them; None where the thing is gone."""

    @abstractmethod
    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        """Brings the changed properties about; may run twice. Returns the outputs that changed."""

    @abstractmethod
    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        """Deletes it; what is gone already is no error, what AWS would refuse is refused."""

    @abstractmethod
    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        """The ids of what `make` with these inputs and this intent may have left behind."""


def pick(properties: Mapping[str, Any], **names: str) -> dict[str, Any]:
    """Arguments of an AWS call by their names, from properties; what is absent is left out."""
    return {name: properties[prop] for name, prop in names.items() if properties.get(prop) is not None}


def in_use(what: str, holder: str, next_step: str) -> Refused:
    """What AWS says with DependencyViolation and its like, before moto would let it pass."""
    return Refused(f"deleting {what}", f"it is still used by {holder}", "AWS refuses this", next_step)
