"""The one place that changes the state, for all threads, and writes it down.

An intent is on disk before its create begins. What a create has answered is on disk with the next intent or
at the end: a crash in between finds the intent, and with it the thing. Everything else is on disk at once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from quorate.errors import Failed
from quorate.lab.engine.state import Intent, Resource, State
from quorate.lab.provider.values import Values


class Ledger:
    """Holds the state; without a path it only remembers (a preview)."""

    def __init__(self, state: State, path: Path | None) -> None:
        self._state = state
        self._path = path
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._version = 0
        self._written = 0

    @property
    def state(self) -> State:
        """The state as it is now."""
        return self._state

    def current(self, urn: str) -> Resource | None:
        """The living resource of a URN."""
        return next((each for each in self._state.resources if each.urn == urn and not each.doomed), None)

    def intent(self, urn: str) -> Intent | None:
        """The open intent of a URN."""
        return next((each for each in self._state.intents if each.resource.urn == urn), None)

    def holds(self, type_: str, id_: str) -> bool:
        """Is this thing in the state?"""
        return any(each.type == type_ and each.id == id_ for each in self._state.resources)

    def intend(self, intent: Intent) -> None:
        """Notes what is about to be created, on disk before this returns."""
        self._change(lambda state: replace(state, intents=(*state.intents, intent)))
        self.save()

    def dismiss(self, intent: Intent) -> None:
        """Crosses out an intent from which nothing came."""
        self._change(lambda state: replace(state, intents=_without(state.intents, intent)))

    def settle(self, intent: Intent, resource: Resource) -> None:
        """Puts what an intent has become in its place; a living one of the same URN is doomed."""

        def change(state: State) -> State:
            kept = tuple(
                replace(each, doomed=True) if each.urn == resource.urn and not each.doomed else each
                for each in state.resources
            )
            return replace(state, intents=_without(state.intents, intent), resources=(*kept, resource))

        self._change(change)

    def put(self, resource: Resource) -> None:
        """Adds a resource, or puts it in the place of the living one of its URN."""

        def change(state: State) -> State:
            found = any(each.urn == resource.urn and not each.doomed for each in state.resources)
            kept = tuple(
                resource if each.urn == resource.urn and not each.doomed else each for each in state.resources
            )
            return replace(state, resources=kept if found else (*kept, resource))

        self._change(change)

    def doom(self, resource: Resource) -> Resource:
        """Marks a resource as one to be deleted."""
        doomed = replace(resource, doomed=True)
        self._change(
            lambda state: replace(
                state, resources=tuple(doomed if each is resource else each for each in state.resources)
            )
        )
        return doomed

    def forget(self, resource: Resource) -> None:
        """Takes a resource out, by its URN, id and doom."""
        key = (resource.urn, resource.id, resource.doomed)
        self._change(
            lambda state: replace(
                state,
                resources=tuple(each for each in state.resources if (each.urn, each.id, each.doomed) != key),
            )
        )

    def note_outputs(self, outputs: Values) -> None:
        """Notes the stack's outputs."""
        self._change(lambda state: replace(state, outputs=outputs))

    def _change(self, change: Callable[[State], State]) -> None:
        with self._lock:
            self._state = change(self._state)
            self._version += 1

    def save(self) -> None:
        """Brings the file up to now. Threads that come while another writes share the next write."""
        if self._path is None:
            return
        with self._lock:
            wanted = self._version
        with self._writing:
            if self._written >= wanted:
                return
            with self._lock:
                state, version = self._state, self._version
            _write(self._path, state.text())
            self._written = version


def _without(intents: tuple[Intent, ...], intent: Intent) -> tuple[Intent, ...]:
    return tuple(each for each in intents if each.token != intent.token)


def _write(path: Path, text: str) -> None:
    """Whole or not at all, also when the machine stops."""
    beside = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise Failed(f"the state {path} cannot be written: {error}; free the path and run again") from None
