"""What a row says of its properties, and what follows from it: checking, comparing, replacing.

A property that a row does not list is refused by name: the lab consumes all of a resource or none of it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from quorate.lab.provider.values import UNKNOWN, Values


class Kind(StrEnum):
    """The shape of a property."""

    TEXT = "text"
    WHOLE = "whole"  # an integer; on the wire every number is a float
    FLAG = "flag"
    FLAG_TEXT = "flag-text"  # "true" | "false" | "": a boolean that may be left open
    JSON = "json"  # text that holds a JSON document
    TEXTS = "texts"  # an ordered list of text
    TEXT_SET = "text-set"
    TEXT_MAP = "text-map"
    BLOCK = "block"
    BLOCKS = "blocks"  # an ordered list of blocks
    BLOCK_SET = "block-set"


@dataclass(frozen=True)
class Property:
    """One input of a resource type.

    `replaces` cites where the official provider says that a change makes a new resource.
    `default` is what the official provider fills in where the program says nothing.
    `computed`: left out means "as it is", so that taking it out of a program changes nothing.
    `write_only`: handed to AWS and kept nowhere.
    """

    kind: Kind
    required: bool = False
    replaces: str | None = None
    default: Any = None
    computed: bool = False
    write_only: bool = False
    fields: Mapping[str, Property] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """Why an input cannot be used."""

    property: str
    reason: str


class _Cleaner:
    """Brings inputs into the row's shapes and collects what is wrong with them."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []

    def block(self, properties: Mapping[str, Property], given: Mapping[str, Any], where: str) -> Values:
        for name in given:
            if name not in properties and given[name] is not None:
                self.failures.append(Failure(where + name, _no_such(name, properties)))
        for name, wanted in properties.items():
            if wanted.required and given.get(name) is None:
                self.failures.append(Failure(where + name, "is required"))
        return {
            name: self.value(properties[name], value, where + name)
            for name, value in given.items()
            if name in properties and value is not None
        }

    def value(self, wanted: Property, value: Any, where: str) -> Any:  # noqa: PLR0911 - one return a shape
        if value is UNKNOWN:
            return UNKNOWN
        match wanted.kind:
            case Kind.TEXT | Kind.JSON:
                return self._text(wanted, value, where)
            case Kind.WHOLE:
                return self._whole(value, where)
            case Kind.FLAG:
                return self._flag(value, where)
            case Kind.FLAG_TEXT:
                return value if value in ("true", "false", "") else str(self._flag(value, where)).lower()
            case Kind.TEXTS | Kind.TEXT_SET:
                return [
                    self._text(wanted, item, f"{where}[{i}]")
                    for i, item in enumerate(self._list(value, where))
                ]
            case Kind.TEXT_MAP:
                return {
                    key: self._text(wanted, item, f"{where}.{key}")
                    for key, item in self._map(value, where).items()
                }
            case Kind.BLOCK:
                return self.block(wanted.fields, self._map(value, where), where + ".")
            case Kind.BLOCKS | Kind.BLOCK_SET:
                return [
                    item
                    if item is UNKNOWN
                    else self.block(wanted.fields, self._map(item, f"{where}[{i}]"), f"{where}[{i}].")
                    for i, item in enumerate(self._list(value, where))
                ]

    def _wrong(self, where: str, value: Any, wanted: str) -> None:
        self.failures.append(Failure(where, f"is {json.dumps(value, default=str)}, not {wanted}"))

    def _text(self, wanted: Property, value: Any, where: str) -> Any:
        if value is UNKNOWN:
            return value
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int | float):
            return str(int(value)) if float(value).is_integer() else str(value)
        if not isinstance(value, str):
            self.failures.append(Failure(where, "is not text"))
        elif wanted.kind is Kind.JSON:
            try:
                json.loads(value)
            except ValueError as wrong:
                self.failures.append(Failure(where, f"is not a JSON document: {wrong}"))
        return value

    def _whole(self, value: Any, where: str) -> Any:
        if isinstance(value, str) and value.lstrip("-").isdigit():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
            self._wrong(where, value, "a whole number")
            return value
        return int(value)

    def _flag(self, value: Any, where: str) -> Any:
        if value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            self._wrong(where, value, "true or false")
        return value

    def _list(self, value: Any, where: str) -> list[Any]:
        if not isinstance(value, list):
            self._wrong(where, value, "a list")
            return []
        return value

    def _map(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._wrong(where, value, "a map")
            return {}
        return value


def _no_such(name: str, properties: Mapping[str, Property]) -> str:
    near = difflib.get_close_matches(name, properties, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"is a property that the lab does not know{hint}; it knows {', '.join(sorted(properties))}"


def clean(properties: Mapping[str, Property], given: Mapping[str, Any]) -> tuple[Values, list[Failure]]:
    """The inputs in the row's shapes (whole numbers as int, nulls left out), and what is wrong with them."""
    cleaner = _Cleaner()
    return cleaner.block(properties, given, ""), cleaner.failures


def same(wanted: Property, old: Any, new: Any) -> bool:  # noqa: PLR0911 - one return a shape
    """Do two values of this property mean the same to AWS?"""
    old = wanted.default if old is None else old
    new = wanted.default if new is None else new
    if new is None and wanted.computed:
        return True
    if old is UNKNOWN or new is UNKNOWN:
        return False
    if old is None or new is None:
        return _empty(old) and _empty(new)
    match wanted.kind:
        case Kind.JSON:
            return _same_document(old, new)
        case Kind.TEXT_SET:
            return UNKNOWN not in new and sorted(set(old)) == sorted(set(new))
        case Kind.TEXT_MAP:
            return bool(old == new)
        case Kind.BLOCK:
            return _same_block(wanted, old, new)
        case Kind.BLOCKS:
            return len(old) == len(new) and all(
                _same_block(wanted, *pair) for pair in zip(old, new, strict=True)
            )
        case Kind.BLOCK_SET:
            return _same_blocks(wanted, list(old), list(new))
        case _:
            return bool(old == new)


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _same_document(old: str, new: str) -> bool:
    if old == new:
        return True
    try:
        return bool(json.loads(old) == json.loads(new))
    except ValueError:
        return False


def _same_block(wanted: Property, old: Any, new: Any) -> bool:
    if old is UNKNOWN or new is UNKNOWN:
        return False
    return not any(_changed(wanted.fields, old, new))


def _same_blocks(wanted: Property, old: list[Any], new: list[Any]) -> bool:
    if len(old) != len(new):
        return False
    for block in new:
        twin = next((i for i, other in enumerate(old) if _same_block(wanted, other, block)), None)
        if twin is None:
            return False
        del old[twin]
    return True


def _changed(
    properties: Mapping[str, Property], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[str]:
    for name, wanted in properties.items():
        if not wanted.write_only and not same(wanted, old.get(name), new.get(name)):
            yield name


def changed(properties: Mapping[str, Property], old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The names of the properties whose meaning differs; write-only ones have nothing to compare with."""
    return list(_changed(properties, old, new))
