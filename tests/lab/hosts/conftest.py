"""Real namespaces and engines, in a folder of each test's own; nothing is left behind, whatever happens."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from quorate.lab.hosts import namespaces
from quorate.lab.hosts.engine import Engine, engine_settings
from quorate.lab.hosts.fabric import Fabric, Plug
from quorate.lab.hosts.host import Host, HostSpec
from quorate.lab.hosts.machine import check_machine
from quorate.lab.hosts.names import Names
from quorate.lab.hosts.sweep import sweep

PATIENCE = 60.0


def eventually(what: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Waits until `what()` is true; fails with its last value."""
    deadline = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < deadline, f"still {value!r} after {seconds} s"
        time.sleep(0.05)


def found_by_others(names: Names) -> dict[str, list[str]]:
    """What carries the lab's id, asked of other programs than the lab's own search."""

    def lines(script: str) -> list[str]:
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
        return done.stdout.split("\n")[:-1]

    return {
        "namespaces": lines(f"ip netns list | grep '^{names.prefix}'"),
        "mounts": lines(f"grep -e ' {names.directory}/' -e /{names.prefix}- /proc/mounts"),
        "cgroups": lines(f"find /sys/fs/cgroup -name '{names.prefix}'"),
        "processes": lines(f"grep -lsa QUORATE_LAB_ID={names.lab_id} /proc/[0-9]*/environ"),
        "interfaces": lines("ip -o link | grep -e ': s-' -e ': h-'"),
    }


class Ground:
    """A fabric, and hosts with engines on it, made by hand."""

    def __init__(self, folder: Path) -> None:
        self.names = Names.of(folder)
        self.fabric = Fabric(self.names)
        self.off = threading.Event()
        self._hosts: list[Host] = []
        self._threads: list[threading.Thread] = []
        self.fabric.create()

    def host(self, number: int, subnet: int = 0) -> Host:
        plug = Plug(
            instance_id=f"i-{number:017x}",
            subnet_id=f"subnet-{subnet:017x}",
            subnet=IPv4Network(f"10.20.{subnet}.0/24"),
            address=f"10.20.{subnet}.{number + 10}",
            mac=f"02:00:00:00:00:{number:02x}",
        )
        host = Host(self.names, self.fabric, HostSpec(plug, "manager", f"use1-az{subnet}"))
        settings = engine_settings(self.names.cgroup(plug.instance_id), "overlay2")
        host.write_etc({"docker/daemon.json": settings})
        self._hosts.append(host)
        return host

    def engine(self, host: Host, **options: object) -> Engine:
        """Power on, and an engine that has answered."""
        engine = self.started(host, **options)
        assert engine.up.wait(PATIENCE), (host.log / "engine.log").read_text()[-2000:]
        return engine

    def started(self, host: Host, **options: object) -> Engine:
        if not host.is_on:
            host.power_on()
        engine = Engine(host, **options)  # type: ignore[arg-type]
        thread = threading.Thread(target=engine.run, args=(self.off,), daemon=True)
        thread.start()
        self._threads.append(thread)
        return engine

    def docker(self, host: Host, *words: str) -> str:
        """The plain docker CLI at the host's engine, from outside."""
        done = subprocess.run(
            ["docker", "-H", f"unix://{host.socket}", *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def inside(self, host: Host, script: str) -> str:
        """The output of a shell inside the host."""
        argv = namespaces.enter(host.pid, ["sh", "-c", script])
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout

    def close(self) -> None:
        self.off.set()
        try:
            for host in self._hosts:
                host.remove()
        finally:
            sweep(self.names)
            for thread in self._threads:
                thread.join(timeout=10)


@pytest.fixture(scope="session", autouse=True)
def _machine() -> None:
    check_machine()


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., None]:
    return eventually


@pytest.fixture
def left_behind() -> Callable[[Names], list[str]]:
    """Everything on the machine that carries a lab's id, as other programs tell it."""
    return lambda names: [
        f"{kind}: {line}" for kind, lines in found_by_others(names).items() for line in lines
    ]


@pytest.fixture
def new_ground() -> Iterator[Callable[[Path], Ground]]:
    """Makes a fabric in a folder; whatever was made is gone at the end."""
    made: list[Ground] = []

    def make(folder: Path) -> Ground:
        made.append(Ground(folder))
        return made[-1]

    try:
        yield make
    finally:
        for ground in made:
            ground.close()
    for ground in made:
        assert not any(found_by_others(ground.names).values()), found_by_others(ground.names)


@pytest.fixture
def ground(new_ground: Callable[[Path], Ground], tmp_path: Path) -> Ground:
    return new_ground(tmp_path / "lab")
