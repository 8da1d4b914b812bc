"""Three managers as VMs from the built disk, laid out by the Pulumi program on the lab's AWS."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from quorate.errors import Failed
from quorate.lab.cloud import Cloud
from quorate.lab.cloud.metadata import MetadataService
from quorate.lab.cloud.views import InstanceView
from quorate.lab.engine import Run
from quorate.lab.hosts.names import Names
from quorate.lab.truth import Aws
from quorate.lab.vms.fleet import Fleet, Vm
from quorate.lab.vms.machine import Boot
from quorate.lab.vms.traffic import Flow
from quorate.operations.image.places import REPOSITORY, Places

CONFIG = {
    "quorate:managers": "3",
    "quorate:survive": "zone",
    "quorate:managersSchedulable": "true",
    "quorate:workers": "[]",
}
PATIENCE = float(os.environ.get("QUORATE_VM_PATIENCE", "1500"))
"""Seconds for a VM to come up without KVM on a busy machine; nothing is measured by it."""


@dataclass(frozen=True)
class Cable:
    """What had gone through a VM's cable when the swarm was whole, and how many frames were missed."""

    address: str
    flows: Counter[Flow]
    missed: int


@dataclass(frozen=True)
class Site:
    """The cloud, its VMs, and what the program made."""

    cloud: Cloud
    fleet: Fleet
    run: Run
    first: list[Cable] = field(default_factory=list)
    """Of each that formed the swarm."""

    def client(self, service: str) -> Any:
        return Aws(self.cloud.endpoint).client(service)

    def managers(self) -> list[Vm]:
        return [vm for vm in self.fleet.vms().values() if vm.machine.is_on]

    def claim(self) -> dict[str, Any]:
        """The table's claim as it is."""
        return self.client("dynamodb").get_item(TableName="quorate-lab", Key={"id": {"S": "claim"}})["Item"]


def wait_for(done: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        answer = done()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(2)


BOOTS: dict[str, Boot] = {}
"""What instances of a group that is not the cluster's boot, by the group's name."""


def image_of(view: InstanceView) -> Boot:
    if view.group in BOOTS:
        return BOOTS[view.group]
    disk = Places().disk("manager" if "manager" in (view.role_name or "") else "worker")
    if not disk.image.exists():
        pytest.fail(f"{disk.image} is not there. Build it: make image")
    accelerator = os.environ.get("QUORATE_VM_ACCELERATOR", "tcg")
    return Boot(disk.image, disk.kernel, disk.initrd, accelerator=accelerator)


class Moody(MetadataService):
    """A metadata service that has a bad time when it is told to: `status` for every request, or no answer."""

    status: int | None = None
    silent = False

    def _converse(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        if not self.silent and self.status is None:
            super()._converse(connection, peer)
            return
        with connection, contextlib.suppress(OSError):
            if self.silent:
                time.sleep(10)
                return
            connection.recv(4096)
            connection.sendall(f"HTTP/1.1 {self.status} Bad Time\r\nContent-Length: 0\r\n\r\n".encode())


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if os.geteuid() != 0:
        pytest.fail("these tests make a network namespace and taps: run them as root")
    names = Names.of(tmp_path_factory.mktemp("vms"))
    with Cloud() as cloud, Fleet(names, cloud, image_of, Moody) as fleet:
        run = Run(
            REPOSITORY,
            "lab",
            CONFIG,
            state_path=names.directory / "state.json",
            endpoint=cloud.endpoint,
            nonce=cloud.nonce,
        )
        run.up()
        yield Site(cloud, fleet, run)
        fleet.save_logs(Places().top / "vm-logs")


def nodes(vm: Vm) -> dict[str, dict[str, str]]:
    """The swarm's nodes by address as this VM's engine lists them; nothing when it does not answer."""
    template = "{{.Status.Addr}} {{.ID}} {{.Status.State}} {{.Spec.Availability}} {{.Spec.Role}}"
    manager = "{{with .ManagerStatus}} {{.Reachability}} {{.Leader}}{{end}}"
    command = f"ids=$(docker node ls -q) && docker node inspect $ids --format '{template}{manager}'"
    try:
        code, text = vm.machine.console.attempt(command, timeout=300)
    except Failed:  # it has no shell yet
        return {}
    if code != 0:
        return {}
    fields = ("address", "id", "state", "availability", "role", "reachability", "leader")
    rows = [dict(zip(fields, line.split(), strict=False)) for line in text.splitlines() if line.strip()]
    return {row["address"]: row for row in rows}


def whole(vm: Vm, members: int = 3) -> dict[str, dict[str, str]]:
    """These nodes once all of them are ready, active, reachable managers; nothing before."""
    seen = nodes(vm)
    fit = [
        row
        for row in seen.values()
        if row.get("reachability") == "reachable"
        and (row["state"], row["availability"]) == ("ready", "active")
    ]
    return seen if len(fit) == len(seen) == members else {}


@pytest.fixture(scope="session")
def swarm(site: Site) -> Site:
    """All three are members."""
    wait_for(lambda: len(site.managers()) == 3, "three VMs switched on", 120)
    founder = wait_for(lambda: next((vm for vm in site.managers() if nodes(vm)), None), "a swarm")
    # three VMs without KVM may get no processor for seconds; a node is not down because of that
    slower = "docker swarm update --dispatcher-heartbeat 60s"
    wait_for(lambda: founder.machine.console.attempt(slower, 300)[0] == 0, "a patient swarm")
    wait_for(lambda: whole(founder), "a swarm of three managers")
    cables = ((vm.plug.address, vm.traffic) for vm in site.managers())
    site.first.extend(Cable(address, traffic.flows(), traffic.missed) for address, traffic in cables)
    return site
