"""The launch hook: kept alive while there is reason to wait, completed after the verified join."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from quorate.agent.journal import Journal
from quorate.errors import Failed, Unknown
from quorate.swarm.aws import Aws
from quorate.swarm.patience import Backoff, Deadline

BEAT_SECONDS = 45.0


@dataclass
class LaunchHook:
    """This instance's launch hook in its group."""

    aws: Aws
    name: str
    group: str
    instance: str
    journal: Journal
    clock: Callable[[], float] = time.monotonic
    _beaten: float = field(init=False)

    def __post_init__(self) -> None:
        self._beaten = self.clock()

    def beat(self) -> None:
        """Start the hook's time anew, if the last beat is long enough ago; trouble is said and survived."""
        if self.clock() - self._beaten < BEAT_SECONDS:
            return
        self._beaten = self.clock()
        try:
            self.aws.heartbeat(self.name, self.group, self.instance)
        except Unknown as error:
            self.journal.say(f"launch hook: no heartbeat: {error}")

    def complete(self, deadline: Deadline) -> None:
        """Let the instance into service; Failed when AWS took no answer until the deadline."""
        trouble: Unknown | None = None
        for _ in Backoff(first=0.3, most=5.0).rounds(deadline):
            try:
                waited = self.aws.complete(self.name, self.group, self.instance, "CONTINUE")
            except Unknown as error:
                trouble = error
                self.journal.say_once("hook", f"launch hook: {error}; trying again")
                continue
            self.journal.say("launch hook completed" if waited else "launch hook: nothing was waiting for it")
            return
        raise Failed(f"launch hook: not completed: {trouble}")

    def abandon(self, reason: str) -> None:
        """Give the instance up, so that Auto Scaling launches another; three tries."""
        for _ in Backoff(first=1.0).rounds(Deadline(5.0)):
            try:
                waited = self.aws.complete(self.name, self.group, self.instance, "ABANDON")
            except Unknown as error:
                self.journal.say(f"launch hook: not abandoned: {error}")
                continue
            self.journal.say(f"launch hook {'abandoned' if waited else 'was not waiting'}: {reason}")
            return
