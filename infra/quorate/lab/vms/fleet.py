"""VMs that follow the cloud: one for every running instance, gone when the instance is."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path

from quorate.lab.cloud import Cloud
from quorate.lab.cloud.metadata import MetadataService
from quorate.lab.cloud.views import InstanceView
from quorate.lab.hosts.fabric import AWS_ADDRESS, Plug
from quorate.lab.hosts.names import Names
from quorate.lab.vms.machine import Boot, Machine
from quorate.lab.vms.network import VmFabric, folder_of
from quorate.lab.vms.traffic import Traffic

AWS_PORT = 4615
ENVIRONMENT = f"[Service]\nEnvironment=AWS_ENDPOINT_URL=http://{AWS_ADDRESS}:{AWS_PORT}\n"
LAB_FILES = {
    f"systemd/system/{unit}.service.d/lab.conf": ENVIRONMENT for unit in ("quorate-join", "quorate-steward")
}
"""Below /run: where AWS is, which on AWS nobody has to say."""


@dataclass(frozen=True)
class Vm:
    """One instance that is a VM."""

    view: InstanceView
    plug: Plug
    machine: Machine
    metadata: MetadataService
    traffic: Traffic


class Fleet:
    """Boots what the cloud launches; a context manager.

    `image_for` says which image an instance boots, `metadata_for` makes its metadata service.
    """

    def __init__(
        self,
        names: Names,
        cloud: Cloud,
        image_for: Callable[[InstanceView], Boot],
        metadata_for: Callable[[socket.socket, Cloud, str], MetadataService] = MetadataService,
    ) -> None:
        self.names = names
        self.cloud = cloud
        self.fabric = VmFabric(names)
        self._image_for = image_for
        self._metadata_for = metadata_for
        self._vms: dict[str, Vm] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="fleet", daemon=True)

    def __enter__(self) -> Fleet:
        self.names.directory.mkdir(parents=True, exist_ok=True)
        self.fabric.create()
        with self.fabric.listen(AWS_ADDRESS, AWS_PORT) as aws:
            self.cloud.serve(aws)
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._thread.join()
        for vm in self.vms().values():
            self._end(vm)
        self.fabric.remove()

    def vms(self) -> Mapping[str, Vm]:
        """By instance id; those that are switched off too, as long as the instance is there."""
        with self._lock:
            return dict(self._vms)

    def reboot(self, vm: Vm, **changes: object) -> None:
        """Power off and on again, on the same disk; `changes` are of its Boot."""
        vm.machine.power_off()
        vm.machine.boot = replace(vm.machine.boot, **changes)  # type: ignore[arg-type]
        vm.machine.power_on()

    def _follow(self) -> None:
        seen = -1
        while not self._over.is_set():
            for view in self.cloud.instances():
                self._meet(view)
            gone = set(self.vms()) - {
                view.id for view in self.cloud.instances() if view.state != "terminated"
            }
            for instance in gone:
                self._end(self.vms()[instance])
            seen = self.cloud.wait_for_change(seen, timeout=1.0)

    def _meet(self, view: InstanceView) -> None:
        if not view.running or not view.private_ip or not view.mac or view.id in self.vms():
            return
        subnet = IPv4Network(view.subnet_cidr)
        plug = Plug(view.id, view.subnet_id, subnet, view.private_ip, view.mac)
        with self.fabric.plug_in_vm(plug) as listener:
            metadata = self._metadata_for(listener, self.cloud, view.id)
        metadata.start()
        traffic = Traffic(self.fabric.netns, plug)
        boot = self._image_for(view)
        boot = replace(boot, files={**LAB_FILES, **boot.files})
        enter = self.fabric.inside_argv([])
        machine = Machine(folder_of(self.names, view.id), boot, enter, plug.cable, plug.mac)
        machine.power_on()
        with self._lock:
            self._vms[view.id] = Vm(view, plug, machine, metadata, traffic)

    def _end(self, vm: Vm) -> None:
        """Its console log stays, its disk does not."""
        vm.machine.power_off()
        vm.metadata.close()
        vm.traffic.close()
        self.fabric.unplug_vm(vm.plug)
        for leftover in ("disk.qcow2", "initrd"):
            (vm.machine.folder / leftover).unlink(missing_ok=True)
        with self._lock:
            self._vms.pop(vm.view.id, None)

    def save_logs(self, folder: Path) -> None:
        """What every VM said on its console, those that are gone too, as `folder`/<VM>.log."""
        folder.mkdir(parents=True, exist_ok=True)
        for log in self.names.directory.glob("vms/*/console.log"):
            shutil.copy(log, folder / f"{log.parent.name}.log")
