"""What a lab adds to a node at boot, without a byte changed on its disk: files that appear below /run.

An initial ramdisk may be several cpio archives one after the other (kernel.org, "initramfs buffer format");
the last one brings the files and a script that copies them into /run before the disk's own init starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FOLDER = "quorate-lab"
# initramfs-tools runs what ORDER lists; udev's script is the only one on a node's disk
ORDER = f"""/scripts/init-bottom/{FOLDER} "$@"
/scripts/init-bottom/udev "$@"
[ -e /conf/param.conf ] && . /conf/param.conf
"""


def with_files(initrd: Path, target: Path, files: Mapping[str, str]) -> Path:
    """`initrd` and these files, given by their path below /run, as one ramdisk at `target`."""
    entries: dict[str, tuple[int, str]] = {
        f"scripts/init-bottom/{FOLDER}": (0o100755, _script(files)),
        "scripts/init-bottom/ORDER": (0o100755, ORDER),
    }
    entries |= {f"{FOLDER}/{path}": (0o100644, text) for path, text in files.items()}
    folders = {str(parent) for path in entries for parent in Path(path).parents if str(parent) != "."}
    listed = [(path, 0o40755, "") for path in sorted(folders)]
    listed += [(path, mode, text) for path, (mode, text) in entries.items()]
    archive = b"".join(_entry(number, *one) for number, one in enumerate(listed, start=1))
    target.write_bytes(_aligned(initrd.read_bytes()) + archive + _entry(0, "TRAILER!!!", 0, ""))
    return target


def _script(files: Mapping[str, str]) -> str:
    """The ramdisk's shell has cat and mkdir, and no cp."""
    lines = ["#!/bin/sh", '[ "$1" = prereqs ] && exit 0']
    for path in files:
        lines += [f"mkdir -p /run/{Path(path).parent}", f"cat /{FOLDER}/{path} >/run/{path}"]
    return "\n".join(lines) + "\n"


def _entry(number: int, name: str, mode: int, text: str) -> bytes:
    body = text.encode()
    numbers = (number, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(name) + 1, 0)
    header = "070701" + "".join(f"{value:08x}" for value in numbers)
    return _aligned(header.encode() + name.encode() + b"\0") + _aligned(body)


def _aligned(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
