"""Boot to Ready, in the guest's own time, of a node that joins by itself and of one told how to.

Both are the same disk on the same VM, switched on in turn. The bare one runs `docker swarm join` with token
and address written down beforehand, after docker.service: it asks nobody for anything.
"""

from __future__ import annotations

import statistics
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import image_site
from quorate.lab.vms.fleet import LAB_FILES, Vm
from quorate.lab.vms.machine import Machine
from quorate.lab.vms.traffic import AWS, Flow, strangers

ROUNDS = 3
STAGES = ("kernel", "network", "engine", "ready")
BARE = """[Unit]
After=docker.service network-online.target
Wants=docker.service network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/docker swarm join --token {token} {address}:2377
"""


@dataclass(frozen=True)
class Seconds:
    """Since the kernel's first instruction: when it handed over, and when each stage was there."""

    kernel: float
    network: float
    engine: float
    ready: float


def bare_files(token: str, address: str) -> Mapping[str, str]:
    """Below /run: join is out of the way, a bare one in its place."""
    return {
        "systemd/system/bare-join.service": BARE.format(token=token, address=address),
        "systemd/system/multi-user.target.d/bare.conf": "[Unit]\nWants=bare-join.service\n",
        "systemd/system/quorate-join.service.d/bare.conf": "[Unit]\nConditionPathExists=/nonexistent\n",
    }


def measure(machine: Machine, unit: str) -> Seconds:
    """Waits until the unit is done and reads systemd's own clock."""
    shell = machine.console
    image_site.wait_for(lambda: shell.attempt(f"systemctl is-active {unit}", 600)[0] == 0, unit)
    kernel = at(shell.run("systemctl show -p UserspaceTimestampMonotonic --value"))

    def since(name: str) -> float:
        return at(shell.run(f"systemctl show -p ActiveEnterTimestampMonotonic --value {name}"))

    return Seconds(kernel, since("network-online.target"), since("docker.service"), since(unit))


def at(microseconds: str) -> float:
    return int(microseconds.strip()) / 1e6


def bytes_of(flows: Mapping[Flow, int], founder: Vm) -> tuple[int, int, int]:
    """What AWS and metadata service, the swarm and the network's own, and anybody else had part in."""
    others = sum(strangers(flows, {founder.plug.address}).values())
    aws = sum(count for flow, count in flows.items() if flow.peer in AWS)
    return aws, sum(flows.values()) - aws - others, others


def main() -> dict[str, float]:
    """Prints a row for each stage and one of bytes; returns the medians, their ratio and foreign bytes."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        site = stack.enter_context(image_site.managers(folder, 3))
        first, second = image_site.founder_and_other(site)
        shell = first.machine.console
        token = shell.run("docker swarm join-token -q worker").strip()
        rows: dict[str, list[Seconds]] = {"own": [], "bare": []}
        counted: list[tuple[int, int, int]] = []
        orders = {
            "own": (LAB_FILES, "quorate-join.service"),
            "bare": ({**LAB_FILES, **bare_files(token, first.plug.address)}, "bare-join.service"),
        }
        for _ in range(ROUNDS):
            for who, (files, unit) in orders.items():
                second.machine.power_off()
                (second.machine.folder / "disk.qcow2").unlink(missing_ok=True)
                before = Counter(second.traffic.flows())
                site.fleet.reboot(second, files=files)
                rows[who].append(measure(second.machine, unit))
                print(f"{who:<5}", *(f"{stage} {getattr(rows[who][-1], stage):.1f} s " for stage in STAGES))
                if who == "own":
                    counted.append(bytes_of(second.traffic.flows() - before, first))
        if second.traffic.missed:
            raise RuntimeError(f"{second.traffic.missed} frames went by uncounted")
    medians = {
        f"{who} {stage}": statistics.median(getattr(row, stage) for row in rows[who])
        for who in rows
        for stage in STAGES
    }
    for stage in STAGES:
        ours, theirs = medians[f"own {stage}"], medians[f"bare {stage}"]
        print(f"{stage:<10}{ours:7.1f} s  bare join {theirs:7.1f} s  ratio {ours / theirs:.2f}")
    aws, own, others = (max(kind) for kind in zip(*counted, strict=True))
    print(f"bytes     AWS and metadata {aws}, the swarm and the network's own {own}, anybody else {others}")
    return medians | {"ratio": medians["own ready"] / medians["bare ready"], "fetched": float(others)}


if __name__ == "__main__":
    print(f"boot to Ready against a bare join: {main()['ratio']:.2f} (at most 1.15)")
