"""The hosts of a lab follow the cloud's instances: launched, stopped, terminated; each in its own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from typing import Any, Protocol

from quorate.errors import Failed, QuorateError
from quorate.lab.hosts.engine import engine_settings
from quorate.lab.hosts.fabric import Fabric, Plug
from quorate.lab.hosts.host import Host, HostSpec
from quorate.lab.hosts.names import Names
from quorate.lab.hosts.units import Boot, MetadataService, role_in

POWERED = frozenset({"pending", "running"})
KEPT = frozenset({"stopping", "stopped"})
"""EC2's states in which an instance has a disk and no power."""

MANAGER, WORKER = "manager", "worker"


class Instance(Protocol):
    """What a host needs to know of an EC2 instance (the cloud's InstanceView has it)."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def zone_id(self) -> str: ...
    @property
    def subnet_id(self) -> str: ...
    @property
    def subnet_cidr(self) -> str: ...
    @property
    def private_ip(self) -> str | None: ...
    @property
    def mac(self) -> str | None: ...
    @property
    def user_data(self) -> str: ...


@dataclass(frozen=True)
class HostState:
    """One host at one moment; `docker_host` is None while it has no power."""

    name: str
    role: str
    zone: str
    address: str
    docker_host: str | None
    instance_id: str
    state: str
    reason: str = ""
    """Why its boot failed, if it has."""
    pid: int | None = None
    """Its outermost process: the door to its namespaces."""
    engine: bool = False
    """Whether its engine has answered since it was last started."""

    def to_json(self) -> dict[str, Any]:
        """What `lab hosts --json` shows."""
        document = asdict(self)
        del document["reason"], document["pid"], document["engine"]
        return document


class Machine:
    """One instance's host and its present boot. Its steps run one after another, in the order asked."""

    def __init__(self, host: Host, boot: Callable[[], Boot]) -> None:
        self.host = host
        self.gone = False
        self.awaits_power = True
        self.fault = ""
        """Why it could not be switched on."""
        self._new_boot = boot
        self._boot: Boot | None = None
        self._step = threading.Lock()

    def power_on(self) -> None:
        """Starts the host on its disk unless it runs already or is gone."""
        self.awaits_power = True
        with self._step:
            if self.gone or self.host.is_on:
                return
            boot = self._new_boot()
            try:
                boot.start()
            except (QuorateError, OSError) as error:
                self.fault = str(error)
                raise
            self.fault = ""
            self._boot = boot

    def power_off(self) -> None:
        """A power cut; the disk stays."""
        self.awaits_power = False
        with self._step:
            if self._boot is not None:
                self._boot.power_off()
                self._boot = None

    def remove(self) -> None:
        """A power cut, and the disk is gone."""
        self.gone = True
        self.power_off()
        with self._step:
            self.host.remove()

    def state(self) -> HostState:
        spec, boot = self.host.spec, self._boot
        waiting = "failed" if self.fault else "starting" if self.awaits_power else "off"
        try:
            pid, docker_host = self.host.pid, f"unix://{self.host.socket}"
        except Failed:
            pid, docker_host = None, None
        return HostState(
            name=spec.name,
            role=spec.role,
            zone=spec.zone_id,
            address=spec.plug.address,
            docker_host=docker_host,
            instance_id=spec.instance_id,
            state=boot.state if boot is not None else waiting,
            reason=boot.reason if boot is not None else self.fault,
            pid=pid,
            engine=boot is not None and boot.engine.up.is_set(),
        )


class Inventory:
    """All hosts of a lab. `follow` is told the cloud's instances whenever they have changed."""

    def __init__(
        self,
        names: Names,
        fabric: Fabric,
        *,
        metadata: Callable[[str, Host], MetadataService],
        environment: dict[str, str],
        storage_driver: str,
        say: Callable[[str], None],
    ) -> None:
        self.names = names
        self.fabric = fabric
        self._metadata = metadata
        self._environment = environment
        self._storage_driver = storage_driver
        self._say = say
        self._machines: dict[str, Machine] = {}
        self._wanted: dict[str, str] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(max_workers=64, thread_name_prefix="host")

    def follow(self, instances: Iterable[Instance]) -> list[Future[None]]:
        """Starts, side by side, what makes the hosts what the instances are; the steps, to wait for."""
        seen = {instance.id: instance for instance in instances}
        steps: list[Future[None]] = []
        with self._lock:
            for instance in seen.values():
                wanted = "on" if instance.state in POWERED else "off" if instance.state in KEPT else "gone"
                if self._wanted.get(instance.id, "gone") == wanted:
                    continue
                if instance.id not in self._machines:
                    if instance.private_ip is None:
                        continue
                    self._machines[instance.id] = self._machine(instance, instance.private_ip)
                self._wanted[instance.id] = wanted
                steps.append(self._turn(self._machines[instance.id], wanted))
            for instance_id in [known for known in self._machines if known not in seen]:
                steps.append(self._turn(self._machines[instance_id], "gone"))
        return steps

    def states(self) -> list[HostState]:
        with self._lock:
            machines = list(self._machines.values())
        states = [machine.state() for machine in machines if not machine.gone]
        return sorted(states, key=lambda host: (host.role, host.zone, host.address))

    def close(self) -> None:
        """Every host off and gone, all at once."""
        with self._lock:
            machines = list(self._machines.values())
        self.fabric.cut([machine.host.spec.plug for machine in machines])
        wait([self._turn(machine, "gone") for machine in machines])
        self._threads.shutdown()

    def _turn(self, machine: Machine, wanted: str) -> Future[None]:
        instance_id = machine.host.spec.instance_id
        if wanted == "gone":
            self._machines.pop(instance_id, None)
            self._wanted.pop(instance_id, None)
        step = {"on": machine.power_on, "off": machine.power_off, "gone": machine.remove}[wanted]
        return self._threads.submit(self._guarded, machine, wanted, step)

    def _guarded(self, machine: Machine, wanted: str, step: Callable[[], None]) -> None:
        name = machine.host.spec.name
        try:
            step()
            self._say(f"{name}: {wanted}")
        except (QuorateError, OSError) as error:
            self._say(f"{name}: cannot be turned {wanted}: {error}")

    def _machine(self, instance: Instance, address: str) -> Machine:
        role = role_in(instance.user_data)
        plug = Plug(
            instance_id=instance.id,
            subnet_id=instance.subnet_id,
            subnet=IPv4Network(instance.subnet_cidr),
            address=address,
            mac=instance.mac or "",
        )
        spec = HostSpec(plug, role if role in {MANAGER, WORKER} else "unknown", instance.zone_id)
        host = Host(self.names, self.fabric, spec)
        cgroup = self.names.cgroup(instance.id)
        host.write_etc({"docker/daemon.json": engine_settings(cgroup, self._storage_driver)})

        def boot() -> Boot:
            return Boot(
                host,
                metadata=lambda: self._metadata(instance.id, host),
                environment=self._environment,
                manages=role == MANAGER,
                say=self._say,
            )

        return Machine(host, boot)
