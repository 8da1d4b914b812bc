"""What is on the finished disks, looked at without booting them. The witness is testinfra."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from testinfra.host import Host

from quorate.operations.image.places import REPOSITORY, Disk

PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
ACCESS_KEY = re.compile(rb"\b(AKIA|ASIA)[0-9A-Z]{16}\b")


def pinned(name: str) -> str:
    text = (REPOSITORY / "images/packer/vars/engine.pkrvars.hcl").read_text()
    found = re.search(rf'^{name}\s*=\s*"(.*)"', text, re.MULTILINE)
    assert found
    return found[1]


def enabled(root: Path) -> set[str]:
    return {link.name for link in (root / "etc/systemd/system").glob("*.wants/*")}


def test_the_engine_is_the_pinned_one_and_is_held(node: Host) -> None:
    engine = node.package(pinned("engine_package"))
    assert engine.is_installed
    assert node.check_output("dpkg-query -W -f '${Version}' docker.io") == pinned("engine_version")
    assert node.check_output("dpkg-query -W -f '${db:Status-Want}' docker.io") == "hold"


def test_the_engine_is_set_up_for_swarm(node: Host) -> None:
    settings = json.loads(node.file("/etc/docker/daemon.json").content_string)
    assert settings["live-restore"] is False
    assert settings["storage-driver"] == "overlay2"
    assert settings["metrics-addr"].startswith("127.0.0.1:")
    assert settings["log-opts"] == {"max-size": "10m", "max-file": "3"}


def test_only_a_manager_has_a_steward(node: Host, root: Path, role: str) -> None:
    packages = next(root.glob("opt/quorate/lib/python3*/site-packages"))
    managing = role == "manager"
    assert node.file("/usr/lib/systemd/system/quorate-steward.service").exists == managing
    assert (packages / "quorate/agent/steward").exists() == managing
    assert (packages / "quorate/agent/join").exists()


def test_what_runs_on_a_laptop_is_not_on_a_node(root: Path) -> None:
    packages = next(root.glob("opt/quorate/lib/python3*/site-packages"))
    for room in ("lab", "cli", "components", "operations", "settings"):
        assert not (packages / "quorate" / room).exists(), room


def test_the_agent_is_the_locked_one(root: Path) -> None:
    lock = (REPOSITORY / "requirements-agent.txt").read_text()
    locked = dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)(?![^\\]*win32)", lock, re.MULTILINE))
    packages = next(root.glob("opt/quorate/lib/python3*/site-packages"))
    there = {}
    for folder in packages.glob("*.dist-info"):
        name, _, version = folder.name.removesuffix(".dist-info").rpartition("-")
        there[name.replace("_", "-").lower()] = version
    assert there == locked


def test_the_agent_runs_and_nobody_can_write_to_it(node: Host, root: Path) -> None:
    check = "import botocore.session, docker, quorate.agent.join.__main__"
    assert node.run("/opt/quorate/bin/python -B -c %s", check).rc == 0
    for path in (root / "opt/quorate").rglob("*"):
        if not path.is_symlink():
            status = path.stat()
            assert status.st_uid == 0 and not status.st_mode & 0o222, path


def test_units_start_in_an_order_that_lets_join_and_engine_start_side_by_side(node: Host, root: Path) -> None:
    assert {"quorate-join.service", "quorate-hostname.service", "docker.service"} <= enabled(root)
    unit = node.file("/usr/lib/systemd/system/quorate-join.service").content_string
    after = next(line for line in unit.splitlines() if line.startswith("After="))
    assert "docker.service" not in after


def test_nothing_works_on_packages_by_itself(node: Host, root: Path) -> None:
    for package in ("cloud-init", "unattended-upgrades", "needrestart"):
        assert not node.package(package).is_installed
    for unit in ("apt-daily.timer", "apt-daily-upgrade.timer"):
        assert (root / "etc/systemd/system" / unit).readlink() == Path("/dev/null")


def test_the_host_has_no_identity_yet(root: Path) -> None:
    assert (root / "etc/machine-id").read_text() == ""
    assert not list(root.glob("etc/ssh/ssh_host_*"))
    assert not (root / "var/lib/dbus/machine-id").exists() or (root / "var/lib/dbus/machine-id").is_symlink()
    assert not (root / "etc/docker/key.json").exists()
    assert not (root / "var/lib/systemd/random-seed").exists()
    assert not (root / "var/lib/docker").exists()


def test_there_is_no_key_no_history_no_log_of_the_build(root: Path) -> None:
    for home in [root / "root", *(root / "home").iterdir()]:
        left = {path.name for path in home.iterdir()} - {".bashrc", ".profile", ".bash_logout"}
        assert not left, home
    logs = [path for path in (root / "var/log").rglob("*") if path.is_file() and not path.is_symlink()]
    assert not logs
    assert not list((root / "var/tmp").iterdir()) and not list((root / "tmp").iterdir())


def test_there_is_no_secret_on_the_disk(root: Path) -> None:
    for place in (
        "etc",
        "opt/quorate",
        "var/lib",
        "usr/lib/quorate",
        "usr/lib/systemd",
        "root",
        "home",
        "srv",
    ):
        for path in (root / place).rglob("*"):
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 2**20:
                body = path.read_bytes()
                assert not PRIVATE_KEY.search(body), path
                examples = "/botocore/" in str(path)  # AWS's documented example keys
                assert examples or not ACCESS_KEY.search(body), path


def test_no_password_opens_an_account(root: Path) -> None:
    for line in (root / "etc/shadow").read_text().splitlines():
        user, password = line.split(":")[:2]
        assert password in {"*", "!", "!*"}, user


def test_people_come_in_through_loopback_only(node: Host) -> None:
    sshd = node.file("/etc/ssh/sshd_config.d/10-quorate.conf").content_string
    assert re.findall(r"^ListenAddress (.*)$", sshd, re.MULTILINE) == ["127.0.0.1"]
    assert "PermitRootLogin no" in sshd and "PasswordAuthentication no" in sshd
    assert node.run("/usr/sbin/sshd -t -h /dev/null -f /etc/ssh/sshd_config").rc in (0, 1)


def test_containers_are_kept_from_the_metadata_service(node: Host, root: Path) -> None:
    assert "nftables.service" in enabled(root)
    assert "ip daddr 169.254.169.254 counter drop" in node.file("/etc/nftables.conf").content_string


def test_no_program_has_more_power_than_debian_gives_it(root: Path) -> None:
    known = {"chfn", "chsh", "gpasswd", "mount", "newgrp", "passwd", "su", "sudo", "umount"}
    known |= {"dbus-daemon-launch-helper", "ssh-keysign", "fusermount3"}
    found = set()
    for path in (root / "usr").rglob("*"):
        if not path.is_symlink() and path.is_file() and path.stat().st_mode & stat.S_ISUID:
            found.add(path.name)
    assert found <= known


def test_the_manifest_says_what_was_built(disk: Disk, role: str) -> None:
    manifest = json.loads(disk.manifest.read_text())
    assert manifest["schema"] == 1 and manifest["role"] == role
    assert manifest["engine_version"] == pinned("engine_version")
    assert re.fullmatch(r"[0-9a-f]{12}(-dirty)?|unknown", manifest["revision"])
    assert re.fullmatch(r"\d{8}T\d{6}Z", manifest["build_time"])


def test_the_bill_of_materials_is_valid_and_lists_every_package(disk: Disk, node: Host) -> None:
    text = disk.bill_of_materials.read_text()
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    listed = {(one["name"], one["version"]) for one in json.loads(text)["components"]}
    lines = node.check_output("dpkg-query -W -f '${Package} ${Version}\\n'").splitlines()
    assert {tuple(line.split()) for line in lines} <= listed
    assert any(name == "botocore" for name, _ in listed)
