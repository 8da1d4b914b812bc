"""Waiting: deadlines, and back-off with jitter, so that a boot storm does not move in step."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Deadline:
    """A moment on the monotonic clock: a wrong wall clock neither shortens nor lengthens it."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = self.clock() + self.seconds

    @property
    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - self.clock())

    @property
    def passed(self) -> bool:
        return self.left <= 0.0


@dataclass(frozen=True)
class Backoff:
    """Pauses that grow from `first` to `most` seconds, each drawn from [half, whole] of its bound."""

    first: float = 0.25
    most: float = 5.0
    factor: float = 1.5
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[float, float], float] = random.uniform

    def pauses(self) -> Iterator[float]:
        """The endless row of pauses, in seconds."""
        bound = self.first
        while True:
            yield self.draw(bound / 2, bound)
            bound = min(self.most, bound * self.factor)

    def rounds(self, deadline: Deadline | None = None) -> Iterator[int]:
        """Yield 0, 1, 2, … at once and then after each pause; end when the deadline has passed."""
        pauses = self.pauses()
        number = 0
        while True:
            yield number
            pause = next(pauses)
            if deadline is not None:
                if deadline.passed:
                    return
                pause = min(pause, deadline.left)
            self.sleep(pause)
            number += 1
