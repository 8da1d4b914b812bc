"""The thread behind Auto Scaling: it looks when something changed or is due, and never in between."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Condition, RLock, Thread

from moto.autoscaling.models import autoscaling_backends

from quorate.lab.cloud import world
from quorate.lab.cloud.scaling.backend import Backend
from quorate.lab.cloud.timing import Timing

log = logging.getLogger(__name__)

_AFTER_A_FAILURE = 1.0
"""Seconds until a group whose pass failed is looked at again."""


class Loop:
    """Brings every group to where it should be and lets terminated instances vanish."""

    def __init__(self, lock: RLock, timing: Timing, publish: Callable[[], None]) -> None:
        self._lock = lock
        self._timing = timing
        self._publish = publish
        self._condition = Condition()
        self._woken = False
        self._stopped = False
        self._terminated_since: dict[str, float] = {}
        self._thread = Thread(target=self._run, name="auto scaling", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        with self._condition:
            self._woken = True
            self._condition.notify()

    def stop(self) -> None:
        with self._condition:
            self._stopped = True
            self._condition.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            with self._condition:
                self._woken = False
            with self._lock:
                due = self._pass(self._timing.clock())
                self._publish()
            with self._condition:
                wait = None if due is None else max(0.0, due - self._timing.clock())
                self._condition.wait_for(lambda: self._woken or self._stopped, wait)
                if self._stopped:
                    return

    def _pass(self, now: float) -> float | None:
        """One look at everything; when the next is due."""
        due: list[float] = []
        for _account, _region, backend in list(autoscaling_backends.iter_backends()):
            assert isinstance(backend, Backend)
            for group in backend.groups():
                try:
                    following = group.reconcile(now)
                except Exception:
                    log.exception("a pass over the group %s failed", group.name)
                    following = now + _AFTER_A_FAILURE
                if following is not None:
                    due.append(following)
        due.extend(self._vanish(now))
        return min(due, default=None)

    def _vanish(self, now: float) -> list[float]:
        """A terminated instance stays visible for a while, then it is gone (EC2 User Guide)."""
        due: list[float] = []
        seen: dict[str, float] = {}
        for backend in world.ec2_in_use():
            for instance in backend.all_instances():
                if instance.state != "terminated":
                    continue
                since = self._terminated_since.get(instance.id, now)
                if since + self._timing.vanish <= now:
                    backend.forget_instance(instance.id)
                    continue
                seen[instance.id] = since
                due.append(since + self._timing.vanish)
        self._terminated_since = seen
        return due
