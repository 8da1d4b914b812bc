"""Lifecycle hooks and the actions that wait on them.

"How lifecycle hooks work in Auto Scaling groups" and the API Reference, "PutLifecycleHook": the heartbeat
timeout is 30 to 7200 s and 3600 s by default; an action lasts at most 100 heartbeats or 48 hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import LifecycleHook

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
CONTINUE = "CONTINUE"
ABANDON = "ABANDON"

_LONGEST = 48 * 3600


class Hook(LifecycleHook):
    """A hook of one group; DescribeLifecycleHooks reads its attributes."""

    def __init__(self, group: str, parameters: Mapping[str, Any], before: Hook | None = None) -> None:
        """From the parameters of PutLifecycleHook; an update keeps what it does not name."""
        transition = parameters.get("LifecycleTransition") or (before and before.lifecycle_transition)
        timeout = parameters.get("HeartbeatTimeout") or (before and before.heartbeat_timeout) or 3600
        result = parameters.get("DefaultResult") or (before and before.default_result) or ABANDON
        name = parameters.get("LifecycleHookName")
        if not name:
            raise ValidationError("LifecycleHookName is required")
        if transition not in (LAUNCHING, TERMINATING):
            raise ValidationError(f"Lifecycle Transition must be one of {LAUNCHING}, {TERMINATING}")
        if not 30 <= int(timeout) <= 7200:
            raise ValidationError("HeartbeatTimeout must be from 30 to 7200 seconds")
        if result not in (CONTINUE, ABANDON):
            raise ValidationError(f"Lifecycle default result must be one of {CONTINUE}, {ABANDON}")
        super().__init__(name, group, transition, int(timeout), result)
        self.global_timeout = min(_LONGEST, 100 * self.heartbeat_timeout)
        self.notification_target_arn = parameters.get("NotificationTargetARN")  # type: ignore[assignment]
        self.role_arn = parameters.get("RoleARN")  # type: ignore[assignment]
        self.notification_metadata = parameters.get("NotificationMetadata")


@dataclass
class LifecycleAction:
    """An instance waits for one hook; times are the clock's seconds."""

    hook: Hook
    began: float
    deadline: float
    token: str = field(default_factory=lambda: str(uuid4()))

    @classmethod
    def begin(cls, hook: Hook, now: float) -> LifecycleAction:
        return cls(hook, now, now + hook.heartbeat_timeout)

    def heartbeat(self, now: float) -> None:
        """The timeout starts anew, up to the longest that an action may last."""
        self.deadline = min(now + self.hook.heartbeat_timeout, self.began + self.hook.global_timeout)
