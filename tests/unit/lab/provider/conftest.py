"""The provider in front of a lab's cloud."""

from __future__ import annotations

from typing import Any

import pytest

from quorate.lab.cloud import Cloud
from quorate.lab.provider.configuration import Configuration
from quorate.lab.provider.provider import Provider, Thing


@pytest.fixture(scope="module")
def provider(cloud: Cloud) -> Provider:
    """The provider under test."""
    return Provider.configure(Configuration.everywhere(cloud.endpoint, cloud.region), cloud.nonce)


class Maker:
    """Makes things as the engine would: checked first, then created."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    def __call__(self, token: str, intent: str | None = None, **inputs: Any) -> Thing:
        checked = self.provider.check(token, "thing", {}, inputs)
        assert checked.failures == ()
        return self.provider.create(token, checked.inputs, intent)

    def update(self, token: str, old: Thing, **inputs: Any) -> Thing:
        """Brings it to these inputs; they are all of them."""
        checked = self.provider.check(token, "thing", old.inputs, inputs)
        assert checked.failures == ()
        assert self.provider.diff(token, old.inputs, checked.inputs).replaces == ()
        return self.provider.update(token, old.id, old, checked.inputs)

    def delete(self, token: str, thing: Thing) -> None:
        """Deletes it, twice: the second time there is nothing left to do."""
        self.provider.delete(token, thing.id, thing.inputs)
        self.provider.delete(token, thing.id, thing.inputs)

    def unchanged(self, token: str, thing: Thing) -> bool:
        """Does a read give back what was asked for?"""
        seen = self.provider.read(token, thing.id, thing.inputs)
        assert seen is not None
        return (
            seen.inputs == thing.inputs and not self.provider.diff(token, seen.inputs, thing.inputs).changed
        )


@pytest.fixture(scope="module")
def make(provider: Provider) -> Maker:
    """Makes, updates and deletes things."""
    return Maker(provider)
