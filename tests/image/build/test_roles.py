"""The roles on a Debian host: a second run changes nothing, and a run in check mode touches nothing."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path

import pytest

from quorate.operations.image.bundle import make_bundle
from quorate.operations.image.packer import read_variables
from quorate.operations.image.places import REPOSITORY

from .conftest import DebianHost

RECAP = re.compile(r"ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")
KEPT = ("etc", "opt", "lib/systemd", "usr/lib", "usr/sbin", "home", "var/lib/dpkg")
"""What a role may change; package lists and the bundle's folder are read by check mode too."""
SUDO_WAS_USED = "home/admin/.sudo_as_admin_successful"
"""Sudo's own mark of the login, which any run leaves."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "work", REPOSITORY / ".venv-image/bin/pip").archive


def play(host: DebianHost, bundle: Path, role: str, *words: str) -> tuple[int, str]:
    """How many tasks changed something, and all that Ansible said; the run must succeed."""
    engine = read_variables("engine")
    given = {
        "ansible_host": "127.0.0.1",
        "ansible_port": str(host.port),
        "image_role": role,
        "image_bundle": str(bundle),
        "access_ssm_agent_package": "",
        **{name: engine[name] for name in ("engine_source", "engine_package", "engine_version")},
    }
    argv = [str(REPOSITORY / ".venv-image/bin/ansible-playbook"), "-i", "node,", "-u", "admin"]
    argv += ["--private-key", str(host.key), *words]
    argv += [word for name, value in given.items() for word in ("-e", f"{name}={value}")]
    done = subprocess.run(
        [*argv, str(REPOSITORY / "ansible/playbooks/image.yml")],
        env={**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible/ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    recap = RECAP.search(said)
    assert recap and int(recap[1]) > 0, said[-3000:]
    return int(recap[2]), said


def changed_tasks(said: str) -> list[str]:
    """Names of the tasks that reported a change."""
    task, found = "", []
    for line in said.splitlines():
        if match := re.match(r"TASK \[(.*?)\]", line):
            task = match[1]
        elif line.startswith("changed:"):
            found.append(task)
    return found


def prints(root: Path) -> dict[str, str]:
    """Every file and link below the folders that roles change, with what it holds."""
    seen = {}
    for folder in KEPT:
        for path in sorted((root / folder).rglob("*")):
            if path.is_symlink():
                seen[str(path.relative_to(root))] = f"-> {path.readlink()}"
            elif path.is_file():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                seen[str(path.relative_to(root))] = f"{path.stat().st_mode:o} {digest}"
    return {path: value for path, value in seen.items() if "/.ansible/" not in path and path != SUDO_WAS_USED}


@pytest.mark.parametrize("role", ["manager", "worker"])
def test_a_second_run_of_the_roles_changes_nothing(debian_host: DebianHost, bundle: Path, role: str) -> None:
    # given a host that was provisioned once
    first, _ = play(debian_host, bundle, role)
    assert first > 10
    before = prints(debian_host.root)
    # when the same roles run again, then no task reports a change, and no file differs
    _, said = play(debian_host, bundle, role)
    assert changed_tasks(said) == []
    assert prints(debian_host.root) == before


def test_check_mode_says_what_would_change_and_touches_nothing(debian_host: DebianHost, bundle: Path) -> None:
    before = prints(debian_host.root)
    would, said = play(debian_host, bundle, "manager", "--check")
    assert would > 5, said[-3000:]
    assert prints(debian_host.root) == before
