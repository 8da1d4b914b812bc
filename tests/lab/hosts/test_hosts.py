"""Hosts made by hand: their network, their disks, power cuts and reboots, with real engines."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from quorate.errors import Failed
from quorate.lab.hosts import namespaces
from quorate.lab.hosts.host import Host


def test_hosts_in_different_subnets_form_a_swarm_over_the_fabric(ground, eventually):
    first, second = ground.host(1, subnet=1), ground.host(2, subnet=2)
    for engine in [ground.started(host) for host in (first, second)]:
        assert engine.up.wait(60)

    ground.docker(first, "swarm", "init", "--advertise-addr", "10.20.1.11")
    token = ground.docker(first, "swarm", "join-token", "-q", "worker")
    ground.docker(second, "swarm", "join", "--token", token, "10.20.1.11:2377")

    rows = ground.docker(first, "node", "ls", "--format", "{{.Hostname}} {{.Status}}").splitlines()
    assert sorted(rows) == ["ip-10-20-1-11 Ready", "ip-10-20-2-12 Ready"]


def test_a_subnets_router_keeps_its_hardware_address_while_hosts_come_and_go(ground):
    """Else neighbours send to an address that nobody has any more, for as long as they remember it."""
    hosts = [ground.host(number, subnet=1) for number in range(1, 6)]

    def router() -> str:
        bridge = hosts[0].spec.plug.bridge
        words = ("ip", "-n", ground.fabric.netns, "-o", "link", "show", bridge)
        line = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        return line.partition("link/ether ")[2].split()[0]

    seen = []
    for host in hosts:
        host.power_on()
        seen.append(router())
    for host in hosts[:-1]:
        host.power_off()
        seen.append(router())
    assert len(seen) == 9 and len(set(seen)) == 1


def test_a_power_cut_is_silent_and_a_reboot_keeps_the_disk_and_nothing_of_run(ground, eventually):
    # given a swarm's only manager, with something written to its disk and to /run
    host, neighbour = ground.host(1, subnet=1), ground.host(2, subnet=1)
    neighbour.power_on()
    ground.engine(host)
    ground.docker(host, "swarm", "init", "--advertise-addr", "10.20.1.11")
    ground.inside(host, "echo kept > /var/lib/kept; echo lost > /run/lost")
    processes = _processes_in(host.netns)
    with _connection(neighbour, "10.20.1.11", 2377) as open_connection:
        # when its power is cut
        host.power_off()

        # then no process of it lives, and whoever spoke with it hears nothing, not even a farewell
        assert processes and not [pid for pid in processes if _alive(pid)]
        open_connection.settimeout(1.0)
        with pytest.raises(TimeoutError):
            open_connection.recv(1)

    # and when it is started again, it is the manager that it was, with an empty /run
    ground.engine(host)
    eventually(lambda: "Leader" in ground.docker(host, "node", "ls"))
    assert ground.inside(host, "cat /var/lib/kept; ls /run/lost 2>/dev/null || true") == "kept\n"


def test_a_host_has_its_own_paths_and_sees_no_disk_of_another(ground):
    one, other = ground.host(1), ground.host(2)
    one.power_on()
    other.power_on()

    ground.inside(one, "echo one > /etc/quorate/environment; mkdir /opt/quorate; echo one > /tmp/mine")

    assert ground.inside(one, "hostname; cat /etc/hostname") == "ip-10-20-0-11\nip-10-20-0-11\n"
    for theirs in ("/etc/quorate/environment", "/opt/quorate", "/tmp/mine"):
        assert ground.inside(other, f"ls -d {theirs} 2>/dev/null || true") == ""
    assert not Path("/opt/quorate").exists()
    assert ground.inside(one, f"ls {ground.names.directory} 2>/dev/null || true") == ""
    assert int(ground.inside(one, "ls /proc | grep -c '^[0-9]'")) < 10


def test_an_engine_behind_a_deep_folder_can_still_be_reached_from_outside(new_ground, tmp_path):
    # given a folder whose sockets' paths no unix socket address can hold
    ground = new_ground(tmp_path / ("deep-" * 12) / ("deeper-" * 12))
    host = ground.host(1)
    assert len(os.fsencode(host.run / "docker.sock")) > 108

    ground.engine(host)

    assert ground.docker(host, "info", "--format", "{{.Name}}") == "ip-10-20-0-11"


def test_a_host_that_is_off_says_so(ground):
    host = ground.host(1)

    with pytest.raises(Failed, match="host ip-10-20-0-11 is switched off"):
        host.start(["true"], subprocess.DEVNULL)


def test_a_mount_of_another_lab_that_ends_while_a_host_is_switched_on_is_no_failure(ground, monkeypatch):
    host = ground.host(1)
    listed = namespaces.mount_points()
    ended = f"/run/netns/{ground.names.prefix}-ended"
    monkeypatch.setattr(namespaces, "mount_points", lambda: [*listed, ended])
    host.power_on()
    assert ground.inside(host, "hostname").strip() == "ip-10-20-0-11"


def test_removal_takes_the_disk_and_keeps_the_logs(ground):
    host = ground.host(1)
    ground.engine(host)
    assert Path(f"/run/netns/{host.netns}").exists()

    host.remove()

    assert not host.folder.exists()
    assert (
        "Daemon has completed initialization"
        in (ground.names.logs / host.spec.instance_id / "engine.log").read_text()
    )
    assert not Path(f"/run/netns/{host.netns}").exists()


def test_the_bridge_of_a_subnet_goes_with_its_last_host(ground):
    hosts = [ground.host(1, subnet=1), ground.host(2, subnet=1)]
    for host in hosts:
        host.power_on()

    def bridges() -> list[str]:
        argv = ["ip", "-n", ground.fabric.netns, "-o", "link", "show", "type", "bridge"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()

    assert len(bridges()) == 1
    hosts[0].remove()
    assert len(bridges()) == 1
    hosts[1].remove()
    assert bridges() == []


def _connection(host: Host, address: str, port: int) -> socket.socket:
    """A TCP connection opened inside a host."""
    return namespaces.inside(host.netns, lambda: socket.create_connection((address, port), timeout=10))


def _processes_in(netns: str) -> list[int]:
    done = subprocess.run(["ip", "netns", "pids", netns], capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
