"""The hosts of a lab follow the cloud's instances: launched, stopped, terminated; each in its own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Any, Protocol

from quorate.errors import Failed, QuorateError
from quorate.lab.hosts.engine import engine_settings
from quorate.lab.hosts.fabric import Fabric, Plug
from quorate.lab.hosts.host import Host, HostSpec
from quorate.lab.hosts.names import Names
from quorate.lab.hosts.units import Boot, MetadataService, role_in

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


@dataclass(frozen=True)
class Outages:
    """What was taken down by hand: zones without power, zones cut off, hosts that are held off by id."""

    dark: frozenset[str] = frozenset()
    cut: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()


class Power(StrEnum):
    """What an instance's host shall be."""

    ON = "on"
    OFF = "off"
    GONE = "gone"


CUT_OFF = "cut off"
"""The state of a host that runs and that nobody outside of its zone reaches."""


class Machine:
    """One instance's host and its present boot."""

    def __init__(self, host: Host, new_boot: Callable[[], Boot]) -> None:
        self.host = host
        self.wanted = Power.ON
        self.gently = False
        """Whether its next power off lets the engine end by itself first."""
        self.fault = ""
        """Why it could not be switched on."""
        self._new_boot = new_boot
        self._boot: Boot | None = None
        self._settling = threading.Lock()

    def settle(self) -> None:
        """Makes the host what is wanted at this moment; to be called after every change of `wanted`."""
        with self._settling:
            if self.wanted is Power.ON:
                self._power_on()
            else:
                self._power_off()
            if self.wanted is Power.GONE:
                self.host.remove()

    def _power_on(self) -> None:
        if self.host.is_on:
            return
        boot = self._new_boot()
        try:
            boot.start()
        except (QuorateError, OSError) as error:
            self.fault = str(error)
            raise
        self.fault, self._boot = "", boot

    def _power_off(self) -> None:
        if self._boot is not None:
            if self.gently:
                self._boot.shut_down()
            self._boot.power_off()
            self._boot = None

    def set_clock(self, seconds: float) -> None:
        """Refused while it has no power: what it does not run cannot be started again."""
        boot = self._boot
        if boot is None:
            raise Failed(f"host {self.host.spec.name} is switched off: its clock cannot be set")
        boot.set_clock(seconds)

    def state(self) -> HostState:
        spec, boot = self.host.spec, self._boot
        waiting = "failed" if self.fault else "starting"
        state = "off" if self.wanted is not Power.ON else boot.state if boot is not None else waiting
        pid, docker_host = None, None
        if state != "off":
            with suppress(Failed):
                pid, docker_host = self.host.pid, f"unix://{self.host.socket}"
        return HostState(
            name=spec.name,
            role=spec.role,
            zone=spec.zone_id,
            address=spec.plug.address,
            docker_host=docker_host,
            instance_id=spec.instance_id,
            state=state,
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
        self._seen: dict[str, Instance] = {}
        self.outages = Outages()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(max_workers=64, thread_name_prefix="host")

    def follow(self, instances: Iterable[Instance]) -> None:
        """Begins, side by side, what makes the hosts what these instances are; an absent one is gone."""
        with self._lock:
            self._seen = {instance.id: instance for instance in instances}
            self._turn_all()

    def change(self, outages: Outages, gently: bool = False) -> None:
        """From now on these outages are in force; returns when every host is as they say.

        Those that lose their power lose it in one step: first all cables, so that none says goodbye.
        """
        with self._lock:
            self.outages = outages
            if not gently:
                self.fabric.cut([m.host.spec.plug for m in self._losing()])
            turning = self._turn_all(gently)
        wait(turning)

    def _losing(self) -> list[Machine]:
        """Hosts that have power, and lose it by the outages in force."""
        return [
            machine
            for instance_id, machine in self._machines.items()
            if machine.wanted is Power.ON
            and (instance := self._seen.get(instance_id)) is not None
            and self._wanted(instance) is Power.OFF
        ]

    def _wanted(self, instance: Instance) -> Power:
        wanted = power_of(instance.state)
        without = instance.zone_id in self.outages.dark or instance.id in self.outages.held
        return Power.OFF if wanted is Power.ON and without else wanted

    def _turn_all(self, gently: bool = False) -> list[Future[None]]:
        """Begins what makes each host what it shall be; to be called with the lock held."""
        turning = []
        for instance in self._seen.values():
            wanted = self._wanted(instance)
            if instance.id in self._machines:
                turning += self._turn(self._machines[instance.id], wanted, gently)
            elif wanted is not Power.GONE and instance.private_ip is not None:
                machine = self._machines[instance.id] = self._machine(instance, instance.private_ip)
                machine.wanted = wanted
                turning.append(self._threads.submit(self._settle, machine))
        for instance_id, machine in self._machines.items():
            if instance_id not in self._seen:
                turning += self._turn(machine, Power.GONE)
        return turning

    def set_clock(self, instance_id: str, seconds: float) -> None:
        """The clock of one host's agents is off by that; 0 sets it right."""
        with self._lock:
            machine = self._machines[instance_id]
        machine.set_clock(seconds)

    def states(self) -> list[HostState]:
        """Every host but those that are gone or about to be."""
        with self._lock:
            machines = [each for each in self._machines.values() if each.wanted is not Power.GONE]
            cut = self.outages.cut
        states = [each.state() for each in machines]
        states = [replace(s, state=CUT_OFF) if s.zone in cut and s.state != "off" else s for s in states]
        return sorted(states, key=lambda host: (host.role, host.zone, host.address))

    def _turn(self, machine: Machine, wanted: Power, gently: bool = False) -> list[Future[None]]:
        if machine.wanted in {wanted, Power.GONE}:
            return []
        machine.wanted, machine.gently = wanted, gently
        return [self._threads.submit(self._settle, machine)]

    def _settle(self, machine: Machine) -> None:
        name, wanted = machine.host.spec.name, machine.wanted
        try:
            machine.settle()
            self._say(f"{name}: {wanted}")
        except Exception as error:  # noqa: BLE001 - nobody else hears of it: this is a pool's thread
            self._say(f"{name}: cannot be turned {wanted}: {error!r}")
        if machine.wanted is Power.GONE:
            with self._lock:
                self._machines.pop(machine.host.spec.instance_id, None)

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


def power_of(state: str) -> Power:
    """EC2's word for an instance's state -> what its host shall be."""
    if state in {"pending", "running"}:
        return Power.ON
    return Power.OFF if state in {"stopping", "stopped"} else Power.GONE
