"""How fast a cluster heals, beside a plain swarm of the same engines; and what its steward costs.

One lab is hurt again and again, in turn with a swarm formed by hand, whose engines are hurt alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from new_leader import wait_for_leader
from pairs import Figure
from quorate.errors import QuorateError
from quorate.lab.hosts.inventory import HostState
from quorate.lab.lab import Lab
from quorate.swarm.engine import Engine
from quorate.swarm.snapshot import Node

BY_HAND = Path(__file__).with_name("by_hand.sh")
ROUNDS = 7
IDLE_SECONDS = 120
SETTLE_SECONDS = 30  # in which the last of what a start or an outage brings is done
PATIENCE = 240.0


def figures() -> list[Figure]:
    leaders: list[tuple[float, float]] = []
    replacements: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(prefix="qh-") as folder:
        lab = Lab(folder)
        try:
            lab.up()
            idle = _idle(lab)
            for _ in range(ROUNDS):
                made = json.loads(subprocess.run([BY_HAND, "--hurt"], check=True, capture_output=True).stdout)
                replacements.append((_replacement(lab), made["replaced"]))
                leaders.append((_new_leader(lab), made["leader"]))
        finally:
            lab.down()
    return [
        Figure("the leader's zone down -> a new leader / the same by hand", *zip(*leaders, strict=True), 1.1),
        Figure(
            "a manager terminated -> its replacement promoted / by hand", *zip(*replacements, strict=True), 2
        ),
        idle,
    ]


def _new_leader(lab: Lab) -> float:
    """Seconds; the zone has power again and all is whole on return."""
    leader = _leader(lab)
    zone = leader.zone
    lost = {host.address for host in lab.hosts() if host.zone == zone}
    engines = [str(host.docker_host) for host in _managers(lab) if host.zone != zone]
    start = time.perf_counter()
    lab.switches.zone_down(zone)
    wait_for_leader(engines, lost)
    seconds = time.perf_counter() - start
    lab.switches.zone_up(zone)
    lab.wait_healthy(PATIENCE)
    return seconds


def _replacement(lab: Lab) -> float:
    """Seconds from the end of a follower's instance to its successor's reachability."""
    leader = _leader(lab)
    engine = Engine(str(leader.docker_host))
    victim = next(host for host in _managers(lab) if host.instance_id != leader.instance_id)
    slot = next(n.labels["quorate.slot"] for n in engine.nodes() if n.address == victim.address)
    start = time.perf_counter()
    lab.aws.client("ec2").terminate_instances(InstanceIds=[victim.instance_id])

    def promoted(node: Node) -> bool:
        mine = node.labels.get("quorate.slot") == slot and node.instance != victim.instance_id
        return mine and node.reachable

    _until(lambda: any(map(promoted, engine.nodes())))
    seconds = time.perf_counter() - start
    lab.wait_healthy(PATIENCE)
    return seconds


def _idle(lab: Lab) -> Figure:
    """CPU time of the leader's steward beside the time that passes; its AWS calls are in the name."""
    time.sleep(SETTLE_SECONDS)
    leader = _leader(lab)
    before, calls = _cpu_seconds(leader), _calls(lab, leader)
    start = time.perf_counter()
    time.sleep(IDLE_SECONDS)
    used, passed = _cpu_seconds(leader) - before, time.perf_counter() - start
    minute = 60 * (_calls(lab, leader) - calls) / passed
    name = f"CPU of the steward on an idle leader / one core; it makes {minute:.0f} AWS calls a minute"
    return Figure(name, (used,), (passed,), 0.01)


def _cpu_seconds(host: HostState) -> float:
    """User and system time so far of the host's steward (proc(5), /proc/pid/stat, fields 14 and 15)."""
    assert host.pid is not None
    children = Path(f"/proc/{host.pid}/task/{host.pid}/children").read_text().split()
    home = Path(f"/proc/{children[0]}/ns/pid").readlink()
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            inside = (folder / "ns/pid").readlink() == home
            if inside and b"quorate.agent.steward" in (folder / "cmdline").read_bytes():
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            continue
    assert ticks, f"no steward runs on {host.name}"
    return ticks / os.sysconf("SC_CLK_TCK")


def _calls(lab: Lab, host: HostState) -> int:
    with urllib.request.urlopen(f"{lab.endpoint}/quorate-lab/calls", timeout=10) as answer:
        counted = json.loads(answer.read())["calls"]
    return sum(one["count"] for one in counted if one["principal"].endswith(f"/{host.instance_id}"))


def _managers(lab: Lab) -> list[HostState]:
    return [host for host in lab.hosts() if host.role == "manager" and host.docker_host is not None]


def _leader(lab: Lab) -> HostState:
    managers = _managers(lab)
    address = wait_for_leader([str(host.docker_host) for host in managers], set())
    return next(host for host in managers if host.address == address)


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if done():
                return
        except QuorateError as error:
            print(error, file=sys.stderr)
        time.sleep(0.05)
    raise AssertionError(f"not done after {PATIENCE:.0f} s")
