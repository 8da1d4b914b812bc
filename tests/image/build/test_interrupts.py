"""A build that is interrupted, wherever it is: it ends, nothing is left running, nothing can be published."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from quorate.operations.image.base import Base
from quorate.operations.image.build import Workshop
from quorate.operations.image.places import REPOSITORY, Places

from .conftest import PACKER, assert_machine_is_clean, assert_nothing_is_left, wait_until

AT_STEP = """
import functools, os, signal, sys
from pathlib import Path
from quorate.cli import image
from quorate.operations.image import packer

step, playbook = sys.argv[1], Path(sys.argv[2])
packer.Packer = functools.partial(packer.Packer, ansible_playbook=playbook)
write = sys.stderr.write

def watched(text):
    write(text)
    if os.environ.get("FAULT") == "twice" and "has cleaned up" in text:
        os.kill(os.getpid(), signal.SIGTERM)
    if step and step in text:
        if os.environ.get("FAULT") == "packer":
            for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
        else:
            os.kill(os.getpid(), signal.SIGTERM)

sys.stderr.write = watched
sys.argv[1:] = sys.argv[3:]
image.main()
"""
"""The command, that gets SIGTERM when it says a step, and maybe once more; or its Packer is killed then."""

PLAYBOOK = """#!/bin/sh
[ "$1" != --version ] || { echo "ansible-playbook 2.18"; exit 0; }
echo "TASK [Engine's files] ******"
sleep 2
key=$(echo "$*" | sed 's/.*ansible_ssh_private_key_file=\\([^ ]*\\).*/\\1/')
port=$(sed -n 's/.*ansible_port=\\([0-9]*\\).*/\\1/p' "$(echo "$*" | sed 's/.* -i \\([^ ]*\\).*/\\1/')")
ssh -q -i "$key" -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null admin@127.0.0.1 \\
    sudo cp /etc/sudoers.d/90-cloud-init-users /etc/sudoers.d/90-quorate
"""
"""Like the role `access`, it leaves a rule by which the account may shut the machine down."""

ON_AWS = (
    "agent: locked dependencies",
    "Prevalidating AMI Name",
    "Creating temporary security group",
    "Authorizing access to port",
    "Launching a source AWS instance",
    "Waiting for instance",
    "Waiting for SSH",
    "Connected to SSH",
    "Provisioning with Ansible",
    "Engine's files",
    "Provisioning with shell script",
    "Stopping the source instance",
    "Creating AMI",
    "Waiting for AMI to become ready",
    "Terminating the source AWS instance",
)
HERE = ("Starting VM", "Waiting for SSH", "Engine's files", "disk: compressed")


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    """Provisioning in short: what is tested here is not what is on the image."""
    path = tmp_path / "ansible-playbook"
    path.write_text(PLAYBOOK)
    path.chmod(0o755)
    return path


def build(
    step: str, playbook: Path, *words: str | Path, timeout: float = 900
) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", AT_STEP, step, str(playbook), *map(str, words), "--packer", PACKER]
    return subprocess.run(
        argv, cwd=REPOSITORY / "infra", capture_output=True, text=True, check=False, timeout=timeout
    )


def ends_as_interrupted(done: subprocess.CompletedProcess[str], steps: Sequence[str]) -> None:
    assert done.returncode == 130, done.stderr[-3000:]
    assert all(step in done.stderr for step in steps)
    assert "Traceback" not in done.stderr
    assert "build-image: interrupted." in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("step", ON_AWS)
def test_an_ami_build_interrupted_at_a_step_leaves_nothing(
    shop: Workshop, ec2: Any, playbook: Path, step: str
) -> None:
    words = ("ami", "worker", "--without-ssm-agent", "--directory", shop.places.top)
    done = build(step, playbook, *words)
    ends_as_interrupted(done, [step])
    assert_nothing_is_left(shop.places, ec2)


@pytest.mark.parametrize("step", ["Waiting for instance", "Engine's files", "Waiting for AMI"])
def test_an_ami_build_whose_packer_is_killed_says_so_and_leaves_nothing(
    shop: Workshop, ec2: Any, playbook: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULT", "packer")
    done = build(step, playbook, "ami", "worker", "--without-ssm-agent", "--directory", shop.places.top)
    assert done.returncode == 1 and "packer failed with -9" in done.stderr.splitlines()[-1], done.stderr
    assert_nothing_is_left(shop.places, ec2)


@pytest.mark.parametrize("step", ["Waiting for instance", "Engine's files"])
def test_a_second_interrupt_waits_for_packer_no_longer_and_leaves_nothing_either(
    shop: Workshop, ec2: Any, playbook: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULT", "twice")
    done = build(step, playbook, "ami", "worker", "--without-ssm-agent", "--directory", shop.places.top)
    ends_as_interrupted(done, [step])
    assert_nothing_is_left(shop.places, ec2)


def test_an_ami_build_says_each_of_these_steps(shop: Workshop, ec2: Any, playbook: Path) -> None:
    """The witness of the test above: uninterrupted, the same build ends with an AMI."""
    done = build("", playbook, "ami", "worker", "--without-ssm-agent", "--directory", shop.places.top)
    assert done.returncode == 0, done.stderr[-3000:]
    said = [step for step in ON_AWS if step in done.stderr]
    assert said == list(ON_AWS)
    assert len(ec2.describe_images(Owners=["self"])["Images"]) == 1


def test_a_build_in_a_folder_with_a_long_name_ends_with_an_ami(
    shop: Workshop, ec2: Any, playbook: Path
) -> None:
    """Packer's plugins listen on sockets, whose paths have a bound that folders do not have."""
    folder = shop.places.top / ("long-" * 20)
    done = build("", playbook, "ami", "worker", "--without-ssm-agent", "--directory", folder)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(ec2.describe_images(Owners=["self"])["Images"]) == 1


