"""Engines that do not behave, storage, and the lab's registry."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from quorate.errors import Failed
from quorate.lab.hosts.engine import engine_settings, storage_driver
from quorate.lab.hosts.registry import Registry, busybox_rootfs, push_test_image

HANGS_ONCE = """#!/bin/sh
[ -e /var/lib/hung ] || { touch /var/lib/hung; exec sleep 1000; }
exec dockerd "$@"
"""
FAILS_ONCE = """#!/bin/sh
[ -e /var/lib/failed ] || { touch /var/lib/failed; echo no luck; exit 1; }
exec dockerd "$@"
"""


@pytest.mark.parametrize(
    ("script", "said"),
    [(HANGS_ONCE, "did not answer in 8 s"), (FAILS_ONCE, "the engine ended with 1")],
    ids=["hangs", "ends"],
)
def test_an_engine_that_hangs_or_ends_at_its_first_start_is_started_again(ground, script, said):
    host, heard = ground.host(1), []
    host.power_on()
    (host.disk / "var/lib/engine").write_text(script)

    engine = ground.engine(host, command=("sh", "/var/lib/engine"), patience=8.0, say=heard.append)

    assert engine.starts == 2
    assert len(heard) == 1 and said in heard[0] and "ip-10-20-0-11" in heard[0]
    assert "sleep 1000" not in ground.inside(host, "ps ax")


def test_an_engine_that_is_killed_later_is_started_again(ground, eventually):
    host = ground.host(1)
    engine = ground.engine(host)

    ground.inside(host, "kill -9 $(cat /run/docker.pid)")

    eventually(lambda: engine.starts == 2 and engine.up.is_set())
    assert ground.docker(host, "info", "--format", "{{.Name}}") == "ip-10-20-0-11"


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "memory"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_an_engine_stores_its_layers_also_where_the_folder_is_in_memory(memory, new_ground):
    ground = new_ground(memory / "lab")
    driver = storage_driver(ground.names.hosts)
    host = ground.host(1)
    host.write_etc({"docker/daemon.json": engine_settings(f"/{ground.names.prefix}", driver)})

    ground.engine(host)

    assert ground.docker(host, "info", "--format", "{{.Driver}}") == driver


def test_storage_falls_back_where_an_overlay_cannot_be_mounted(tmp_path, monkeypatch):
    monkeypatch.setattr("quorate.lab.hosts.engine.attempt", lambda _: False)

    assert storage_driver(tmp_path / "hosts") == "vfs"
    assert list((tmp_path / "hosts").iterdir()) == []


def test_an_image_pushed_by_one_engine_runs_on_another(ground):
    one, other = ground.host(1, subnet=1), ground.host(2, subnet=2)
    registry = Registry(ground.names, ground.fabric)
    registry.start()
    try:
        for engine in [ground.started(host) for host in (one, other)]:
            assert engine.up.wait(60)
        name = push_test_image(f"unix://{one.socket}", "hello")

        words = ("run", "--rm", "--network", "none", name, "echo", "hello")
        assert ground.docker(other, *words) == "hello"
    finally:
        registry.stop()


def test_a_container_s_control_group_lies_below_its_lab_s(ground):
    host = ground.host(1)
    ground.engine(host)
    _load(host, "busybox:test")

    name = ground.docker(host, "run", "-d", "--network", "none", "busybox:test", "sleep", "100")

    found = [path for path in Path("/sys/fs/cgroup").rglob(name) if path.is_dir()]
    assert found
    assert all(f"/{ground.names.prefix}/" in str(path) for path in found)


def test_a_busybox_that_needs_libraries_is_refused_with_the_package_to_install(tmp_path):
    dynamic = tmp_path / "busybox"
    dynamic.write_bytes(b"\x7fELF...../lib64/ld-linux-x86-64.so.2.....")

    with pytest.raises(Failed, match="apt-get install busybox-static"):
        busybox_rootfs(dynamic)


def test_the_test_image_holds_busybox_and_its_names():
    with tarfile.open(fileobj=io.BytesIO(busybox_rootfs())) as archive:
        names = archive.getnames()

    assert {"bin/busybox", "bin/sh", "bin/httpd", "etc/passwd", "tmp"} <= set(names)
    assert "bin/wget" not in names


def _load(host, name: str) -> None:
    subprocess.run(
        ["docker", "-H", f"unix://{host.socket}", "import", "-", name],
        input=busybox_rootfs(),
        check=True,
        capture_output=True,
        timeout=60,
    )
