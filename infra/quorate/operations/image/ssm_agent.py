"""The SSM agent's package: not in Debian, so fetched from AWS by a pinned version and checksum."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from quorate.errors import Failed, Refused

SECONDS = 30
LARGEST = 200 * 2**20


def fetch_ssm_agent(pin: Mapping[str, str], folder: Path) -> Path:
    """The package below `folder`, its bytes those of the pin. Refused without a pin, Failed otherwise."""
    version, checksum = pin.get("ssm_agent_version", ""), pin.get("ssm_agent_sha256", "")
    if not version or not checksum:
        raise Refused(
            "an image with the SSM agent",
            "its version and checksum must be pinned in images/packer/vars/access.pkrvars.hcl",
            "what is not pinned may be anything",
            "Run scripts/build-image pin, or build with --without-ssm-agent",
        )
    body = download(pin["ssm_agent_url"].replace("{version}", version))
    found = hashlib.sha256(body).hexdigest()
    if found != checksum:
        raise Failed(
            f"the SSM agent {version} is not the one that was pinned: its SHA-256 is {found}, pinned is "
            f"{checksum}. Find out why before you run scripts/build-image pin"
        )
    folder.mkdir(parents=True, exist_ok=True)
    package = folder / "amazon-ssm-agent.deb"
    package.write_bytes(body)
    return package


def download(url: str) -> bytes:
    """What stands at an http(s) address; Failed with the address and the reason."""
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise Failed(f"{url}: only https is fetched")
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - the scheme is checked above
            body: bytes = answer.read(LARGEST)
    except (urllib.error.URLError, OSError) as error:
        raise Failed(
            f"{url} cannot be fetched from here: {error}. The image was not built; without the SSM agent: "
            "--without-ssm-agent"
        ) from error
    return body
