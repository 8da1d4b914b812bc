"""The command line on a whole cluster: interrupted at several moments, run again, read, taken down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from quorate.lab.hosts.host import SOURCES
from quorate.lab.lab import Lab

COMMAND = str(SOURCES.parent / "scripts/lab")


@pytest.fixture
def folder(tmp_path: Path, left_behind) -> Iterator[Path]:
    folder = tmp_path / "lab"
    try:
        yield folder
    finally:
        Lab(folder).down()
    assert left_behind(Lab(folder).names) == []


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *words[:1], "--directory", str(folder), *words[1:]],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def interrupted(folder: Path, after: str) -> tuple[int, str]:
    """`up` with Ctrl-C as soon as the step `after` is done: its exit code and what it said from there on."""
    running = subprocess.Popen(
        [COMMAND, "up", "--directory", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    for line in running.stderr:
        if after in line:
            break
    os.kill(running.pid, signal.SIGINT)
    said = running.stderr.read()
    return running.wait(timeout=120), said


def test_up_can_be_interrupted_at_any_moment_and_run_again_to_a_whole_cluster(folder):
    for step in ("local cloud", "Pulumi program", "engines"):
        code, said = interrupted(folder, after=step)
        assert code != 0
        assert "interrupted" in said
        assert "Traceback" not in said

    done = call(folder, "up")

    assert done.returncode == 0, done.stderr
    assert [line.split("  ")[1] for line in done.stderr.splitlines()] == [
        *("local cloud", "Pulumi program", "engines", "joined", "managers reachable", "workers active"),
    ]
    assert "quorate-lab  healthy  5 managers 2-2-1, 3 workers" in done.stdout
    assert "may fail: any one zone / 2 nodes" in done.stdout
    assert max(map(len, done.stdout.partition("up in")[0].splitlines())) <= 80
    _documents_are_as_promised(folder)
    _commands_run_inside_hosts(folder)
    _a_second_run_changes_nothing(folder)
    assert call(folder, "down").returncode == 0
    gone = call(folder, "status")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr.startswith("lab: no lab is running in") and gone.stderr.count("\n") == 1


def _documents_are_as_promised(folder: Path) -> None:
    hosts = json.loads(call(folder, "hosts", "--json").stdout)
    assert [host["role"] for host in hosts] == ["manager"] * 5 + ["worker"] * 3
    for host in hosts:
        assert host.keys() == {
            *("schema", "name", "role", "zone", "address", "docker_host", "instance_id", "state"),
        }
        info = ["docker", "-H", host["docker_host"], "info", "--format", "{{.Name}}"]
        assert subprocess.run(info, capture_output=True, text=True, check=True).stdout.strip() == host["name"]
    status = json.loads(call(folder, "status", "--json").stdout)
    assert status["schema"] == 1 and status["healthy"] is True
    assert status["leader"] in [manager["node"] for manager in status["managers"]]
    assert sorted(status["spread"].values()) == [1, 2, 2]
    assert status["tolerates"] == {"nodes": 2, "zones": 1}
    assert {worker["state"] for worker in status["workers"]} == {"ready"}


def _commands_run_inside_hosts(folder: Path) -> None:
    name = json.loads(call(folder, "hosts", "--json").stdout)[0]["name"]
    assert call(folder, "exec", name, "--", "hostname").stdout == f"{name}\n"
    assert call(folder, "exec", name, "--", "sh", "-c", "exit 7").returncode == 7
    assert call(folder, "exec", name, "--", "docker", "node", "ls").stdout.count("Ready") == 8


def _a_second_run_changes_nothing(folder: Path) -> None:
    before = call(folder, "hosts", "--json").stdout
    again = call(folder, "up")
    assert again.returncode == 0
    assert " unchanged" in again.stderr and "created" not in again.stderr
    assert call(folder, "hosts", "--json").stdout == before
    preview = call(folder, "deploy", "--preview", "--config", "managers=3", "--config", "layout=[]")
    assert preview.returncode == 0, preview.stderr
    assert "manager" in preview.stdout and "nothing was touched" in preview.stdout


def test_a_lab_without_cluster_says_what_to_do_next(folder):
    assert call(folder, "start").returncode == 0

    status = call(folder, "status")

    assert status.returncode == 1
    assert "nothing is laid out; next: `scripts/lab deploy`" in status.stdout
    assert json.loads(call(folder, "status", "--json").stdout)["healthy"] is False
    unknown = call(folder, "exec", "nobody", "--", "true")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
    assert "host 'nobody': no host of this lab" in unknown.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stats"], "'stats' is no verb, did you mean status"),
        (["exec", "ip-10-0-0-1"], "no command given"),
        (["up", "--patience", "soon"], "--patience: invalid float value: 'soon'"),
        (["deploy", "--config", "managers"], "--config 'managers': not KEY=VALUE"),
    ],
)
def test_bad_words_get_one_line_and_exit_code_2(folder, words, said):
    done = call(folder, *words)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
