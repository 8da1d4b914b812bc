"""How fast the lab's cloud moves, and the clock it goes by."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]
"""Seconds that only grow; `time.monotonic` unless a test moves time by hand."""


@dataclass(frozen=True)
class Timing:
    """Waits in seconds. AWS takes minutes for most of them; a lab need not."""

    health_check: float = 0.5
    """How long Auto Scaling takes to notice that an instance of a group is no longer running."""
    vanish: float = 120.0
    """How long a terminated instance stays visible (AWS: about an hour)."""
    launch_backoff: float = 1.0
    """First wait after a launch that failed or was abandoned; doubles with every further one."""
    launch_backoff_limit: float = 30.0
    credentials: int = 6 * 3600
    """Lifetime of a role's temporary credentials."""
    clock: Clock = time.monotonic
