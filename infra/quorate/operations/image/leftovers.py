"""What a build that did not end well leaves on AWS although Packer has cleaned up after itself.

Packer forgets an AMI when it is stopped before it has its id, and keeps one that was complete by then. A
build makes two in turn: an unencrypted one under a name drawn at random, which its log has, and the encrypted
copy under the image's own name.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from quorate.errors import Unknown
from quorate.operations.image.aws import Region

DRAWN = re.compile(r"Creating AMI (\S+) from instance")


def remove_leftovers(regions: Iterable[str], name: str, log: Path, say: Callable[[str], None]) -> None:
    """Removes every AMI of the build in these regions, and its snapshots; what cannot be removed is named."""
    text = log.read_text(errors="replace") if log.exists() else ""
    names = [name, *DRAWN.findall(text)]
    for where in regions:
        try:
            region = Region.of(where)
            said = [f"{image.id} ({image.name}) was taken away again" for image in region.remove_named(names)]
        except Unknown as error:
            said = [f"AMIs named {' or '.join(names)} may be left in {where}: remove them. {error}"]
        with contextlib.suppress(OSError):  # nobody may be listening any more
            for words in said:
                say(words)
