"""Every name that a lab has on the machine, derived from the real path of its folder."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LAB_VARIABLE = "QUORATE_LAB_ID"
"""In the environment of every process of a lab: what finds them after any crash."""

UNIX_PATH_LIMIT = 107
"""sun_path of sockaddr_un holds 108 bytes with its zero (unix(7))."""


@dataclass(frozen=True)
class Names:
    """One lab's names; `directory` need not exist."""

    directory: Path

    @classmethod
    def of(cls, directory: str | os.PathLike[str]) -> Names:
        return cls(Path(directory).resolve())

    @cached_property
    def lab_id(self) -> str:
        """Eight hexadecimal digits: the same for the same folder, another for any other."""
        return hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:8]

    @property
    def prefix(self) -> str:
        return f"q{self.lab_id}"

    @property
    def fabric(self) -> str:
        return f"{self.prefix}-fabric"

    def netns(self, instance_id: str) -> str:
        return f"{self.prefix}-{short(instance_id)}"

    def cgroup(self, instance_id: str) -> str:
        return f"/{self.prefix}/{short(instance_id)}"

    @property
    def hosts(self) -> Path:
        return self.directory / "hosts"

    @property
    def logs(self) -> Path:
        """What stays after `down`: the daemon's log and those of hosts that are gone."""
        return self.directory / "log"


def short(instance_id: str) -> str:
    """The twelve last digits of an AWS id: `i-0123456789abcdef0` -> `56789abcdef0`."""
    return instance_id.rpartition("-")[2][-12:]


def hostname(address: str) -> str:
    """`10.20.1.5` -> `ip-10-20-1-5`, as EC2 names a host."""
    return "ip-" + address.replace(".", "-")
