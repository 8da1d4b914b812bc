"""Single hosts: power cut, powered off in order, started again; and the words of the commands."""

from __future__ import annotations

import json
import subprocess

import pytest

from quorate.lab.hosts.host import SOURCES

from .conftest import PATIENCE, Outsider, eventually


def lab(five: Outsider, *words: str) -> subprocess.CompletedProcess[str]:
    program = SOURCES.parent / "scripts/lab"
    return subprocess.run(
        [program, *words, "--directory", five.lab.directory],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_leader_switched_off_is_followed_by_another_and_boots_from_its_own_disk(five: Outsider, how: str):
    before = five.shape()
    old = eventually(five.led)
    host = five.lab.host(old)
    first = lab(five, "host", how, host.name)
    again = lab(five, "host", how, host.name)
    assert (first.returncode, again.returncode) == (0, 0)
    assert again.stdout == f"host {host.name} is off already\n"
    assert five.lab.host(old).state == "off"
    assert eventually(lambda: next((h for h, _ in five.heads() if h not in {"", old}), None), PATIENCE)

    assert lab(five, "host", "start", host.name).stdout == f"host {host.name} boots\n"
    assert lab(five, "host", "start", host.name).stdout == f"host {host.name} is on already\n"
    five.becomes_whole()
    assert five.shape() == before
    assert five.lab.host(old).instance_id == host.instance_id
    engine = (five.lab.names.hosts / host.instance_id / "log/engine.log").read_text()
    assert ("Processing signal 'terminated'" in engine) == (how == "stop") or how == "kill"


def test_words_that_name_nothing_are_answered_with_what_there_is(five: Outsider):
    zone = lab(five, "zone", "down", "use1-az9")
    assert (zone.returncode, zone.stdout) == (2, "")
    assert "use1-az9" in zone.stderr
    assert "use1-az1, use1-az2, use1-az4" in zone.stderr
    host = lab(five, "host", "kill", "ip-1-2-3-4")
    assert host.returncode == 2
    assert five.lab.hosts()[0].name in host.stderr
    assert lab(five, "zone", "sideways", "use1-az1").returncode == 2
    assert lab(five, "zone", "up", "use1-az1", "--partition").returncode == 2
    assert five.whole()


def test_a_zone_down_and_up_by_command_says_who_is_in_it_and_may_be_repeated(five: Outsider):
    worker = next(h for h in five.lab.hosts() if h.role == "worker" and h.zone == "use1-az2")
    down = lab(five, "zone", "down", "use1-az2")
    assert (down.returncode, worker.name in down.stdout) == (0, True)
    assert "has no power already" in lab(five, "zone", "down", "use1-az2").stdout
    refused = lab(five, "host", "start", worker.name)
    assert refused.returncode == 1
    assert "use1-az2 has no power" in refused.stderr
    status = lab(five, "status", "--json")
    assert status.returncode == 1
    assert json.loads(status.stdout)["healthy"] is False
    assert "zone use1-az2 has no power" in status.stderr
    assert lab(five, "zone", "up", "use1-az2").returncode == 0
    assert "is up already" in lab(five, "zone", "up", "use1-az2").stdout
