"""Processes of the agent that run one at a time on a clock of their own, and may stop at any call outside.

Each is a thread that holds the only baton while it runs: the real code is called as it is, loops and pauses
included, and what happens when is decided by whoever hands the baton out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Killed(BaseException):
    """kill -9: raised at the call that the process would have made next."""


class Violation(AssertionError):  # noqa: N818: it is what a law says when it is broken
    """A law was broken; nothing in the agent may catch it."""


class Process:
    """One life of one process. `due`: when it wants to run next; `frozen`: it gets no turn until thawed."""

    def __init__(self, name: str, clock: Clock, main: Callable[[], int]) -> None:
        self.name, self.clock = name, clock
        self.due = clock.now
        self.frozen = False
        self.code: int | None = None
        self.trouble: BaseException | None = None
        self.mid_step = False
        self._main = main
        self._killed = False
        self._calls: int | None = None
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._thread: threading.Thread | None = None

    @property
    def ended(self) -> bool:
        return self.code is not None

    # By whoever hands out the baton

    def turn(self, calls: int | None = None) -> None:
        """Run until it sleeps, ends, or is about to make its `calls`-th call outside."""
        if self.ended:
            return
        self._calls = calls
        former, self.clock.running = self.clock.running, self
        if self._thread is None:
            self._thread = threading.Thread(target=self._live, daemon=True, name=self.name)
            self._thread.start()
        else:
            self._go.release()
        self._back.acquire()
        self.clock.running = former
        if self.trouble is not None:
            raise self.trouble

    def kill(self) -> None:
        """End it where it is."""
        self._killed = True
        if self._thread is None:
            self.code = -9
        elif not self.ended:
            self.turn()

    def _live(self) -> None:
        try:
            self.code = self._main()
        except Killed:
            self.code = -9
        except BaseException as error:  # noqa: BLE001 - raised again where the baton is handed out
            self.trouble, self.code = error, 70
        finally:
            self._back.release()

    # By the process itself

    def call(self) -> None:
        """It is about to call outside: the moment at which it may be stopped."""
        if self._killed:
            raise Killed
        if self._calls is not None:
            self._calls -= 1
            if self._calls < 0:
                self.mid_step = True
                self._yield()
                self.mid_step = False

    def sleep(self, seconds: float) -> None:
        self.due = self.clock.now + max(seconds, 0.01)
        self._yield()

    def _yield(self) -> None:
        if not self._killed:
            self._back.release()
            self._go.acquire()
        if self._killed:
            raise Killed


class Clock:
    """Virtual time, in seconds, the same for all; a host's wall clock may be skewed."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.running: Process | None = None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert self.running is not None
        self.running.sleep(seconds)
