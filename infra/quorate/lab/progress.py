"""How a long step tells how far it is; who shows it, and how, is the caller's matter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """One step at a time."""

    def begin(self, step: str) -> None: ...

    def tell(self, detail: str) -> None:
        """Something new about the present step."""

    def done(self) -> None:
        """The present step has succeeded."""

    def note(self, line: str) -> None:
        """Something worth a line of its own."""


class Silent:
    """Shows nothing."""

    def begin(self, step: str) -> None:
        pass

    def tell(self, detail: str) -> None:
        pass

    def done(self) -> None:
        pass

    def note(self, line: str) -> None:
        pass


@contextmanager
def step(progress: Progress, name: str) -> Iterator[None]:
    """A step that is done when the block ends well."""
    progress.begin(name)
    yield
    progress.done()
