"""Which process a lab's daemon is, as its folder remembers it, and whether it still lives."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FILE = "daemon.json"


@dataclass(frozen=True)
class Identity:
    """A process that cannot be mistaken for a later one of the same number."""

    lab_id: str
    pid: int
    started: int
    """In the kernel's ticks since boot (proc(5), stat, field 22)."""
    boot: str
    port: int
    nonce: str

    @classmethod
    def own(cls, lab_id: str, port: int, nonce: str) -> Identity:
        pid = os.getpid()
        started = start_ticks(pid)
        assert started is not None
        return cls(lab_id, pid, started, boot_id(), port, nonce)

    @property
    def alive(self) -> bool:
        return self.boot == boot_id() and start_ticks(self.pid) == self.started

    def to_json(self) -> dict[str, Any]:
        return {"schema": 1, **asdict(self)}

    def write(self, directory: Path) -> None:
        """Whole or not at all, readable by its owner alone: the nonce opens the lab's provider."""
        draft = directory / f"{FILE}.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(self.to_json(), indent=2) + "\n")
        draft.replace(directory / FILE)

    @classmethod
    def read(cls, directory: Path) -> Identity | None:
        """None when there is none, or nothing that can be read."""
        try:
            document = json.loads((directory / FILE).read_text())
            return cls(**{key: document[key] for key in cls.__dataclass_fields__})
        except (OSError, ValueError, KeyError, TypeError):
            return None


def start_ticks(pid: int) -> int | None:
    """None when there is no such process or only its exit code is left."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def boot_id() -> str:
    """Another one after every boot of the machine (random(4))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
