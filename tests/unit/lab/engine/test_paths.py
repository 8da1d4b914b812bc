"""Property paths of ignoreChanges and replaceOnChanges."""

from __future__ import annotations

import pytest

from quorate.errors import UsageError
from quorate.lab.engine.paths import ignoring, parse, touches


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("tags", ("tags",)),
        ("tags.Name", ("tags", "Name")),
        ("rules[0].cidr", ("rules", 0, "cidr")),
        ('tags["a.b"]', ("tags", "a.b")),
        ("rules[*].cidr", ("rules", "*", "cidr")),
        ("*", ("*",)),
    ],
)
def test_a_path_has_steps(path: str, steps: tuple[str | int, ...]) -> None:
    assert parse(path) == steps


def test_a_path_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="is not a property path"):
        parse("tags[")


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("size",), {"size": 1, "tags": {"a": "new", "b": "new"}}),
        (("tags.a",), {"size": 2, "tags": {"a": "old", "b": "new"}}),
        (("tags.c",), {"size": 2, "tags": {"a": "new", "b": "new", "c": "old"}}),
        (("tags.b",), {"size": 2, "tags": {"a": "new"}}),
        (("tags[*]",), {"size": 2, "tags": {"a": "old", "c": "old"}}),
        (("*",), {"size": 1, "tags": {"a": "old", "c": "old"}}),
        (("absent",), {"size": 2, "tags": {"a": "new", "b": "new"}}),
    ],
)
def test_what_is_ignored_keeps_its_old_value(paths: tuple[str, ...], expected: object) -> None:
    old = {"size": 1, "tags": {"a": "old", "c": "old"}}
    new = {"size": 2, "tags": {"a": "new", "b": "new"}}
    assert ignoring(new, old, paths) == expected
    assert new == {"size": 2, "tags": {"a": "new", "b": "new"}}


def test_items_of_a_list_are_ignored_one_by_one() -> None:
    assert ignoring({"r": [{"c": 1}, {"c": 2}]}, {"r": [{"c": 0}]}, ("r[*].c",)) == {
        "r": [{"c": 0}, {"c": 2}]
    }


def test_a_path_touches_the_property_that_it_begins_with() -> None:
    assert touches(("tags.Name",), ("tags", "size")) == {"tags"}
    assert touches(("*",), ("tags", "size")) == {"tags", "size"}
