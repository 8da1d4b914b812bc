"""An engine from a repository of its own: signed by the key with the pinned fingerprint, or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from quorate.operations.image.places import REPOSITORY

from .conftest import DebianHost
from .packages import make_package, make_repository, served

VERSION = "5:27.5.1-1~debian.12~bookworm"


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Its address, and its key's fingerprint."""
    top = tmp_path / "repository"
    top.mkdir()
    package = make_package(tmp_path, "docker-ce", VERSION, {"usr/bin/dockerd": "#!/bin/sh\n"})
    fingerprint = make_repository(top, package)
    with served(top) as address:
        yield address, fingerprint


def install(
    host: DebianHost, folder: Path, address: str, fingerprint: str
) -> subprocess.CompletedProcess[str]:
    bundle = host.root / "var/tmp/bundle/rootfs"
    bundle.mkdir(parents=True, exist_ok=True)
    with tarfile.open(bundle / "engine.tar", "w") as tar:
        tar.add(REPOSITORY / "images/packer/rootfs/engine", "./")
    play = {
        "hosts": "all",
        "become": True,
        "roles": ["engine"],
        "pre_tasks": [{"apt": {"update_cache": True}}],
    }
    (folder / "play.json").write_text(json.dumps([play]))
    given = {
        "ansible_host": "127.0.0.1",
        "ansible_port": host.port,
        "engine_bundle": "/var/tmp/bundle",
        "engine_source": "docker",
        "engine_package": "docker-ce",
        "engine_version": VERSION,
        "engine_repository": address,
        "engine_repository_key": f"{address}/key.asc",
        "engine_repository_fingerprint": fingerprint,
    }
    words = [REPOSITORY / ".venv-image/bin/ansible-playbook", folder / "play.json", "-i", "node,"]
    words += [
        "-u",
        "admin",
        "--private-key",
        host.key,
        "-e",
        json.dumps(given),
    ]
    return subprocess.run(
        [str(word) for word in words],
        env={**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible/ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )


def installed(host: DebianHost) -> str:
    done = subprocess.run(
        [
            "dpkg-query",
            f"--admindir={host.root}/var/lib/dpkg",
            "-W",
            "-f",
            "${Version} ${db:Status-Status}",
            "docker-ce",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_the_pinned_version_comes_from_the_repository(
    debian_host: DebianHost, tmp_path: Path, repository: tuple[str, str]
) -> None:
    done = install(debian_host, tmp_path, *repository)
    assert done.returncode == 0, done.stdout[-2000:]
    assert installed(debian_host) == f"{VERSION} installed"


def test_another_key_than_the_pinned_one_installs_nothing(
    debian_host: DebianHost, tmp_path: Path, repository: tuple[str, str]
) -> None:
    done = install(debian_host, tmp_path, repository[0], "0" * 40)
    assert done.returncode == 2 and "Fingerprint of that key" in done.stdout
    assert installed(debian_host) == ""
    assert not (debian_host.root / "etc/apt/sources.list.d/docker.list").exists()
