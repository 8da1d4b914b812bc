"""Carrying out what the deployment decided: for real, or only foreseen."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from typing import Protocol

from quorate.errors import QuorateError
from quorate.lab.engine.ledger import Ledger
from quorate.lab.engine.providers import PREFIX, Providers
from quorate.lab.engine.state import Intent, Resource
from quorate.lab.engine.wanted import Wanted
from quorate.lab.provider.aws import AwsSilent
from quorate.lab.provider.provider import PartlyMade, Thing
from quorate.lab.provider.values import Values


class Hands(Protocol):
    """What a deployment needs done; all of it is safe to call from several threads."""

    def claim(self, intent: Intent) -> Resource | None:
        """What an interrupted create left behind, now unfinished in the state; None for nothing."""

    def finish(self, resource: Resource) -> Resource | None:
        """Finishes what was partly made; None where it is gone."""

    def create(self, wanted: Wanted, inputs: Values) -> Resource:
        """Makes a new one; a living one of the same URN is doomed."""

    def update(self, wanted: Wanted, old: Resource, inputs: Values) -> Resource:
        """Brings the living one to these inputs."""

    def delete(self, resource: Resource) -> None:
        """Deletes it and takes it out of the state."""


def thing_of(resource: Resource) -> Thing:
    """The provider's view of a resource."""
    return Thing(resource.id, resource.inputs, resource.outputs)


class Acting:
    """For real: on AWS and in the state."""

    def __init__(self, ledger: Ledger, providers: Providers) -> None:
        self._ledger = ledger
        self._providers = providers
        self._adopting = threading.Lock()

    def claim(self, intent: Intent) -> Resource | None:
        planned = intent.resource
        provider = self._providers.of(planned.provider)
        with self._adopting:
            found = [
                id_
                for id_ in provider.find(planned.type, planned.inputs, intent.token)
                if not self._ledger.holds(planned.type, id_)
            ]
            if not found:
                self._ledger.dismiss(intent)
                return None
            resource = replace(planned, id=found[0], unfinished=True)
            self._ledger.settle(intent, resource)
            return resource

    def finish(self, resource: Resource) -> Resource | None:
        provider = self._providers.of(resource.provider)
        thing = provider.finish(resource.type, resource.id, resource.inputs)
        if thing is None:
            self._ledger.forget(resource)
            return None
        whole = replace(resource, id=thing.id, inputs=thing.inputs, outputs=thing.outputs, unfinished=False)
        self._ledger.put(whole)
        self._ledger.save()
        return whole

    def create(self, wanted: Wanted, inputs: Values) -> Resource:
        provider = self._providers.of(wanted.provider)
        planned = wanted.resource(provider.storable(wanted.type, inputs))
        intent = Intent(uuid.uuid4().hex, planned)
        self._ledger.intend(intent)
        try:
            thing = provider.create(wanted.type, inputs, intent.token, wanted.seconds.get("create", 0))
        except PartlyMade as partly:
            made = replace(planned, id=partly.thing.id, outputs=partly.thing.outputs, unfinished=True)
            self._ledger.settle(intent, made)
            raise partly.cause from partly
        except AwsSilent:
            # Nobody knows whether it exists: the intent stays, and the next run looks.
            raise
        except QuorateError:
            self._ledger.dismiss(intent)
            raise
        made = wanted.resource(thing.inputs, thing.id, thing.outputs)
        self._ledger.settle(intent, made)
        return made

    def update(self, wanted: Wanted, old: Resource, inputs: Values) -> Resource:
        provider = self._providers.of(wanted.provider)
        thing = provider.update(wanted.type, old.id, thing_of(old), inputs, wanted.seconds.get("update", 0))
        updated = wanted.resource(thing.inputs, thing.id, thing.outputs)
        self._ledger.put(updated)
        self._ledger.save()
        return updated

    def delete(self, resource: Resource) -> None:
        if resource.custom and not resource.retain and not resource.type.startswith(PREFIX):
            provider = self._providers.of(resource.provider)
            provider.delete(resource.type, resource.id, resource.inputs, resource.delete_seconds)
        self._ledger.forget(resource)
        self._ledger.save()


class Foreseeing:
    """Only in memory: a preview touches neither AWS nor the state's file."""

    def __init__(self, ledger: Ledger, providers: Providers) -> None:
        self._ledger = ledger
        self._providers = providers

    def claim(self, intent: Intent) -> Resource | None:
        planned = intent.resource
        provider = self._providers.of(planned.provider)
        for id_ in provider.find(planned.type, planned.inputs, intent.token):
            if not self._ledger.holds(planned.type, id_):
                resource = replace(planned, id=id_, unfinished=True)
                self._ledger.settle(intent, resource)
                return resource
        self._ledger.dismiss(intent)
        return None

    def finish(self, resource: Resource) -> Resource | None:
        thing = self._providers.of(resource.provider).read(resource.type, resource.id, resource.inputs)
        if thing is None:
            self._ledger.forget(resource)
            return None
        # As it will be when it is finished, which is what the program asked for.
        whole = replace(resource, outputs=thing.outputs | resource.inputs, unfinished=False)
        self._ledger.put(whole)
        return whole

    def create(self, wanted: Wanted, inputs: Values) -> Resource:
        provider = self._providers.of(wanted.provider)
        outputs = provider.foreseen(wanted.type, inputs, None)
        planned = wanted.resource(inputs, "", outputs)
        old = self._ledger.current(wanted.urn)
        if old is not None:
            self._ledger.doom(old)
        self._ledger.put(planned)
        return planned

    def update(self, wanted: Wanted, old: Resource, inputs: Values) -> Resource:
        provider = self._providers.of(wanted.provider)
        outputs = provider.foreseen(wanted.type, inputs, thing_of(old))
        updated = wanted.resource(inputs, old.id, outputs)
        self._ledger.put(updated)
        return updated

    def delete(self, resource: Resource) -> None:
        self._ledger.forget(resource)
