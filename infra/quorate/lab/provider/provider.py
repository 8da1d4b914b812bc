"""The lab's resource provider: check, diff, create, read, update, delete, invoke, over boto3.

One object for both ways of running the program: in process, and behind `pulumi-resource-aws` for the CLI.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass

from quorate.errors import QuorateError, UsageError
from quorate.lab.provider import functions
from quorate.lab.provider.aws import Aws
from quorate.lab.provider.configuration import Configuration, verify
from quorate.lab.provider.observed import inputs_found, inputs_seen
from quorate.lab.provider.row import Change, Made, Row, Wait
from quorate.lab.provider.rows import ROWS
from quorate.lab.provider.schema import Failure, Kind, changed, clean
from quorate.lab.provider.values import UNKNOWN, Values

DEFAULTS = "__defaults"
"""Beside the inputs: the names of those that the provider itself filled in."""


@dataclass(frozen=True)
class Checked:
    """Inputs ready for use, or why they are not."""

    inputs: Values
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class Diff:
    """What differs, what of it makes a new resource, and whether the old one must go first."""

    changed: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    delete_before_replace: bool = False


@dataclass(frozen=True)
class Thing:
    """Something that exists: its id, inputs without what is write-only, and outputs."""

    id: str
    inputs: Values
    outputs: Values


class PartlyMade(QuorateError):
    """It exists, and what follows its making failed; making it again must go on from here."""

    def __init__(self, thing: Thing, cause: QuorateError) -> None:
        super().__init__(str(cause))
        self.thing = thing
        self.cause = cause


class Provider:
    """Answers for one region of one lab; safe to use from several threads."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._called_off = threading.Event()

    @classmethod
    def configure(cls, configuration: Configuration, nonce: str) -> Provider:
        """A provider for the lab's cloud. Raises Refused for any other."""
        verify(configuration, nonce)
        return cls(Aws(configuration.endpoints, configuration.region))

    def call_off(self) -> None:
        """Ends every wait that is under way."""
        self._called_off.set()

    def row(self, token: str) -> Row:
        """The row of a type. Raises UsageError for a type that the lab does not have."""
        if token not in ROWS:
            raise UsageError(
                f"the lab does not know the resource type {token}; add a row for it or take it out"
            )
        return ROWS[token]

    def check(self, token: str, name: str, old: Values, new: Values, seed: bytes = b"") -> Checked:
        """The inputs in the row's shapes, with a name where the program gives none.

        The CLI hands over a seed, so that what it has planned gets the name that it has shown.
        """
        row = self.row(token)
        inputs, failures = clean(row.properties, new)
        named = row.name_property
        if named and named not in inputs:
            prefix = "alias/" if token.endswith(":Alias") else ""
            kept = old.get(named) if named in old.get(DEFAULTS, []) else None
            random = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(4)
            inputs[named] = kept or f"{prefix}{name}-{random[:7]}"
            inputs[DEFAULTS] = [named]
        if not failures:
            failures = row.check(inputs)
        return Checked(inputs, tuple(failures))

    def diff(self, token: str, old: Values, new: Values) -> Diff:
        """Compares checked inputs with those of the last time."""
        row = self.row(token)
        names = changed(row.properties, old, new)
        forced = row.forces_new(old, new, names)
        replaces = [name for name in names if row.properties[name].replaces or name in forced]
        return Diff(tuple(names), tuple(replaces), bool(replaces) and self._name_stays(row, old, new))

    @staticmethod
    def _name_stays(row: Row, old: Values, new: Values) -> bool:
        # Two things of one name cannot be side by side; a name that the provider made up is made up anew.
        named = row.name_property
        return named is not None and named not in new.get(DEFAULTS, []) and old.get(named) == new.get(named)

    def create(self, token: str, inputs: Values, intent: str | None = None, seconds: float = 0) -> Thing:
        """Makes it. Raises PartlyMade where it exists and is not finished."""
        row = self.row(token)
        made = row.make(self._aws, inputs, intent)
        return self._settled(row, made, inputs, seconds)

    def _settled(self, row: Row, made: Made, inputs: Values, seconds: float) -> Thing:
        told = dict(made.outputs)
        try:
            if not made.settled:
                told |= row.settle(
                    self._aws, made.id, inputs, made.outputs, self._wait(seconds or row.create_seconds)
                )
        except QuorateError as error:
            raise PartlyMade(self._thing(row, made.id, inputs, told), error) from error
        return self._thing(row, made.id, inputs, told)

    def find(self, token: str, inputs: Values, intent: str) -> list[str]:
        """The ids of what an interrupted `create` with these inputs may have left behind."""
        return self.row(token).find(self._aws, inputs, intent)

    def storable(self, token: str, inputs: Values) -> Values:
        """The inputs without what is kept nowhere."""
        row = self.row(token)
        return {
            name: value
            for name, value in inputs.items()
            if not (name in row.properties and row.properties[name].write_only)
        }

    def write_only(self, token: str) -> set[str]:
        """The properties that are kept nowhere, and so may be secret."""
        return {name for name, wanted in self.row(token).properties.items() if wanted.write_only}

    def finish(self, token: str, id_: str, inputs: Values, seconds: float = 0) -> Thing | None:
        """Finishes what was partly made; None where it is gone."""
        row = self.row(token)
        if row.read(self._aws, id_, inputs) is None:
            return None
        thing = self._settled(row, Made(id_), inputs, seconds)
        return self.read(token, id_, thing.inputs)

    def read(self, token: str, id_: str, inputs: Values | None) -> Thing | None:
        """As AWS has it now; None where it is gone. Without inputs they are what AWS has."""
        row = self.row(token)
        seen = row.read(self._aws, id_, inputs or {})
        if seen is None:
            return None
        id_ = seen.pop("id", id_)
        known = inputs_seen(row.properties, inputs, seen) if inputs else inputs_found(row.properties, seen)
        return self._thing(
            row, id_, known, {name: value for name, value in seen.items() if value is not None}
        )

    def update(self, token: str, id_: str, old: Thing, new: Values, seconds: float = 0) -> Thing:
        """Brings it from the old inputs to the new ones."""
        row = self.row(token)
        names = changed(row.properties, old.inputs, new)
        change = Change(old.inputs, new, names)
        told = row.update(self._aws, id_, change, self._wait(seconds or row.update_seconds))
        kept = {
            name: value for name, value in old.outputs.items() if name not in row.properties or name in new
        }
        return self._thing(row, told.pop("id", id_), new, kept | told)

    def delete(self, token: str, id_: str, inputs: Values, seconds: float = 0) -> None:
        """Deletes it and waits until it is gone."""
        row = self.row(token)
        row.delete(self._aws, id_, inputs, self._wait(seconds or row.delete_seconds))

    def foreseen(self, token: str, new: Values, old: Thing | None) -> Values:
        """The outputs that a create (or with `old` an update) would give, as far as they are known before."""
        row = self.row(token)
        if old is None:
            open_ = set(row.outputs) | {name for name, wanted in row.properties.items() if wanted.computed}
            return self._thing(row, "", new, dict.fromkeys(open_ - set(new), UNKNOWN)).outputs
        fresh = row.fresh(new, changed(row.properties, old.inputs, new))
        return self._thing(row, old.id, new, old.outputs | dict.fromkeys(fresh, UNKNOWN)).outputs

    def invoke(self, token: str, arguments: Values) -> Values:
        """Answers a function (data source)."""
        return functions.invoke(self._aws, token, arguments)

    def _wait(self, seconds: float) -> Wait:
        return Wait(seconds, self._called_off)

    def _thing(self, row: Row, id_: str, inputs: Values, told: Values) -> Thing:
        kept = self.storable(row.token, inputs)
        outputs = {name: value for name, value in told.items() if not name.startswith("_")}
        outputs |= {name: value for name, value in kept.items() if name != DEFAULTS}
        if "tags" in row.properties and row.properties["tags"].kind is Kind.TEXT_MAP:
            outputs["tagsAll"] = kept.get("tags", {})
        if row.regional:
            outputs["region"] = self._aws.region
        return Thing(id_, kept, outputs)
