"""Boot to Ready, in the guest's own time, of a node that joins by itself and of one told how to.

Both are the same disk on the same VM, switched on in turn. The bare one runs `docker swarm join` with token
and address written down beforehand, after docker.service: it asks nobody for anything.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import image_site
from pairs import HEAD, Figure
from quorate.lab.vms.fleet import LAB_FILES, Vm
from quorate.lab.vms.machine import Machine
from quorate.lab.vms.traffic import AWS, Flow, strangers

ROUNDS = 3
BOUND = 1.15
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


def seconds_of(rows: Sequence[Seconds], stage: str) -> tuple[float, ...]:
    return tuple(getattr(row, stage) for row in rows)


def at(microseconds: str) -> float:
    return int(microseconds.strip()) / 1e6


def bytes_of(flows: Mapping[Flow, int], founder: Vm) -> tuple[int, int, int]:
    """What AWS and metadata service, the swarm and the network's own, and anybody else had part in."""
    others = strangers(flows, {founder.plug.address})
    for flow, count in others.items():
        print(f"not AWS, not the swarm: {flow}, {count} bytes")
    aws = sum(count for flow, count in flows.items() if flow.peer in AWS)
    foreign = sum(others.values())
    return aws, sum(flows.values()) - aws - foreign, foreign


def main() -> None:
    """Prints a row for each stage and one of bytes."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        site = stack.enter_context(image_site.managers(folder, 3))
        first, second = image_site.founder_and_other(site)
        shell = first.machine.console
        token = shell.run("docker swarm join-token -q worker").strip()
        orders = {
            "own": (LAB_FILES, "quorate-join.service"),
            "bare": ({**LAB_FILES, **bare_files(token, first.plug.address)}, "bare-join.service"),
        }

        def boot(who: str) -> Seconds:
            files, unit = orders[who]
            second.machine.power_off()
            (second.machine.folder / "disk.qcow2").unlink(missing_ok=True)
            site.fleet.reboot(second, files=files)
            row = measure(second.machine, unit)
            print(f"{who:<5}", *(f"{stage} {getattr(row, stage):.1f} s " for stage in STAGES), flush=True)
            return row

        boot("own")  # not counted: the first boot fills this machine's caches for the others
        rows: list[tuple[Seconds, Seconds]] = []
        counted: list[tuple[int, int, int]] = []
        for number in range(ROUNDS):
            pair: dict[str, Seconds] = {}
            for who in ("own", "bare") if number % 2 else ("bare", "own"):
                before = Counter(second.traffic.flows())
                pair[who] = boot(who)
                if who == "own":
                    counted.append(bytes_of(second.traffic.flows() - before, first))
            rows.append((pair["own"], pair["bare"]))
        if second.traffic.missed:
            raise RuntimeError(f"{second.traffic.missed} frames went by uncounted")
    ours, theirs = zip(*rows, strict=True)
    figures = [Figure(stage, seconds_of(ours, stage), seconds_of(theirs, stage), BOUND) for stage in STAGES]
    print(HEAD, *(figure.row() for figure in figures), sep="\n")
    aws, own, others = (max(kind) for kind in zip(*counted, strict=True))
    print(f"bytes     AWS and metadata {aws}, the swarm and the network's own {own}, anybody else {others}")


if __name__ == "__main__":
    main()
