"""One stack, one state file, one cloud: up, preview, refresh, destroy.

    run = Run(directory, "lab", state_path=path, endpoint="http://127.0.0.1:4615", nonce=nonce, on_event=show)
    outputs = run.up()
    changes = run.preview()     # nothing is touched
    run.destroy()

Every failure is a QuorateError with one line; the state is kept, and the next run goes on from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from quorate.errors import QuorateError, Refused, UsageError
from quorate.lab.engine.deployment import Deployment
from quorate.lab.engine.events import Action, Change, Listener, unheard
from quorate.lab.engine.hands import Acting, Foreseeing
from quorate.lab.engine.ledger import Ledger
from quorate.lab.engine.lock import locked
from quorate.lab.engine.project import Project
from quorate.lab.engine.providers import PREFIX, Providers
from quorate.lab.engine.report import Report
from quorate.lab.engine.state import Resource, State, load
from quorate.lab.provider.configuration import Configuration
from quorate.lab.provider.provider import Provider
from quorate.lab.provider.schema import changed
from quorate.lab.provider.values import Values, holds_unknown

SECRET = "[secret]"


@dataclass(frozen=True)
class _Work:
    """What one run works with."""

    ledger: Ledger
    providers: Providers
    report: Report
    deployment: Deployment


class Run:
    """A stack's runs. `config` goes over the stack's file, in memory; `changes` are the last run's."""

    def __init__(
        self,
        project_directory: Path,
        stack: str,
        config: Mapping[str, str] | None = None,
        *,
        state_path: Path,
        endpoint: str,
        nonce: str,
        on_event: Listener = unheard,
    ) -> None:
        self._directory = project_directory.resolve()
        self._stack = stack
        self._overrides = dict(config or {})
        self._state_path = state_path.resolve()
        self._endpoint = endpoint
        self._nonce = nonce
        self._on_event = on_event
        self.changes: list[Change] = []

    def up(self) -> Values:
        """Brings the cloud to what the program says; returns the stack's outputs, secrets masked."""
        with locked(self._state_path), self._working(dry=False) as work:
            outputs = self._run_program(work, preview=False)
            work.deployment.sweep()
            work.report.raise_failure()
            work.ledger.note_outputs(outputs)
            return outputs

    def preview(self) -> list[Change]:
        """What `up` would do, resource by resource; touches nothing."""
        with self._working(dry=True) as work:
            self._run_program(work, preview=True)
            work.deployment.sweep()
            work.report.raise_failure()
        return self.changes

    def destroy(self) -> None:
        """Deletes all that the state has, in the order that AWS asks for."""
        with locked(self._state_path), self._working(dry=False) as work:
            hands = Acting(work.ledger, work.providers)
            for intent in work.ledger.state.intents:
                hands.claim(intent)
            work.deployment.delete(work.ledger.state.resources)
            work.report.raise_failure()
            work.ledger.note_outputs({})

    def refresh(self) -> list[Change]:
        """Reads everything back into the state; returns what had drifted (gone: delete, differs: update)."""
        with locked(self._state_path), self._working(dry=False) as work:
            things = [each for each in work.ledger.state.resources if _is_thing(each)]
            with ThreadPoolExecutor(8, thread_name_prefix="refresh") as pool:
                list(pool.map(lambda each: self._refresh_one(work, each), things))
            work.report.raise_failure()
        return [each for each in self.changes if each.action is not Action.SAME]

    @property
    def outputs(self) -> Values:
        """The stack's outputs as the state has them."""
        project = Project.read(self._directory)
        return load(self._state_path, project.name, self._stack).outputs

    @contextmanager
    def _working(self, *, dry: bool) -> Iterator[_Work]:
        project = Project.read(self._directory)
        state = self._load(project.name)
        region = project.configuration(self._stack, self._overrides).get("aws:region", "")
        if not region:
            raise UsageError(f"aws:region is not set; set it in Pulumi.{self._stack}.yaml")
        default = Provider.configure(Configuration.everywhere(self._endpoint, region), self._nonce)
        ledger = Ledger(state, None if dry else self._state_path)
        providers = Providers(default, self._nonce, ledger)
        report = Report(self._on_event)
        hands = (Foreseeing if dry else Acting)(ledger, providers)
        self.changes = report.changes
        try:
            with report.interruptible(providers.call_off):
                yield _Work(ledger, providers, report, Deployment(ledger, hands, providers, report))
        finally:
            ledger.save()

    def _load(self, project: str) -> State:
        state = load(self._state_path, project, self._stack)
        if (state.resources or state.intents) and state.nonce != self._nonce:
            raise Refused(
                f"{self._state_path}",
                "it is the state of a cloud that is gone",
                f"the cloud at {self._endpoint} was started after it, and has none of it",
                "Take the lab down and start anew",
            )
        return replace(state, nonce=self._nonce)

    def _run_program(self, work: _Work, *, preview: bool) -> Values:
        # Imported here: destroy and refresh need neither Pulumi's runtime nor its half second.
        from quorate.lab.engine.monitor import Log, Monitor
        from quorate.lab.engine.program import Program

        project = Project.read(self._directory)
        config = project.configuration(self._stack, self._overrides)
        monitor = Monitor(project.name, self._stack, work.deployment, work.providers, work.report)
        program = Program(project.program, project.name, self._stack, config)
        try:
            program.run(monitor, Log(work.report), preview=preview)
        except QuorateError:
            # An error of ours comes back through the program in Pulumi's words: tell the first one.
            work.report.raise_failure()
            raise
        work.report.raise_failure()
        return {
            name: SECRET if name in monitor.secret_outputs else value
            for name, value in monitor.outputs.items()
            if not holds_unknown(value)
        }

    def _refresh_one(self, work: _Work, resource: Resource) -> None:
        if work.report.halted:
            return
        try:
            with work.report.working(Action.READ, resource, counted=False):
                provider = work.providers.of(resource.provider)
                thing = provider.read(resource.type, resource.id, resource.inputs)
            if thing is None:
                work.ledger.forget(resource)
                work.report.did(Action.DELETE, resource)
                return
            row = provider.row(resource.type)
            names = tuple(changed(row.properties, resource.inputs, thing.inputs))
            fresh = replace(
                resource, id=thing.id, inputs=thing.inputs, outputs=resource.outputs | thing.outputs
            )
            if not resource.doomed:
                work.ledger.put(fresh)
            work.report.did(Action.UPDATE if names else Action.SAME, resource, names)
        except QuorateError as error:
            work.report.failed(resource, error)


def _is_thing(resource: Resource) -> bool:
    return resource.custom and not resource.type.startswith(PREFIX)
