"""A cluster of VMs for the image benchmarks: the lab's AWS, the Pulumi program, the built disks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quorate.lab.cloud import Cloud
from quorate.lab.engine import Run
from quorate.lab.hosts.names import Names
from quorate.lab.vms.fleet import Fleet, Vm
from quorate.lab.vms.machine import Boot
from quorate.operations.image.places import REPOSITORY, Places

PATIENCE = 1500.0


@dataclass(frozen=True)
class Site:
    """The cloud and its VMs."""

    cloud: Cloud
    fleet: Fleet


@contextmanager
def managers(folder: Path, count: int) -> Iterator[Site]:
    """So many managers are laid out; only the first two VMs are switched on and stay so."""
    disk = Places().disk("manager")
    boot = Boot(disk.image, disk.kernel, disk.initrd, processors=2)
    with Cloud() as cloud, Fleet(Names.of(folder), cloud, lambda _: boot) as fleet:
        config = {"quorate:managers": str(count), "quorate:workers": "[]"}
        state = folder / "state.json"
        Run(REPOSITORY, "lab", config, state_path=state, endpoint=cloud.endpoint, nonce=cloud.nonce).up()
        wait_for(lambda: len(fleet.vms()) == count, "VMs")
        for vm in list(fleet.vms().values())[2:]:
            vm.machine.power_off()
        yield Site(cloud, fleet)


def founder_and_other(site: Site) -> tuple[Vm, Vm]:
    """Which of the two founded the swarm, once it has."""
    on = [vm for vm in site.fleet.vms().values() if vm.machine.is_on]

    def founder() -> Vm | None:
        for vm in on:
            if vm.machine.console.attempt("docker node ls -q")[0] == 0:
                return vm
        return None

    first: Vm = wait_for(founder, "a swarm")
    return first, next(vm for vm in on if vm is not first)


def wait_for(done: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := done()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(1)
    return answer
