"""The calls that were denied, each with what it lacked: kept for whoever has to find out why."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

log = logging.getLogger(__name__)

RECENT = timedelta(seconds=30)
"""For which a denial is news: a node that needs the call tries again within that time."""
MOST = 1000
"""Different denials that are remembered; the oldest go first."""


@dataclass(frozen=True)
class Denial:
    """Why one call is denied.

    `action` and `resource` are what was missing, maybe not the call itself: reading a SecureString needs
    kms:Decrypt. `kind` is `implicit` (nothing allows it), `explicit` (a Deny), `unjudged` (the lab cannot
    tell) or `credentials` (none that AWS takes). `reason` is for a person; `message` is AWS's own sentence.
    """

    action: str
    resource: str | None
    kind: str
    reason: str
    message: str


@dataclass(frozen=True)
class Seen:
    """A denial of one principal's call, how often it came and when."""

    principal: str
    call: str
    denial: Denial
    count: int
    first: datetime
    last: datetime

    def to_json(self) -> dict[str, Any]:
        described = asdict(self.denial)
        del described["message"]
        times = {"first": self.first.isoformat(), "last": self.last.isoformat()}
        return {"principal": self.principal, "call": self.call, **described, "count": self.count, **times}


class Denials:
    """Denials in the order of their last coming; the same one again is counted, and logged once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: OrderedDict[tuple[str, str, Denial], Seen] = OrderedDict()

    def record(self, principal: str, call: str, denial: Denial) -> None:
        now = datetime.now(UTC)
        with self._lock:
            before = self._seen.pop((principal, call, denial), None)
            seen = replace(before, count=before.count + 1, last=now) if before else None
            self._seen[principal, call, denial] = seen or Seen(principal, call, denial, 1, now, now)
            if len(self._seen) > MOST:
                self._seen.popitem(last=False)
        if before is None:
            log.warning("denied: %s, %s: %s", principal, call, denial.reason)

    def all(self) -> tuple[Seen, ...]:
        with self._lock:
            return tuple(self._seen.values())

    def news(self) -> list[str]:
        """In a line each, what was lately denied by a policy, or for the lack of one; by whoever it was."""
        since = datetime.now(UTC) - RECENT
        lately: Counter[str] = Counter()
        for seen in self.all():
            if seen.last >= since and seen.denial.kind != "credentials":
                lately[seen.denial.reason] += seen.count
        return [f"denied: {reason} ({count} x)" for reason, count in lately.items()]

    def clear(self) -> None:
        with self._lock:
            self._seen.clear()
