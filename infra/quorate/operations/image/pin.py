"""What builds start from, pinned in files: the base AMI by its exact name, the SSM agent by its checksum."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from quorate.errors import Failed
from quorate.operations.image.aws import Region
from quorate.operations.image.packer import read_variables
from quorate.operations.image.ssm_agent import download

PATTERN = "debian-12-amd64-*"


def pin_base(region: Region, vars_folder: Path, pattern: str = PATTERN) -> tuple[str, str]:
    """The name that was pinned, and the owner's newest that is pinned now."""
    pinned = read_variables("base", vars_folder)
    owner = pinned["source_ami_owner"]
    newest = region.newest_name(owner, pattern)
    if newest is None:
        raise Failed(
            f"account {owner} has no available AMI named {pattern} in {region.name}; the pin stays "
            f"{pinned['source_ami_name']}"
        )
    write_variables("base", vars_folder, {"source_ami_name": newest})
    return pinned["source_ami_name"], newest


def pin_ssm_agent(vars_folder: Path) -> tuple[str, str]:
    """The version that was pinned, and AWS's latest whose checksum is pinned now."""
    pinned = read_variables("access", vars_folder)
    address = pinned["ssm_agent_url"]
    latest = download(address.split("{version}")[0] + "latest/VERSION").decode().strip()
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)+", latest):
        raise Failed(
            f"{address}: {latest!r:.60} is no version; the pin stays {pinned['ssm_agent_version']!r}"
        )
    package = download(address.replace("{version}", latest))
    checksum = hashlib.sha256(package).hexdigest()
    write_variables("access", vars_folder, {"ssm_agent_version": latest, "ssm_agent_sha256": checksum})
    return pinned["ssm_agent_version"], latest


def write_variables(concern: str, vars_folder: Path, values: Mapping[str, str]) -> None:
    """Puts new texts into a var file, whole or not at all; everything else of it stays."""
    path = vars_folder / f"{concern}.pkrvars.hcl"
    text = path.read_text()
    for name, value in values.items():
        if '"' in value or "\\" in value or "\n" in value:
            raise Failed(f"{name}: {value!r:.60} cannot stand in {path.name}")
        text, count = re.subn(rf'^({name}\s*=\s*)"[^"]*"', rf'\g<1>"{value}"', text, flags=re.MULTILINE)
        if count != 1:
            raise Failed(f"{path} does not set {name} once; put it back as it was")
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.replace(path)
