"""The lab as an object: what the commands and the tests hold in their hands.

One lab lives in one folder, and everything that it has on the machine carries an id derived from that
folder. Its cloud's truth is in the daemon's memory: a lab whose daemon has ended is dead, and starts clean.
"""

from __future__ import annotations

import importlib
import itertools
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from quorate.errors import Failed, UsageError
from quorate.lab import control, folder
from quorate.lab.firewall.denied import Denial
from quorate.lab.hosts import namespaces, sweep
from quorate.lab.hosts.host import SOURCES, keep_logs, unit_environment
from quorate.lab.hosts.inventory import HostState, Outages
from quorate.lab.hosts.machine import check_machine, check_root
from quorate.lab.hosts.names import Names
from quorate.lab.hosts.registry import push_test_image
from quorate.lab.hosts.sweep import Remains
from quorate.lab.launch import Starting, launch
from quorate.lab.process import FILE, Identity
from quorate.lab.progress import Progress, Silent, step
from quorate.lab.status import Observer, Status, denial_lines, outage_lines
from quorate.lab.switchboard import Switchboard
from quorate.lab.truth import CREDENTIALS, REGION, Asked, Aws

if TYPE_CHECKING:
    from quorate.lab.engine import Change, Event, Run

DEFAULT_PORT = 4615
"""Where Pulumi.lab.yaml looks for AWS; only the lab in the checkout's own folder takes it."""
STACK = "lab"
DEFAULT_DIRECTORY = SOURCES.parent / ".lab"

HEALTHY_SECONDS = 180.0

SILENT = Silent()


