"""A configuration that is accepted, and a way to change it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from quorate.settings import Settings, SettingsRefused, parse

ACCEPTED: dict[str, Any] = {
    "managers": "5",
    "zones": ["use1-az1", "use1-az2", "use1-az4"],
    "image": "ami-0123456789abcdef0",
    "workers": [{"name": "general", "min": 1, "max": 6, "desired": 3, "instanceTypes": ["t3.small"]}],
}


def as_handed_over(keys: dict[str, Any]) -> dict[str, str]:
    """The map that Pulumi hands to a program: texts, JSON where a value has parts, None left out."""
    given = {key: value for key, value in keys.items() if value is not None}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
    return {"aws:region": "us-east-1", **{f"quorate:{key}": value for key, value in texts.items()}}


@pytest.fixture
def settings() -> Callable[..., Settings]:
    """The settings of the accepted configuration, changed."""
    return lambda **keys: parse(as_handed_over({**ACCEPTED, **keys}), project="quorate", stack="lab")


@pytest.fixture
def lines() -> Callable[..., list[str]]:
    """The lines with which the accepted configuration, changed, is refused."""

    def refused(stack: str = "lab", **keys: Any) -> list[str]:
        with pytest.raises(SettingsRefused) as caught:
            parse(as_handed_over({**ACCEPTED, **keys}), project="quorate", stack=stack)
        assert caught.value.exit_code == 2
        return str(caught.value).splitlines()

    return refused
