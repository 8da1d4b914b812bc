"""Decides, registration by registration, what has to be done; the order comes from the program.

Deletes come last, when the program has ended well: what it no longer registers, and what was replaced.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace

from quorate.errors import QuorateError, Refused, UsageError
from quorate.lab.engine.events import Action
from quorate.lab.engine.hands import Hands
from quorate.lab.engine.ledger import Ledger
from quorate.lab.engine.order import delete_all, dependents
from quorate.lab.engine.paths import ignoring, touches
from quorate.lab.engine.providers import PREFIX, Providers
from quorate.lab.engine.report import Report
from quorate.lab.engine.state import Resource
from quorate.lab.engine.wanted import Wanted
from quorate.lab.provider.provider import Diff, Provider
from quorate.lab.provider.values import UNKNOWN, Values

CREDENTIALS = ("accessKey", "secretKey", "token")


class Deployment:
    """One run of a program against the state; safe to use from several threads."""

    def __init__(self, ledger: Ledger, hands: Hands, providers: Providers, report: Report) -> None:
        self._ledger = ledger
        self._hands = hands
        self._providers = providers
        self._report = report
        self._lock = threading.Lock()
        self._registered: set[str] = set()
        self._replaced: set[str] = set()

    def register(self, wanted: Wanted) -> Resource | None:
        """The resource as it then is; None where it failed or nothing new is begun any more."""
        if self._report.halted:
            return None
        try:
            self._claim(wanted.urn)
            if wanted.type.startswith(PREFIX):
                return self._provider(wanted)
            if not wanted.custom:
                return self._component(wanted)
            return self._custom(wanted)
        except QuorateError as error:
            self._report.failed(wanted, error)
            return None

    def _claim(self, urn: str) -> None:
        with self._lock:
            if urn in self._registered:
                raise UsageError("is registered twice; give each its own name")
            self._registered.add(urn)

    def _provider(self, wanted: Wanted) -> Resource:
        self._providers.make(wanted.urn, wanted.type, wanted.inputs)
        kept = {name: value for name, value in wanted.inputs.items() if name not in CREDENTIALS}
        return self._plain(wanted, wanted.resource(kept, "lab", kept))

    def _component(self, wanted: Wanted) -> Resource:
        return self._plain(wanted, wanted.resource({}))

    def _plain(self, wanted: Wanted, resource: Resource) -> Resource:
        known = self._ledger.current(wanted.urn)
        self._ledger.put(resource)
        self._report.did(Action.SAME if known else Action.CREATE, wanted)
        return resource

    def _custom(self, wanted: Wanted) -> Resource:
        provider = self._providers.of(wanted.provider)
        self._refuse_secrets(provider, wanted)
        old, recovered = self._recovered(wanted.urn)
        inputs = self._checked(provider, wanted, old)
        if old is None:
            return self._create(wanted, inputs)
        diff = self._diff(provider, wanted, old, inputs)
        if diff.replaces:
            return self._replace(wanted, old, inputs, diff)
        if diff.changed:
            with self._report.working(Action.UPDATE, wanted, diff.changed):
                return self._hands.update(wanted, old, inputs)
        kept = wanted.resource(provider.storable(wanted.type, inputs), old.id, old.outputs)
        self._ledger.put(kept)
        self._report.did(Action.ADOPT if recovered else Action.SAME, wanted)
        return kept

    @staticmethod
    def _refuse_secrets(provider: Provider, wanted: Wanted) -> None:
        exposed = sorted(wanted.secrets - provider.write_only(wanted.type))
        if exposed:
            raise UsageError(
                f"{exposed[0]} is a secret, and the lab's state keeps none; pass it as a write-only property"
            )

    def _recovered(self, urn: str) -> tuple[Resource | None, bool]:
        """The living resource, after whatever an interrupted run left undone."""
        intent = self._ledger.intent(urn)
        if intent is not None:
            self._hands.claim(intent)
        old = self._ledger.current(urn)
        if old is not None and old.unfinished:
            return self._hands.finish(old), True
        return old, False

    @staticmethod
    def _checked(provider: Provider, wanted: Wanted, old: Resource | None) -> Values:
        before = old.inputs if old else {}
        asked = ignoring(wanted.inputs, before, wanted.ignore_changes) if old else wanted.inputs
        checked = provider.check(wanted.type, wanted.name, before, asked)
        if checked.failures:
            raise UsageError("; ".join(f"{each.property} {each.reason}" for each in checked.failures))
        return checked.inputs

    @staticmethod
    def _diff(provider: Provider, wanted: Wanted, old: Resource, inputs: Values) -> Diff:
        diff = provider.diff(wanted.type, old.inputs, inputs)
        forced = touches(wanted.replace_on_changes, diff.changed)
        replaces = tuple(name for name in diff.changed if name in diff.replaces or name in forced)
        decided = wanted.delete_before_replace
        return replace(
            diff,
            replaces=replaces,
            delete_before_replace=diff.delete_before_replace if decided is None else decided,
        )

    def _create(self, wanted: Wanted, inputs: Values) -> Resource:
        action = Action.REPLACE if wanted.urn in self._replaced else Action.CREATE
        with self._report.working(action, wanted):
            return self._hands.create(wanted, inputs)

    def _replace(self, wanted: Wanted, old: Resource, inputs: Values, diff: Diff) -> Resource:
        if old.protect:
            raise _protected(old, f"replacing it for {', '.join(diff.replaces)}")
        with self._report.working(Action.REPLACE, wanted, diff.changed):
            if diff.delete_before_replace:
                self._delete_first(old)
            return self._hands.create(wanted, inputs)

    def _delete_first(self, old: Resource) -> None:
        victims = self._must_follow(old)
        for victim in victims:
            if victim.protect:
                raise _protected(victim, f"it goes with {old.name}, which is replaced")
        with self._lock:
            self._replaced |= {each.urn for each in victims}
        failures: list[QuorateError] = []

        def delete(resource: Resource) -> bool:
            try:
                with self._report.working(Action.DELETE, resource, counted=False):
                    self._hands.delete(resource)
            except QuorateError as error:
                failures.append(error)
            return not failures

        delete_all([*victims, old], delete, lambda: bool(failures))
        if failures:
            raise failures[0]

    def _must_follow(self, old: Resource) -> list[Resource]:
        """Dependents that a replaced input would replace as well, as the CLI finds them."""
        gone = {old.urn}
        victims = []
        for each in dependents(self._ledger.state.resources, old.urn):
            if not each.custom or each.type.startswith(PREFIX) or each.doomed or each.urn in self._registered:
                continue
            lost = [name for name, urns in each.property_dependencies.items() if gone & set(urns)]
            unknown = {**each.inputs, **{name: UNKNOWN for name in lost if name in each.inputs}}
            if lost and self._providers.of(each.provider).diff(each.type, each.inputs, unknown).replaces:
                gone.add(each.urn)
                victims.append(each)
        return victims

    def sweep(self) -> None:
        """Deletes what the program no longer has, and what was replaced."""
        for intent in self._ledger.state.intents:
            if intent.resource.urn not in self._registered:
                self._hands.claim(intent)
        self.delete(
            each for each in self._ledger.state.resources if each.doomed or each.urn not in self._registered
        )

    def delete(self, resources: Iterable[Resource]) -> None:
        """Deletes these, each as soon as nothing stands on it; failures are in the report."""
        victims = list(resources)
        for victim in victims:
            if victim.protect and not victim.doomed:
                raise _protected(victim, "deleting it")
        delete_all(victims, self._delete_one, lambda: self._report.halted)

    def _delete_one(self, resource: Resource) -> bool:
        try:
            with self._report.working(Action.DELETE, resource, counted=not resource.doomed):
                self._hands.delete(resource)
        except QuorateError as error:
            self._report.failed(resource, error)
            return False
        return True


def _protected(resource: Resource, what: str) -> Refused:
    return Refused(
        f"{resource.type} {resource.name}",
        "it is protected",
        what + " is not allowed",
        "Take protect out of the program and run it once before",
    )
