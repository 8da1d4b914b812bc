"""Where images are built, and what a finished disk is made of."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from quorate.errors import Failed, QuorateError, Refused

REPOSITORY = Path(__file__).resolve().parents[4]
NEEDED_BYTES = 6 * 2**30
FULL_BYTES = 8 * 2**20
"""With less than this free whatever fails has failed of it: not every program says so."""


def digest(path: Path) -> str:
    """SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Places:
    """Everything that a build writes is below `top`."""

    top: Path = REPOSITORY / ".images"

    @property
    def base(self) -> Path:
        return self.top / "base"

    @property
    def work(self) -> Path:
        return self.top / "work"

    def disk(self, role: str) -> Disk:
        return Disk(self.top / role)

    @contextlib.contextmanager
    def one_build(self) -> Iterator[None]:
        """One build at a time, with room for it; what a killed one left in `work` is taken away."""
        self.top.mkdir(parents=True, exist_ok=True)
        with (self.top / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Failed(f"another build is running in {self.top}. Wait for its end") from error
            shutil.rmtree(self.work, ignore_errors=True)
            self.require_room()
            self.work.mkdir()
            try:
                yield
            except (OSError, QuorateError) as error:
                if full := self._full(error):
                    raise full from error
                raise
            finally:
                shutil.rmtree(self.work, ignore_errors=True)

    def _full(self, error: Exception) -> Failed | None:
        """What a build failed of, if it is that nothing more could be written; None if it is not."""
        free = shutil.disk_usage(self.top).free
        if free >= FULL_BYTES and getattr(error, "errno", None) != errno.ENOSPC:
            return None
        return Failed(
            f"{self.top} ran full in the middle of the build: {free / 2**20:.0f} MiB are free. Nothing of "
            f"it was kept. Free some (it takes {NEEDED_BYTES / 2**30:.1f} GiB), or build elsewhere with "
            f"--directory ({error})"
        )

    def require_room(self, needed: int = NEEDED_BYTES) -> None:
        """Refused when the filesystem has less free than a build takes."""
        free = shutil.disk_usage(self.top).free
        if free < needed:
            raise Refused(
                f"a build in {self.top}",
                f"it takes {needed / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are free",
                "a disk that fills up half way leaves nothing of use",
                "Free some, or build elsewhere with --directory",
            )


@dataclass(frozen=True)
class Disk:
    """A finished image as a folder; it is there complete or not at all."""

    folder: Path

    @property
    def image(self) -> Path:
        return self.folder / "disk.qcow2"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd"

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.json"

    @property
    def bill_of_materials(self) -> Path:
        return self.folder / "sbom.cdx.json"
