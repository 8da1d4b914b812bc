"""Boot to Ready, in the guest's own time, of a node that joins by itself and of one told how to.

Both are the same disk on the same VM, switched on in turn. The bare one runs `docker swarm join` with token
and address written down beforehand, after docker.service: it asks nobody for anything.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import image_site
from quorate.lab.vms.fleet import LAB_FILES
from quorate.lab.vms.machine import Machine

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
    image_site.wait_for(lambda: shell.attempt(f"systemctl is-active {unit}")[0] == 0, unit)
    kernel = at(shell.run("systemctl show -p UserspaceTimestampMonotonic --value"))

    def since(name: str) -> float:
        return at(shell.run(f"systemctl show -p ActiveEnterTimestampMonotonic --value {name}"))

    return Seconds(kernel, since("network-online.target"), since("docker.service"), since(unit))


def at(microseconds: str) -> float:
    return int(microseconds.strip()) / 1e6


def main() -> dict[str, float]:
    """Prints a row for each stage; returns the medians and their ratio."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        site = stack.enter_context(image_site.managers(folder, 3))
        first, second = image_site.founder_and_other(site)
        shell = first.machine.console
        token = shell.run("docker swarm join-token -q worker").strip()
        own, bare = [], []
        for _ in range(ROUNDS):
            for files, unit, rows in (
                (LAB_FILES, "quorate-join.service", own),
                ({**LAB_FILES, **bare_files(token, first.plug.address)}, "bare-join.service", bare),
            ):
                second.machine.power_off()
                (second.machine.folder / "disk.qcow2").unlink()
                site.fleet.reboot(second, files=files)
                rows.append(measure(second.machine, unit))
    medians = {
        f"{who} {stage}": statistics.median(getattr(row, stage) for row in rows)
        for who, rows in (("own", own), ("bare", bare))
        for stage in STAGES
    }
    for stage in STAGES:
        ours, theirs = medians[f"own {stage}"], medians[f"bare {stage}"]
        print(f"{stage:<10}{ours:7.1f} s  bare join {theirs:7.1f} s  ratio {ours / theirs:.2f}")
    return medians | {"ratio": medians["own ready"] / medians["bare ready"]}


if __name__ == "__main__":
    print(f"boot to Ready against a bare join: {main()['ratio']:.2f} (at most 1.15)")
