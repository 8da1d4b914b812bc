from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from quorate.operations.image.aws import Region
from quorate.operations.image.base import Base, base_disk
from quorate.operations.image.build import Workshop
from quorate.operations.image.packer import Packer, read_variables
from quorate.operations.image.places import Places
from quorate.operations.image.programs import output_of

AMI = "ami-00000000000000001"
PACKER = os.environ.get("QUORATE_PACKER", "packer")
"""Debian's, unless another is named: the template is for current ones too."""

MOTO = Path(__file__).with_name("moto_server.py")

HOST = """
set -e
cd "$1"; hostname build
mount -t proc proc proc; mount -t sysfs -o ro sysfs sys; mount -t tmpfs tmpfs run; mount -t tmpfs tmpfs dev
for name in null zero random urandom tty ptmx; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mkdir dev/pts dev/shm; mount --bind /dev/pts dev/pts
mkdir -p run/sshd run/systemd/resolve
cp /etc/resolv.conf run/systemd/resolve/resolv.conf; cp /etc/resolv.conf run/systemd/resolve/stub-resolv.conf
printf '127.0.0.1 localhost build\\n' >etc/hosts
exec chroot . /usr/sbin/sshd -D -e -p "$2" -o ListenAddress=127.0.0.1
"""


@dataclass(frozen=True)
class DebianHost:
    """Debian 12 behind an sshd on loopback, as a fresh instance of its AMI is; `root` is its disk."""

    root: Path
    port: int
    key: Path


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_until(done: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.1)


def listens(port: int) -> bool:
    with socket.socket() as asking:
        asking.settimeout(1)
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def base() -> Base:
    places = Places()
    existing = Base(places.base)
    if existing.recipe.exists():
        return existing
    with places.one_build():
        return base_disk(places, print)


@pytest.fixture
def debian_host(base: Base, tmp_path: Path) -> Iterator[DebianHost]:
    """A chroot in namespaces of its own; its disk is an overlay and gone afterwards."""
    if os.geteuid() != 0:
        pytest.fail("this test makes mounts and namespaces: run it as root")
    raw, lower, merged = tmp_path / "base.raw", tmp_path / "lower", tmp_path / "root"
    for folder in (lower, merged, tmp_path / "upper", tmp_path / "work"):
        folder.mkdir()
    output_of(["qemu-img", "convert", "-O", "raw", base.image, raw])
    output_of(["mount", "-o", "loop,ro,noload", raw, lower])
    layers = f"lowerdir={lower},upperdir={tmp_path / 'upper'},workdir={tmp_path / 'work'}"
    output_of(["mount", "-t", "overlay", "overlay", "-o", layers, merged])
    port = free_port()
    process = subprocess.Popen(
        [
            *("unshare", "-m", "-u", "-i", "-p", "-f", "--kill-child"),
            *("sh", "-c", HOST, "host", str(merged), str(port)),
        ],
        stdout=(tmp_path / "host.log").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        wait_until(lambda: listens(port), 120, "the host's sshd")
        yield DebianHost(merged, port, base.key)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        for mounted in (merged, lower):
            output_of(["umount", mounted])
        raw.unlink()


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Region]:
    """A stand-in for AWS that knows Debian's AMI under its pinned owner and name."""
    pinned = read_variables("base")
    amis = tmp_path / "amis.json"
    amis.write_text(
        json.dumps(
            [
                {
                    "ami_id": AMI,
                    "name": pinned["source_ami_name"],
                    "description": "Debian 12",
                    "owner_id": pinned["source_ami_owner"],
                    "public": True,
                    "virtualization_type": "hvm",
                    "architecture": "x86_64",
                    "state": "available",
                    "platform": None,
                    "image_type": "machine",
                    "hypervisor": "xen",
                    "root_device_name": "/dev/xvda",
                    "root_device_type": "ebs",
                    "sriov": "simple",
                    "creation_date": "2025-03-16T00:00:00.000Z",
                }
            ]
        )
    )
    port = free_port()
    with (tmp_path / "moto.log").open("wb") as log:
        process = subprocess.Popen(
            [".venv/bin/python", MOTO, "-H", "127.0.0.1", "-p", str(port)],
            env={
                "PATH": os.environ["PATH"],
                "MOTO_AMIS_PATH": str(amis),
                "MOTO_EC2_LOAD_DEFAULT_AMIS": "true",
                "MOTO_ENABLE_RECORDING": "1",
                "MOTO_RECORDER_FILEPATH": str(tmp_path / "calls"),
            },
            stdout=log,
            stderr=log,
        )
    endpoint = f"http://127.0.0.1:{port}"
    for name, value in (
        ("ACCESS_KEY_ID", "testing"),
        ("SECRET_ACCESS_KEY", "testing"),
        ("REGION", "us-east-1"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    try:
        wait_until(lambda: listens(port), 120, "moto")
        yield Region.of("us-east-1", endpoint)
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def at_home(aws: Region, debian_host: DebianHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds of an AMI go to the stand-in and to the local host: Packer reads PKR_VAR_<name>."""
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    keys = boto3.client("ec2", region_name="us-east-1", endpoint_url=endpoint)
    keys.import_key_pair(KeyName="build", PublicKeyMaterial=debian_host.key.with_suffix(".pub").read_bytes())
    given = {
        "endpoint_ec2": endpoint,
        "ssh_host": "127.0.0.1",
        "ssh_port": str(debian_host.port),
        "ssh_keypair_name": "build",
        "ssh_private_key_file": str(debian_host.key),
        "ssh_timeout": "60s",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"PKR_VAR_{name}", value)


@pytest.fixture
def ec2(aws: Region) -> Any:
    return boto3.client("ec2", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")


def assert_nothing_is_left(places: Places, ec2: Any, besides: Collection[str] = ()) -> None:
    """No instance, image or group of the build, no manifest to publish by, nothing of it on this machine."""
    instances = [i for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]]
    assert {instance["State"]["Name"] for instance in instances} <= {"terminated"}
    assert not ec2.describe_images(Owners=["self"])["Images"]
    groups = ec2.describe_security_groups()["SecurityGroups"]
    assert not [group for group in groups if "packer" in group["GroupName"]]
    assert not list(places.top.glob("ami-*.json"))
    assert_machine_is_clean(places, besides)


def assert_machine_is_clean(places: Places, besides: Collection[str] = ()) -> None:
    """No process and no mount (but for `besides`) in the builds' folder, and no work of theirs."""
    assert not places.work.exists()
    top = str(places.top)
    mounts = {line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()}
    assert not {mount for mount in mounts - set(besides) if mount.startswith(top)}
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        with contextlib.suppress(OSError):  # it ended meanwhile
            assert top not in process.joinpath("cmdline").read_text()
            assert not any(str((process / link).readlink()).startswith(top) for link in ("cwd", "root"))


@pytest.fixture
def shop(tmp_path: Path, at_home: None) -> Workshop:
    return Workshop(Places(tmp_path / "images"), Packer(PACKER, log=tmp_path / "packer.log"), print)
