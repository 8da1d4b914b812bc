"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from quorate.cli.planner.arguments import Usage


def write_whole(path: Path, content: str) -> None:
    """Writes `content` beside `path` and puts it in place; an interrupted run leaves what was there."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Usage(f"{str(path)!r} cannot be written: {error.strerror}") from None
