"""Names, identities, and the folder of a lab; nothing here needs root."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from quorate.errors import QuorateError, Refused
from quorate.lab import control, folder
from quorate.lab.hosts import machine
from quorate.lab.hosts.inventory import Power, power_of
from quorate.lab.hosts.names import Names, hostname
from quorate.lab.hosts.units import failure_in, role_in
from quorate.lab.process import Identity, start_ticks


def test_a_lab_s_names_come_from_its_real_folder_alone(tmp_path):
    (tmp_path / "lab").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "lab")

    names = Names.of(tmp_path / "link")

    assert names.prefix == Names.of(tmp_path / "lab").prefix
    assert names.prefix != Names.of(tmp_path / "lab2").prefix
    assert names.netns("i-0123456789abcdef0") == f"{names.prefix}-56789abcdef0"
    assert hostname("10.20.1.5") == "ip-10-20-1-5"


@pytest.mark.parametrize(
    ("state", "power"),
    [
        ("pending", Power.ON),
        ("running", Power.ON),
        ("stopping", Power.OFF),
        ("stopped", Power.OFF),
        ("shutting-down", Power.GONE),
        ("terminated", Power.GONE),
    ],
)
def test_a_host_has_power_while_its_instance_runs_and_a_disk_until_it_is_terminated(state, power):
    assert power_of(state) is power


def test_an_identity_is_of_one_process_and_no_later_one_of_its_number(tmp_path):
    own = Identity.own("lab", 4615, "nonce")
    own.write(tmp_path)
    assert Identity.read(tmp_path) == own and own.alive

    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    while start_ticks(ended.pid) is not None:
        pass
    zombie = Identity("lab", ended.pid, 1, own.boot, 4615, "nonce")
    assert not zombie.alive
    ended.wait()
    assert not Identity("lab", own.pid, own.started - 1, own.boot, 4615, "nonce").alive
    assert not Identity("lab", own.pid, own.started, "another boot", 4615, "nonce").alive


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_an_identity_that_cannot_be_read_is_none(tmp_path, content):
    (tmp_path / "daemon.json").write_text(content)

    assert Identity.read(tmp_path) is None


def test_a_folder_is_emptied_only_when_it_is_a_lab_s(tmp_path):
    lab = tmp_path / "lab"
    folder.claim(lab)
    (lab / "hosts/one").mkdir(parents=True)
    (lab / "state.json").write_text("{}")
    (lab / "log").mkdir()

    folder.erase(lab)

    assert sorted(path.name for path in lab.iterdir()) == ["lab", "log"]
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "file").write_text("")
    folder.erase(foreign)
    assert (foreign / "file").exists()
    with pytest.raises(Refused, match="not empty, and not a lab's"):
        folder.claim(foreign)
    with pytest.raises(Refused, match="not a folder"):
        folder.claim(foreign / "file")


def test_without_root_the_message_says_what_does_work(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(QuorateError, match=r"needs root, and this is user 1000; .*quorum-layout .* no root"):
        machine.check_machine()


def test_missing_commands_are_named_with_their_packages(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        "shutil.which", lambda command, path: None if command in {"dockerd", "busybox"} else command
    )

    with pytest.raises(QuorateError, match=r"needs dockerd, busybox.*install .* docker.io busybox-static"):
        machine.check_machine()


def test_the_daemon_is_asked_through_a_folder_however_deep(tmp_path):
    deep = tmp_path / ("deep-" * 30) / ("deeper-" * 30)
    deep.mkdir(parents=True)

    def refuse(_: object) -> dict[str, object]:
        raise Refused("zone use1-az9", "no zone of this lab", "it has none there", "Pick another")

    server = control.ControlServer(
        deep, {("GET", "/hosts"): lambda _: {"hosts": []}, ("POST", "/zone"): refuse}
    )
    server.start()
    try:
        assert control.ask(deep, "GET", "/hosts") == {"hosts": []}
        with pytest.raises(QuorateError, match="zone use1-az9: no zone of this lab"):
            control.ask(deep, "POST", "/zone", {"zone": "use1-az9"})
        with pytest.raises(QuorateError, match="does not know GET /nothing"):
            control.ask(deep, "GET", "/nothing")
    finally:
        server.stop()
    with pytest.raises(QuorateError, match="did not answer /hosts"):
        control.ask(deep, "GET", "/hosts")


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("12:00 join: trying\n12:01 join: failed: no leader\n12:02 join: hook abandoned\n", "no leader"),
        ("Killed\n", "Killed"),
        ("", ""),
    ],
)
def test_the_reason_of_a_failed_unit_is_what_it_said_of_its_failure(tmp_path, log, reason):
    (tmp_path / "join.log").write_text(log)

    assert failure_in(tmp_path / "join.log") == reason
    assert failure_in(tmp_path / "none.log") == ""


@pytest.mark.parametrize(
    ("user_data", "role"),
    [
        ('{"role": "manager"}', "manager"),
        ("#!/bin/sh", None),
        ("[]", None),
        ('{"role": 7}', None),
        ("", None),
    ],
)
def test_the_role_that_starts_a_steward_is_read_from_any_user_data(user_data, role):
    assert role_in(user_data) == role
