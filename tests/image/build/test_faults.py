"""Builds that go wrong: one clear line, no image, no manifest, nothing left running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.image.build.conftest import wait_until

from quorate.errors import Failed, QuorateError, Refused
from quorate.operations.image.build import Workshop, build_ami, build_disk
from quorate.operations.image.pin import write_variables
from quorate.operations.image.places import REPOSITORY, Places


@pytest.fixture
def ec2() -> Any:
    return boto3.client("ec2", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")


@pytest.fixture
def vars_folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPOSITORY / "images/packer/vars", tmp_path / "vars"))


def assert_nothing_is_left(shop: Workshop, ec2: Any) -> None:
    instances = [i for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]]
    assert {instance["State"]["Name"] for instance in instances} <= {"terminated"}
    assert not ec2.describe_images(Owners=["self"])["Images"]
    assert not [
        group for group in ec2.describe_security_groups()["SecurityGroups"] if "packer" in group["GroupName"]
    ]
    assert not list(shop.places.top.glob("ami-*.json")) and not shop.places.work.exists()


def failure(shop: Workshop) -> str:
    with pytest.raises(QuorateError) as caught:
        build_ami(shop, "worker", without_ssm_agent=True)
    words = str(caught.value)
    assert "\n" not in words and "Traceback" not in words
    return words


def test_without_a_base_image_the_build_says_which_one_it_wanted(
    shop: Workshop, ec2: Any, vars_folder: Path
) -> None:
    write_variables("base", vars_folder, {"source_ami_name": "debian-12-amd64-19990101-1"})
    shop = replace(shop, packer=replace(shop.packer, vars_folder=vars_folder))
    assert "debian-12-amd64-19990101-1" in failure(shop)
    assert_nothing_is_left(shop, ec2)


def test_an_ssh_that_never_comes_ends_the_build(
    shop: Workshop, ec2: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PKR_VAR_ssh_port", "9")
    monkeypatch.setenv("PKR_VAR_ssh_timeout", "5s")
    shop = replace(shop, packer=replace(shop.packer, environment=dict(os.environ)))
    assert "ssh never did" in failure(shop)
    assert_nothing_is_left(shop, ec2)


def test_a_provisioner_that_fails_says_what_failed(shop: Workshop, ec2: Any, vars_folder: Path) -> None:
    write_variables("engine", vars_folder, {"engine_version": "0.0-never"})
    shop = replace(shop, packer=replace(shop.packer, vars_folder=vars_folder))
    assert "docker.io=0.0-never" in failure(shop)
    assert_nothing_is_left(shop, ec2)


def test_an_interrupted_build_cleans_up(shop: Workshop, ec2: Any, tmp_path: Path) -> None:
    # given a build by the command, in the middle of provisioning
    output = tmp_path / "output"
    with output.open("wb") as log:
        process = subprocess.Popen(
            ["scripts/build-image", "ami", "worker", "--without-ssm-agent", "--directory", shop.places.top],
            cwd=REPOSITORY,
            stdout=log,
            stderr=log,
        )
    wait_until(lambda: "Engine's files" in output.read_text(), 120, "provisioning")
    # when it is told to end
    process.send_signal(signal.SIGTERM)
    # then it ends by itself, with everything taken away again
    assert process.wait(timeout=120) == 130
    assert "interrupted" in output.read_text()
    assert_nothing_is_left(shop, ec2)


def test_a_disk_that_is_too_full_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Places(tmp_path)
    with pytest.raises(Refused, match=r"GiB are free"):
        places.require_room(needed=2**60)


def test_a_second_build_at_the_same_time_is_refused(tmp_path: Path) -> None:
    places = Places(tmp_path / "images")
    with places.one_build(), pytest.raises(Failed, match="another build is running"), places.one_build():
        pytest.fail("two builds at once")


def test_a_mirror_that_cannot_be_reached_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from quorate.operations.image import base
    from quorate.operations.image.packer import Packer

    monkeypatch.setattr(base, "MIRROR", "http://127.0.0.1:9/debian")
    shop = Workshop(Places(tmp_path / "images"), Packer(), print)
    with pytest.raises(Failed, match=r"no base disk.*127\.0\.0\.1:9"):
        build_disk(shop, "worker")
    assert not shop.places.base.exists() and not shop.places.work.exists()
