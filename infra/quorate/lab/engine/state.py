"""What the engine remembers of a stack: resources, and intents that no answer has come to yet.

The file is JSON, "schema": 1. It holds no secret: what is write-only is left out before it gets here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from quorate.errors import Refused
from quorate.lab.provider.values import Values

SCHEMA: Final = 1


@dataclass(frozen=True)
class Resource:
    """One resource as it was last seen; times in seconds, 0 for the row's own."""

    urn: str
    type: str
    custom: bool = True
    id: str = ""
    parent: str = ""
    inputs: Values = field(default_factory=dict)
    outputs: Values = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    provider: str = ""
    protect: bool = False
    retain: bool = False
    delete_seconds: float = 0.0
    unfinished: bool = False
    """It exists, and what follows its making has not succeeded yet."""
    doomed: bool = False
    """Replaced by another of the same URN, and to be deleted."""

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.rpartition("::")[2]

    @cached_property
    def needs(self) -> frozenset[str]:
        """The URNs that must outlive this one."""
        of_properties = (urn for urns in self.property_dependencies.values() for urn in urns)
        provider = self.provider.rpartition("::")[0]
        return frozenset(urn for urn in (self.parent, provider, *self.dependencies, *of_properties) if urn)

    @cached_property
    def text(self) -> str:
        """Its JSON, made once: most resources stay the same from one write of the state to the next."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Intent:
    """Written down before a create, and crossed out by its answer."""

    token: str
    resource: Resource
    """As it will be, without id and outputs."""

    @cached_property
    def text(self) -> str:
        """Its JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class State:
    """A stack, frozen: the engine's ledger makes the next one."""

    project: str
    stack: str
    nonce: str = ""
    resources: tuple[Resource, ...] = ()
    intents: tuple[Intent, ...] = ()
    outputs: Values = field(default_factory=dict)

    def text(self) -> str:
        """The file's content: one resource a line."""
        head = {"schema": SCHEMA, "project": self.project, "stack": self.stack, "nonce": self.nonce}
        return (
            json.dumps(head)[:-1]
            + f', "outputs": {json.dumps(self.outputs)}'
            + f', "resources": {_lines(each.text for each in self.resources)}'
            + f', "intents": {_lines(each.text for each in self.intents)}'
            + "}\n"
        )


def _lines(texts: Iterable[str]) -> str:
    joined = ",\n ".join(texts)
    return f"[\n {joined}\n]" if joined else "[]"


def load(path: Path, project: str, stack: str) -> State:
    """The state in the file, or an empty one. Raises Refused for a file that is not this stack's state."""
    try:
        found = json.loads(path.read_text())
        if found["schema"] != SCHEMA:
            raise Refused(
                f"{path}",
                f"schema {found['schema']} where {SCHEMA} is known",
                "another version of Quorate wrote it",
                "Use that version, or take the lab down and start anew",
            )
        return _state(found, path, project, stack)
    except FileNotFoundError:
        return State(project, stack)
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(
            f"{path}", "it is not a readable state", str(error), "Take the lab down and start anew"
        ) from None


def _state(found: dict[str, Any], path: Path, project: str, stack: str) -> State:
    if (found["project"], found["stack"]) != (project, stack):
        raise Refused(
            f"{path}",
            f"it is the state of {found['project']}/{found['stack']}",
            f"this run is of {project}/{stack}",
            "Name another state file",
        )
    return State(
        project,
        stack,
        found["nonce"],
        tuple(_resource(each) for each in found["resources"]),
        tuple(Intent(each["token"], _resource(each["resource"])) for each in found["intents"]),
        found["outputs"],
    )


def _resource(found: dict[str, Any]) -> Resource:
    of_properties = {name: tuple(urns) for name, urns in found["property_dependencies"].items()}
    plain = {**found, "dependencies": tuple(found["dependencies"]), "property_dependencies": of_properties}
    return Resource(**plain)
