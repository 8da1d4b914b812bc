"""What a build that did not end well leaves on AWS although Packer has cleaned up after itself.

Packer forgets an AMI when it is stopped before it has its id, and keeps one that was complete by then. A
build makes two in turn: an unencrypted one under a name drawn at random, which its log has, and the encrypted
copy under the image's own name. Current Packer, stopped while it asks for an instance, a security group or a
key pair, forgets that too; a Packer that was killed forgets everything.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from quorate.errors import Unknown
from quorate.operations.image.aws import Region

DRAWN = re.compile(r"Creating AMI (\S+) from instance")
GROUP = re.compile(r"Creating temporary security group for this instance: (packer_\S+)")
KEY = re.compile(r"Creating temporary keypair: (packer_\S+)")
LAUNCH, LAUNCHED = "Launching a source AWS instance", "Instance ID: "
LISTED_WITHIN = 30.0
"""Seconds for EC2 to list an instance that it started: eventually consistent, says its API Reference."""
PAUSE = 5.0

Say = Callable[[str], None]


def remove_leftovers(regions: Iterable[str], name: str, build: str, log: Path, say: Say) -> bool:
    """Removes every AMI of the build in these regions, with its snapshots, and in the first its instance.

    `build` is the token that its instance is tagged with. What could not be removed is named: False then. An
    interrupt gives up what is being removed, and no more.
    """
    text = log.read_text(errors="replace") if log.exists() else ""
    places = [Region.of(where) for where in dict.fromkeys(regions)]
    home = places[0]
    groups, keys = GROUP.findall(text), KEY.findall(text)
    names = [name, *DRAWN.findall(text)]
    clear = _removed(
        f"an instance with the tag quorate:build={build} in {home.name}",
        lambda: _end_instances(home, build, text, say),
        say,
    )
    if groups or keys:
        what = f"{' and '.join(groups + keys)} in {home.name}"
        clear &= _removed(what, partial(home.remove_helpers, groups, keys), say)
    for region in places:
        what = f"AMIs named {' or '.join(names)} in {region.name}"
        clear &= _removed(what, partial(_remove_images, region, names), say)
    return clear


def _removed(what: str, remove: Callable[[], Iterable[str]], say: Say) -> bool:
    try:
        lines, clear = [f"{one} was taken away again" for one in remove()], True
    except Unknown as error:
        lines, clear = [f"{what} may be left: remove by hand. {error}"], False
    except KeyboardInterrupt:
        lines, clear = [f"{what} may be left: remove by hand. This was interrupted"], False
    _tell(say, lines)
    return clear


def _end_instances(home: Region, build: str, text: str, say: Say) -> list[str]:
    asked_in_vain = LAUNCH in text and LAUNCHED not in text
    if asked_in_vain:
        _tell(say, [f"Packer asked for an instance and never learnt which: {LISTED_WITHIN:.0f} s to find it"])
    deadline = time.monotonic() + (LISTED_WITHIN if asked_in_vain else 0)
    while not (ended := home.end_instances(build)) and time.monotonic() < deadline:
        time.sleep(PAUSE)
    return [f"instance {one}" for one in ended]


def _remove_images(region: Region, names: list[str]) -> list[str]:
    return [f"{image.id} ({image.name})" for image in region.remove_named(names)]


def _tell(say: Say, lines: Iterable[str]) -> None:
    with contextlib.suppress(OSError):  # nobody may be listening any more
        for line in lines:
            say(line)
