"""A cluster of VMs for the image benchmarks: the lab's AWS, the Pulumi program, the built disks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quorate.components.documents import LAUNCH_HOOK
from quorate.errors import Failed
from quorate.lab.cloud import Cloud
from quorate.lab.engine import Run
from quorate.lab.hosts.names import Names
from quorate.lab.truth import Aws
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
    """So many managers are laid out; only the first VM is switched on and stays so."""
    disk = Places().disk("manager")
    accelerator = os.environ.get("QUORATE_VM_ACCELERATOR", "tcg")
    boot = Boot(disk.image, disk.kernel, disk.initrd, processors=2, accelerator=accelerator)
    with Cloud() as cloud, Fleet(Names.of(folder), cloud, lambda _: boot) as fleet:
        config = {"quorate:managers": str(count), "quorate:workers": "[]"}
        state = folder / "state.json"
        Run(REPOSITORY, "lab", config, state_path=state, endpoint=cloud.endpoint, nonce=cloud.nonce).up()
        wait_for(lambda: len(fleet.vms()) == count, "VMs")
        for vm in list(fleet.vms().values())[1:]:
            vm.machine.power_off()
            _say_ready(cloud, vm)
        try:
            yield Site(cloud, fleet)
        except BaseException:
            fleet.save_logs(Places().top / "vm-logs")
            raise


def _say_ready(cloud: Cloud, vm: Vm) -> None:
    """For one that is off: its group would give it up and boot another beside what is measured."""
    Aws(cloud.endpoint).client("autoscaling").complete_lifecycle_action(
        LifecycleHookName=LAUNCH_HOOK,
        AutoScalingGroupName=vm.view.group,
        InstanceId=vm.view.id,
        LifecycleActionResult="CONTINUE",
    )


def founder_and_other(site: Site) -> tuple[Vm, Vm]:
    """The founder, whose steward is kept from promoting anybody, and one that is off; the swarm is there."""
    first, second, *_ = site.fleet.vms().values()
    shell = first.machine.console

    def founded() -> bool:
        try:
            return shell.attempt("docker node ls -q", 300)[0] == 0
        except Failed:  # it has no shell yet
            return False

    wait_for(founded, "a swarm")
    # the other one begins anew, its disk thrown away, again and again: never as a member whose vote counts
    shell.run("systemctl mask --runtime --now quorate-steward", 300)
    return first, second


def wait_for(done: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := done()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(1)
    return answer