class Lab:
    """One lab. Every method may be called from any process; those that change it exclude each other."""

    def __init__(self, directory: str | os.PathLike[str] | None = None) -> None:
        self.names = Names.of(directory or DEFAULT_DIRECTORY)
        self.directory = self.names.directory
        self._observer = Observer(self.names.hosts)
        self._aws: Aws | None = None

    # Is it there?

    @property
    def identity(self) -> Identity | None:
        """Of the daemon that runs; None when none does."""
        identity = Identity.read(self.directory)
        return identity if identity is not None and identity.alive else None

    def is_running(self) -> bool:
        return self.identity is not None

    def is_dead(self) -> bool:
        """Whether there was a lab here whose daemon has ended without `down`."""
        return not self.is_running() and (self.directory / FILE).exists()

    def _present(self) -> Identity:
        check_root()
        identity = self.identity
        if identity is not None:
            return identity
        if self.is_dead():
            raise Failed(
                f"the lab in {self.directory} is dead: its cloud ended and what it knew is lost. "
                f"Start it clean: `{self.command('up')}`; or remove what is left: `{self.command('down')}`"
            )
        raise Failed(f"no lab is running in {self.directory}. Start one with `{self.command('up')}`")

    def command(self, verb: str) -> str:
        """What to type, for a message: it names the folder unless it is the checkout's own."""
        more = "" if self.directory == DEFAULT_DIRECTORY else f" --directory {self.directory}"
        return f"scripts/lab {verb}{more}"

    # Up and down

    def start(self, progress: Progress = SILENT) -> None:
        """The local cloud alone: no instance is launched. Nothing happens when it runs already."""
        check_machine()
        folder.claim(self.directory)
        with folder.exclusive(self.directory, "start"):
            self._start(progress)

    def deploy(self, config: Mapping[str, str] | None = None, progress: Progress = SILENT) -> dict[str, Any]:
        """Runs the Pulumi program in this process; the stack's outputs.

        `config` goes over Pulumi.lab.yaml, as {"quorate:managers": "3"}; nothing of it is written down.
        """
        with folder.exclusive(self.directory, "deploy"):
            return self._deploy(config, progress)

    def preview(self, config: Mapping[str, str] | None = None) -> list[Change]:
        """What `deploy` would do; nothing is touched."""
        return self._run(config).preview()

    def refresh(self, config: Mapping[str, str] | None = None) -> list[Change]:
        """Reads every resource back into the state; what had drifted."""
        with folder.exclusive(self.directory, "refresh"):
            return self._run(config).refresh()

    def destroy(self, progress: Progress = SILENT) -> None:
        """Deletes every resource of the program, in the order that AWS asks for; the cloud goes on."""
        with folder.exclusive(self.directory, "destroy"), step(progress, "destroy"):
            self._run(None, progress).destroy()

    def up(
        self,
        config: Mapping[str, str] | None = None,
        progress: Progress = SILENT,
        patience: float = HEALTHY_SECONDS,
    ) -> Status:
        """Cloud, program, and wait until the cluster is whole. Goes on from wherever an earlier one ended."""
        check_machine()
        folder.claim(self.directory)
        with folder.exclusive(self.directory, "up"):
            self._start(progress, meanwhile=_load_program)
            self._deploy(config, progress)
            return self.wait_healthy(patience, progress)

    def down(self) -> Remains:
        """Removes everything of this lab from the machine, whatever its state, and empties its folder.

        Returns what was found.
        """
        check_root()
        with folder.exclusive(self.directory, "down") if self.directory.is_dir() else nullcontext():
            return self._clean()

    def wait_healthy(self, seconds: float = HEALTHY_SECONDS, progress: Progress = SILENT) -> Status:
        """The first healthy status. Failed with what is missing when time is up."""
        deadline = time.monotonic() + seconds
        reached: list[str] = []
        asked = None
        while True:
            asked = asked or self.asked()
            status = self._look(asked)
            _show(status, reached, progress)
            if status.healthy:
                return status
            if time.monotonic() > deadline:
                raise Failed(
                    f"the cluster is not whole after {seconds:.0f} s: {'; '.join(status.trouble)}. "
                    f"The hosts' logs are {self.names.hosts}/*/log; `{self.command('status')}` looks again"
                )
            time.sleep(0.2)

    def _clean(self) -> Remains:
        remains = sweep.find(self.names)
        sweep.sweep(self.names)
        keep_logs(self.names)
        folder.erase(self.directory)
        return remains

    def _start(self, progress: Progress, meanwhile: Callable[[], None] = lambda: None) -> None:
        with step(progress, "local cloud"):
            starting = self._launch(progress)
            meanwhile()
            identity = starting.wait()
            progress.tell(f"AWS on 127.0.0.1:{identity.port}")
        if self.directory == DEFAULT_DIRECTORY and identity.port != DEFAULT_PORT:
            progress.note(
                f"port {DEFAULT_PORT} is taken by something else: the Pulumi CLI, which looks there "
                f"(Pulumi.{STACK}.yaml), does not find this lab; everything else works"
            )

    def _deploy(self, config: Mapping[str, str] | None, progress: Progress) -> dict[str, Any]:
        with step(progress, "Pulumi program"):
            run = self._run(config, progress)
            outputs = run.up()
            progress.tell(_summary(run.changes))
            return dict(outputs)

    def _run(self, config: Mapping[str, str] | None, progress: Progress = SILENT) -> Run:
        from quorate.lab.engine import Run, Stage

        counted = itertools.count(1)

        def tell(event: Event) -> None:
            if event.custom and event.stage is Stage.DONE:
                progress.tell(f"{next(counted)} resources, {event.action} {event.name}")
            elif event.stage is Stage.DONE and event.error:
                progress.note(event.error)

        identity = self._present()
        return Run(
            SOURCES.parent,
            STACK,
            config,
            state_path=self.directory / "state.json",
            endpoint=f"http://127.0.0.1:{identity.port}",
            nonce=identity.nonce,
            on_event=tell,
        )

    def _launch(self, progress: Progress) -> Starting:
        """Starts the daemon without waiting for it; clean, when what is there is dead."""
        identity = self.identity
        if identity is not None:
            return Starting(identity)
        if self.is_dead() or sweep.find(self.names):
            progress.note("the lab here is dead: its cloud ended and what it knew is lost; starting clean")
        self._clean()
        return launch(self.names, DEFAULT_PORT if self.directory == DEFAULT_DIRECTORY else 0)

    # What is in it

    @property
    def endpoint(self) -> str:
        """Where its AWS answers on this machine."""
        return f"http://127.0.0.1:{self._present().port}"

    @property
    def aws(self) -> Aws:
        """Its AWS, as the operator."""
        endpoint = self.endpoint
        if self._aws is None or self._aws.endpoint != endpoint:
            self._aws = Aws(endpoint)
        return self._aws

    def hosts(self) -> tuple[HostState, ...]:
        """Every host that has a disk, managers first."""
        return self._hosts()[0]

    def _hosts(self) -> tuple[tuple[HostState, ...], list[str]]:
        """All hosts, and what the daemon knows to be wrong: outages, denied packets and calls."""
        self._present()
        answer = control.ask(self.directory, "GET", "/hosts")
        hosts = tuple(HostState(**host) for host in answer["hosts"])
        outages = Outages(**{what: frozenset(which) for what, which in answer["outages"].items()})
        denials = [Denial(**each) for each in answer["denied"]]
        told = [*outage_lines(outages, hosts, self.command), *denial_lines(denials), *answer["denied_calls"]]
        return hosts, told

    def _look(self, asked: Asked | None) -> Status:
        hosts, told = self._hosts()
        return self._observer.look(hosts, asked, told)

    def status(self) -> Status:
        """What the engines say now, beside what was asked for."""
        return self._look(self.asked())

    def asked(self) -> Asked | None:
        """The cluster that is laid out; None when nothing is."""
        self._present()
        return Asked.of(control.ask(self.directory, "GET", "/asked"))

    @property
    def switches(self) -> Switchboard:
        """Zones and hosts down and up."""
        return Switchboard(self)

    def host(self, word: str) -> HostState:
        """The host of that name, address or instance id. UsageError names those that there are."""
        hosts = self.hosts()
        for host in hosts:
            if word in {host.name, host.address, host.instance_id}:
                return host
        known = ", ".join(host.name for host in hosts) or "none yet"
        raise UsageError(f"host {word!r}: no host of this lab; there are {known}")

    def exec_argv(self, word: str, argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """What runs `argv` inside a host: the words and the environment. Failed when it is off."""
        host = self.host(word)
        if host.pid is None:
            raise Failed(f"host {host.name} is switched off: nothing can run on it")
        return namespaces.enter(host.pid, argv), unit_environment(self.names, host.name)

    def exec(self, word: str, argv: Sequence[str], timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs a program inside a host to its end; its exit code is not judged."""
        words, environment = self.exec_argv(word, argv)
        return subprocess.run(
            words, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    def image(self, name: str = "busybox") -> str:
        """Puts a small image for tests (busybox) into the lab's registry; what engines pull it by."""
        for host in self.hosts():
            if host.docker_host is not None and host.engine:
                return push_test_image(host.docker_host, name)
        raise Failed("no engine answers yet that could push an image; wait until the lab is healthy")

    def environment(self) -> dict[str, str]:
        """What a shell needs so that the Pulumi CLI, and any AWS tool, talks to this lab and nothing else."""
        identity = self._present()
        backend = self.directory / "pulumi"
        backend.mkdir(exist_ok=True)
        return {
            "PATH": os.pathsep.join([str(SOURCES.parent / "scripts/lab-plugin"), os.environ.get("PATH", "")]),
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "QUORATE_LAB_NONCE": identity.nonce,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            **{name.upper(): value for name, value in CREDENTIALS.items()},
        }


PROGRAM_MODULES = (
    *("quorate.lab.engine.monitor", "quorate.lab.engine.program", "boto3", "pulumi_aws"),
    *(f"pulumi_aws.{part}" for part in ("autoscaling", "dynamodb", "ec2", "iam", "kms", "ssm", "vpc")),
)
"""What the program and its run take longest to import; pulumi_aws loads its parts only when they are used."""


def _load_program() -> None:
    """Imports while the daemon starts."""
    for module in PROGRAM_MODULES:
        importlib.import_module(module)


def _summary(changes: Sequence[Change]) -> str:
    """`12 created, 85 unchanged`."""
    words = {"create": "created", "adopt": "adopted", "update": "updated", "replace": "replaced"}
    words |= {"delete": "deleted", "same": "unchanged"}
    counts = Counter(words[change.action] for change in changes if change.custom and change.action in words)
    return ", ".join(f"{count} {word}" for word, count in counts.items()) or "nothing to do"


def _show(status: Status, reached: list[str], progress: Progress) -> None:
    """One step for each milestone, in their order; those that are reached are not shown again."""
    if status.asked is None:
        return
    for name, (there, wanted) in status.milestones.items():
        if name in reached:
            continue
        if f"{name}?" not in reached:
            progress.begin(name)
            reached.append(f"{name}?")
        progress.tell(f"{there} of {wanted}")
        if there < wanted:
            return
        progress.done()
        reached.append(name)
