"""What a pass may do, as values; and what came out of one decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


@dataclass(frozen=True)
class Label:
    """Write labels on a node, and its availability where it is given (a node's first labels activate it)."""

    node: str
    labels: Mapping[str, str]
    availability: str | None = None


@dataclass(frozen=True)
class Promote:
    node: str


@dataclass(frozen=True)
class Demote:
    node: str


@dataclass(frozen=True)
class Drain:
    node: str


@dataclass(frozen=True)
class Remove:
    """Remove a node that is no manager from the swarm's list."""

    node: str


@dataclass(frozen=True)
class PublishAddresses:
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class PublishToken:
    """Write the worker token that the swarm has now; the token itself is never part of a value."""


@dataclass(frozen=True)
class CompleteHook:
    """Let an instance that waits for its end go on to it."""

    group: str
    instance: str


@dataclass(frozen=True)
class Heartbeat:
    """Keep an instance that waits for its end waiting."""

    group: str
    instance: str


@dataclass(frozen=True)
class MarkUnhealthy:
    """Have Auto Scaling replace an instance."""

    instance: str


Inside = Label | Promote | Demote | Drain | Remove
Outside = PublishAddresses | PublishToken | CompleteHook | Heartbeat | MarkUnhealthy
Action = Inside | Outside

MEMBERSHIP = (Promote, Demote)


class Tone(StrEnum):
    """A note that refuses says value, bound, reason, next safe action; one that waits says for what."""

    WAITS = "waits"
    REFUSES = "refuses"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Note:
    about: str
    tone: Tone
    text: str


@dataclass(frozen=True)
class Memory:
    """What former looks saw, by the monotonic second since when without a break.

    `steady`: "node/instance" pairs fit for promotion; `gone`, `silent`, `stuck`: node ids; `leaving`:
    instance ids that wait for their end; `beats`: when a hook was last kept alive; `marked`: when an
    instance was last called unhealthy.
    """

    steady: Mapping[str, float] = field(default_factory=dict)
    gone: Mapping[str, float] = field(default_factory=dict)
    silent: Mapping[str, float] = field(default_factory=dict)
    stuck: Mapping[str, float] = field(default_factory=dict)
    leaving: Mapping[str, float] = field(default_factory=dict)
    beats: Mapping[str, float] = field(default_factory=dict)
    marked: Mapping[str, float] = field(default_factory=dict)


IDLE_SECONDS = 10.0


@dataclass(frozen=True)
class Decision:
    """At most one of `actions` changes the membership. `look_again`: seconds until the next look is due."""

    actions: tuple[Action, ...] = ()
    notes: tuple[Note, ...] = ()
    memory: Memory = field(default_factory=Memory)
    look_again: float = IDLE_SECONDS


@dataclass
class Draft:
    """A decision in the making; local to one call of decide."""

    now: float
    before: Memory
    after: Memory = field(default_factory=Memory)
    actions: list[Action] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    look_again: float = IDLE_SECONDS

    @property
    def membership_taken(self) -> bool:
        return any(isinstance(action, MEMBERSHIP) for action in self.actions)

    def do(self, *actions: Action) -> None:
        self.actions.extend(actions)
        if actions:
            self.again(0.3)

    def note(self, about: str, tone: Tone, text: str) -> None:
        self.notes.append(Note(about, tone, text))

    def again(self, seconds: float) -> None:
        """Have the next look no later than that."""
        self.look_again = min(self.look_again, seconds)

    def remember(self, what: str, keys: Iterable[str]) -> Mapping[str, float]:
        """Since when each of `keys` has been so; what is not named any more is forgotten."""
        former: Mapping[str, float] = getattr(self.before, what)
        since = {key: former.get(key, self.now) for key in keys}
        self.after = replace(self.after, **{what: since})
        return since

    def keep(self, what: str, since: Mapping[str, float]) -> None:
        """Remember these moments as they are."""
        self.after = replace(self.after, **{what: dict(since)})

    def decided(self) -> Decision:
        return Decision(tuple(self.actions), tuple(self.notes), self.after, self.look_again)
