"""What has happened in a run so far: told to the listener, counted, and the first thing that went wrong."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from quorate.errors import Failed, QuorateError, Unknown, UsageError
from quorate.lab.engine.events import Action, Change, Event, Listener, Stage
from quorate.lab.engine.state import Resource
from quorate.lab.engine.wanted import Wanted

GO_ON = "the state is kept; run again to go on from here"


class Report:
    """Shared by all threads of a run."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self._errors: list[tuple[str, QuorateError]] = []
        self._interrupted = False
        self.changes: list[Change] = []

    @property
    def halted(self) -> bool:
        """Nothing new is begun any more: something failed, or a person asked for it."""
        return self._interrupted or bool(self._errors)

    def note(self, text: str) -> None:
        """Something that the program says."""
        self._tell(Event(Action.NOTE, Stage.DONE, "", "", custom=False, error=text))

    def did(self, action: Action, what: Resource | Wanted, properties: tuple[str, ...] = ()) -> None:
        """Something that took no time."""
        self._count(action, what, properties)
        self._tell(Event(action, Stage.DONE, what.urn, what.type, what.custom))

    @contextmanager
    def working(
        self,
        action: Action,
        what: Resource | Wanted,
        properties: tuple[str, ...] = (),
        *,
        counted: bool = True,
    ) -> Iterator[None]:
        """Tells when it begins and how it ends."""
        began = time.monotonic()
        self._tell(Event(action, Stage.BEGUN, what.urn, what.type, what.custom))
        try:
            yield
        except QuorateError as error:
            took = time.monotonic() - began
            self._tell(Event(action, Stage.FAILED, what.urn, what.type, what.custom, took, str(error)))
            raise
        if counted:
            self._count(action, what, properties)
        took = time.monotonic() - began
        self._tell(Event(action, Stage.DONE, what.urn, what.type, what.custom, took))

    def failed(self, what: Resource | Wanted | None, error: QuorateError) -> None:
        """Something went wrong; nothing new begins."""
        name = f"{what.type} {what.urn.rpartition('::')[2]}: " if what else ""
        with self._lock:
            self._errors.append((name, error))

    def raise_failure(self) -> None:
        """Raises what went wrong first, in one line."""
        if self._errors:
            name, error = self._errors[0]
            more = len(self._errors) - 1
            others = f" ({more} more failed as well)" if more else ""
            line = f"{name}{str(error).rstrip('.')}{others}; {GO_ON}"
            if isinstance(error, UsageError):
                raise UsageError(f"{name}{error}{others}") from error
            raise (Unknown if isinstance(error, Unknown) else Failed)(line) from error
        if self._interrupted:
            raise Failed(f"interrupted: what was under way has ended; {GO_ON}")

    def _count(self, action: Action, what: Resource | Wanted, properties: tuple[str, ...]) -> None:
        with self._lock:
            self.changes.append(Change(action, what.urn, what.type, what.custom, properties))

    def _tell(self, event: Event) -> None:
        with self._lock:
            self._listener(event)

    @contextmanager
    def interruptible(self, call_off: Callable[[], None]) -> Iterator[None]:
        """The first Ctrl-C lets what is under way end; the second also ends the waits."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupt(number: int, frame: Any) -> None:
            if self._interrupted:
                call_off()
            self._interrupted = True

        before = signal.signal(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
