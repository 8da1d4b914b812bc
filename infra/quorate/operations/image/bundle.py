"""All that a build puts on a node, as one file that installs without a network: agent, wheels, rootfs."""

from __future__ import annotations

import io
import os
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

from quorate.errors import Failed
from quorate.operations.image.places import REPOSITORY, digest
from quorate.operations.image.programs import output_of

PYTHON = "3.11"
"""Debian 12's."""
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
ROOMS = ("errors.py", "__init__.py", "layout", "swarm", "agent")
"""Of the package quorate, what runs on a node."""


@dataclass(frozen=True)
class Bundle:
    """`archive` is the .tar; its digest lies beside it as <archive>.sha256."""

    archive: Path
    digest: str


def make_bundle(folder: Path, pip: Path, repository: Path = REPOSITORY) -> Bundle:
    """Same sources and lock, same bytes. Failed when a wheel cannot be had or its hash differs."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    lock = repository / "requirements-agent.txt"
    installer = folder / "pip.txt"
    installer.write_text(_locked("pip", repository / "requirements-image.txt"))
    _download(pip, lock, wheels)
    _download(pip, installer, wheels)
    archive = folder / "bundle.tar"
    with tarfile.open(archive, "w") as tar:
        _add(tar, lock, "requirements-agent.txt")
        for wheel in sorted(wheels.iterdir()):
            _add(tar, wheel, f"wheels/{wheel.name}")
        for path in _sources(repository / "infra" / "quorate"):
            _add(tar, path, str(path.relative_to(repository / "infra")))
        for concern in sorted((repository / "images/packer/rootfs").iterdir()):
            _add(tar, _rootfs(concern, folder), f"rootfs/{concern.name}.tar")
    checksum = digest(archive)
    archive.with_name(f"{archive.name}.sha256").write_text(f"{checksum}\n")
    return Bundle(archive, checksum)


def _rootfs(concern: Path, folder: Path) -> Path:
    """One concern's files as an archive to unpack over a node's root."""
    archive = folder / f"rootfs-{concern.name}.tar"
    with tarfile.open(archive, "w") as tar:
        for path in sorted(path for path in concern.rglob("*") if path.is_file()):
            _add(tar, path, str(path.relative_to(concern)))
    return archive


def _sources(package: Path) -> list[Path]:
    files: list[Path] = []
    for room in ROOMS:
        place = package / room
        files += [place] if place.is_file() else sorted(place.rglob("*.py"))
    return files


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    body = path.read_bytes()
    member = tarfile.TarInfo(name)
    member.size = len(body)
    member.mode = 0o755 if os.access(path, os.X_OK) else 0o644
    tar.addfile(member, io.BytesIO(body))


def _download(pip: Path, lock: Path, target: Path) -> None:
    words: list[str | Path] = [pip, "download", "--quiet", "--disable-pip-version-check"]
    words += ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    words += ["--implementation", "cp", "--python-version", PYTHON]
    words += [word for platform in PLATFORMS for word in ("--platform", platform)]
    try:
        output_of([*words, "--dest", target, "-r", lock])
    except Failed as error:
        raise Failed(f"the agent's dependencies ({lock.name}) cannot be had as locked: {error}") from error


def _locked(package: str, lock: Path) -> str:
    """One package's entry of a lock file."""
    found = re.search(rf"^{package}==.*?(?=^\S)", lock.read_text() + "#", re.MULTILINE | re.DOTALL)
    if found is None:
        raise Failed(f"{lock.name} does not lock {package}. Run: make lock")
    return re.sub(r"^\s*#.*$", "", found[0], flags=re.MULTILINE)
