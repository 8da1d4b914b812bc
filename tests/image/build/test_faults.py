"""Builds that go wrong: one clear line, no image, no manifest, nothing left running."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from quorate.errors import Failed, QuorateError, Refused
from quorate.operations.image.base import Base
from quorate.operations.image.build import Workshop, build_ami, build_disk
from quorate.operations.image.packer import Packer
from quorate.operations.image.pin import write_variables
from quorate.operations.image.places import REPOSITORY, Places
from quorate.operations.image.programs import output_of

from .conftest import PACKER, assert_machine_is_clean, assert_nothing_is_left


@pytest.fixture
def vars_folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPOSITORY / "images/packer/vars", tmp_path / "vars"))


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
    assert_nothing_is_left(shop.places, ec2)


def test_an_ssh_that_never_comes_ends_the_build(
    shop: Workshop, ec2: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PKR_VAR_ssh_port", "9")
    monkeypatch.setenv("PKR_VAR_ssh_timeout", "5s")
    shop = replace(shop, packer=replace(shop.packer, environment=dict(os.environ)))
    assert "ssh never did" in failure(shop)
    assert_nothing_is_left(shop.places, ec2)


def test_a_provisioner_that_fails_says_what_failed(shop: Workshop, ec2: Any, vars_folder: Path) -> None:
    write_variables("engine", vars_folder, {"engine_version": "0.0-never"})
    shop = replace(shop, packer=replace(shop.packer, vars_folder=vars_folder))
    assert "docker.io=0.0-never" in failure(shop)
    assert_nothing_is_left(shop.places, ec2)


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

    monkeypatch.setattr(base, "MIRROR", "http://127.0.0.1:9/debian")
    shop = Workshop(Places(tmp_path / "images"), Packer(), print)
    with pytest.raises(Failed, match=r"no base disk.*127\.0\.0\.1:9"):
        build_disk(shop, "worker")
    assert not shop.places.base.exists() and not shop.places.work.exists()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    """A filesystem of its own, too small for a disk; a build is let begin there all the same."""
    top = tmp_path / "small"
    top.mkdir()
    output_of(["mount", "-t", "tmpfs", "-o", "size=1G", "small", top])
    monkeypatch.setattr(Places, "require_room", lambda _: None)
    try:
        yield Places(top / "images")
    finally:
        output_of(["umount", top])


def filled_at(step: str, places: Places) -> Callable[[str], None]:
    """Takes the builds' whole filesystem once the build has come to that step."""

    filling = places.top.parent

    def say(words: str) -> None:
        if step in words:
            for size in (2**20, 512):
                with contextlib.suppress(OSError), (filling / str(size)).open("wb", buffering=0) as file:
                    while True:
                        file.write(bytes(size))

    return say


@pytest.mark.parametrize("step", ["Launching a source AWS instance", "Engine's files"])
def test_a_disk_that_runs_full_in_the_middle_of_an_ami_ends_the_build(
    shop: Workshop, small: Places, ec2: Any, step: str
) -> None:
    shop = Workshop(small, replace(shop.packer, log=small.top / "packer.log"), filled_at(step, small))
    words = failure(shop)
    assert f"{small.top} ran full" in words and "--directory" in words
    assert_nothing_is_left(small, ec2, besides={str(small.top.parent)})


def test_a_disk_that_runs_full_in_the_middle_of_a_disk_ends_the_build(base: Base, small: Places) -> None:
    small.top.mkdir()
    small.base.symlink_to(base.folder)
    shop = Workshop(small, Packer(PACKER, log=small.top / "packer.log"), filled_at("Engine's files", small))
    with pytest.raises(Failed, match="ran full") as caught:
        build_disk(shop, "worker")
    assert "\n" not in str(caught.value)
    assert not small.disk("worker").folder.exists()
    assert_machine_is_clean(small, besides={str(small.top.parent)})