def test_an_ami_build_interrupted_in_the_middle_of_the_real_provisioning_leaves_nothing(
    shop: Workshop, ec2: Any, tmp_path: Path
) -> None:
    playbook = REPOSITORY / ".venv-image/bin/ansible-playbook"
    words = ("ami", "worker", "--without-ssm-agent", "--directory", shop.places.top)
    done = build("Engine, and what it needs", playbook, *words)
    ends_as_interrupted(done, ["Engine's files"])
    assert_nothing_is_left(shop.places, ec2)


@pytest.mark.parametrize("step", HERE)
def test_a_disk_build_interrupted_at_a_step_keeps_the_disk_before_and_leaves_nothing_else(
    base: Base, playbook: Path, tmp_path: Path, step: str
) -> None:
    # given the base disk, and a disk from a build before
    places = Places(tmp_path / "images")
    places.disk("worker").folder.mkdir(parents=True)
    places.base.symlink_to(base.folder)
    before = places.disk("worker").manifest
    before.write_text(json.dumps({"schema": 1}))
    # when the next build is interrupted, then that disk is as it was
    ends_as_interrupted(build(step, playbook, "disk", "worker", "--directory", places.top), [step])
    assert before.read_text() == json.dumps({"schema": 1})
    assert_machine_is_clean(places)


def test_a_base_disk_interrupted_while_packages_are_unpacked_leaves_nothing(tmp_path: Path) -> None:
    places = Places(tmp_path / "images")
    output = tmp_path / "output"
    with output.open("wb") as log:
        process = subprocess.Popen(
            ["scripts/build-image", "base", "--directory", str(places.top)],
            cwd=REPOSITORY,
            stdout=log,
            stderr=log,
        )
    status = places.work / "base/root/var/lib/dpkg/status"
    wait_until(lambda: status.exists() and status.stat().st_size > 0, 300, "the first packages")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=120) == 130
    assert "Traceback" not in output.read_text()
    assert not places.base.exists()
    assert_machine_is_clean(places)
