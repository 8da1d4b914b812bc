"""What a program asks of one resource: the registration, decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quorate.errors import UsageError
from quorate.lab.engine.state import Resource
from quorate.lab.provider.durations import seconds
from quorate.lab.provider.values import Values
from quorate.lab.provider.wire import Decoder


@dataclass(frozen=True)
class Wanted:
    """One registered resource; times in seconds, 0 for the row's own."""

    urn: str
    type: str
    name: str
    custom: bool
    parent: str
    inputs: Values
    secrets: frozenset[str]
    """Top-level inputs that hold a secret somewhere."""
    dependencies: tuple[str, ...]
    property_dependencies: Mapping[str, tuple[str, ...]]
    provider: str
    protect: bool
    retain: bool
    delete_before_replace: bool | None
    ignore_changes: tuple[str, ...]
    replace_on_changes: tuple[str, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Custom timeouts by create, update, delete."""

    @classmethod
    def of(cls, request: Any, urn: str) -> Wanted:
        """From a RegisterResourceRequest. Raises UsageError for options that the lab does not have."""
        _refuse_unknown_options(request)
        decoder = Decoder()
        inputs = decoder.struct(request.object)
        of_properties = {name: tuple(each.urns) for name, each in request.propertyDependencies.items()}
        decided = request.deleteBeforeReplaceDefined
        return cls(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            inputs=inputs,
            secrets=frozenset(decoder.secrets),
            dependencies=tuple(request.dependencies),
            property_dependencies=of_properties,
            provider=request.provider,
            protect=request.protect,
            retain=request.retainOnDelete,
            delete_before_replace=request.deleteBeforeReplace if decided else None,
            ignore_changes=tuple(request.ignoreChanges),
            replace_on_changes=tuple(request.replaceOnChanges),
            seconds=_timeouts(request),
        )

    def resource(self, inputs: Values, id_: str = "", outputs: Values | None = None) -> Resource:
        """The state's entry for it; `inputs` as they may be kept."""
        return Resource(
            urn=self.urn,
            type=self.type,
            custom=self.custom,
            id=id_,
            parent=self.parent,
            inputs=inputs,
            outputs=outputs or {},
            dependencies=self.dependencies,
            property_dependencies=self.property_dependencies,
            provider=self.provider,
            protect=self.protect,
            retain=self.retain,
            delete_seconds=self.seconds.get("delete", 0.0),
        )


def _refuse_unknown_options(request: Any) -> None:
    options = {
        "import_": request.importId,
        "transforms": request.transforms,
        "hooks": request.HasField("hooks") and request.hooks.ByteSize(),
        "replacement_trigger": request.HasField("replacement_trigger"),
        "replace_with": request.replace_with,
        "remote components": request.remote,
    }
    for name, given in options.items():
        if given:
            raise UsageError(
                f"{request.type} {request.name}: the lab does not have the option {name}; take it out"
            )


def _timeouts(request: Any) -> dict[str, float]:
    found = {}
    for action in ("create", "update", "delete"):
        text = getattr(request.customTimeouts, action)
        if text:
            length = seconds(text)
            if length is None:
                where = f"{request.type} {request.name}"
                raise UsageError(f'{where}: custom timeout {action} is "{text}", not a duration such as 30m')
            found[action] = length
    return found
