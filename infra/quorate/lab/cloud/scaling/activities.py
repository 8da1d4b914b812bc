"""Scaling activities, as DescribeScalingActivities lists them."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from moto.core.utils import utcnow


class Activity:
    """One launch or termination; the attributes are what the API shows."""

    def __init__(self, group: str, description: str, cause: str) -> None:
        self.activity_id = str(uuid4())
        self.auto_scaling_group_name = group
        self.description = description
        self.cause = cause
        self.start_time: datetime = utcnow()
        self.end_time: datetime | None = None
        self.status_code = "InProgress"
        self.status_message: str | None = None
        self.progress = 50

    @property
    def ended(self) -> bool:
        return self.end_time is not None

    def waits(self) -> None:
        """A lifecycle hook holds it."""
        self.status_code = "MidLifecycleAction"
        self.progress = 60

    def proceeds(self) -> None:
        self.status_code = "InProgress"
        self.progress = 80

    def ends(self, status: str, message: str | None = None) -> None:
        """Successful, Failed or Cancelled."""
        self.status_code = status
        self.status_message = message
        self.progress = 100
        self.end_time = utcnow()
