"""A wrong wall clock for one Python program: off by the seconds in $QUORATE_LAB_CLOCK's file.

Python imports a module of this name at its start. `time` and `datetime` change, monotonic clocks do not.
"""

from __future__ import annotations

import datetime
import os
import time
from pathlib import Path
from typing import Any

Real = datetime.datetime


def _shift(seconds: float) -> None:
    real_time, real_ns = time.time, time.time_ns
    gmtime, localtime = time.gmtime, time.localtime

    class Kind(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, Real)

    class Shifted(Real, metaclass=Kind):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return Real.now(tz) + datetime.timedelta(seconds=seconds)

        @classmethod
        def utcnow(cls) -> Any:
            return Real.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(seconds=seconds)

        @classmethod
        def today(cls) -> Any:
            return cls.now()

    changed: dict[str, Any] = {
        "time": lambda: real_time() + seconds,
        "time_ns": lambda: real_ns() + int(seconds * 1e9),
        "gmtime": lambda at=None: gmtime(time.time() if at is None else at),
        "localtime": lambda at=None: localtime(time.time() if at is None else at),
    }
    for name, function in changed.items():
        setattr(time, name, function)
    datetime.datetime = Shifted  # type: ignore[misc]


if "QUORATE_LAB_CLOCK" in os.environ:
    _shift(float(Path(os.environ["QUORATE_LAB_CLOCK"]).read_text()))
