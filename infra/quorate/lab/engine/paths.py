"""Property paths of ignoreChanges and replaceOnChanges: a, a.b, a[0].b, a[*], a["b.c"]."""

from __future__ import annotations

import copy
import re
from typing import Any, Final

from quorate.errors import UsageError
from quorate.lab.provider.values import Values

_STEP: Final = re.compile(r'\.?([A-Za-z_$*][\w$*-]*)|\[(\d+|\*)\]|\["([^"]*)"\]')
_ABSENT: Final = object()


def parse(path: str) -> tuple[str | int, ...]:
    """The steps of a path. Raises UsageError."""
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise UsageError(f"{path}: is not a property path such as tags.Name or rules[0].cidr")
        name, index, quoted = found.groups()
        steps.append(int(index) if index and index.isdigit() else index or (quoted if name is None else name))
        at = found.end()
    return tuple(steps)


def ignoring(new: Values, old: Values, paths: tuple[str, ...]) -> Values:
    """The new inputs with the old values at these paths."""
    result = copy.deepcopy(new) if paths else new
    for path in paths:
        _restore(result, old, parse(path))
    return result


def _restore(new: Any, old: Any, steps: tuple[str | int, ...]) -> None:
    step, rest = steps[0], steps[1:]
    if step == "*":
        for each in _steps(new) | _steps(old):
            _restore(new, old, (each, *rest))
        return
    before = _at(old, step)
    if rest and before is not _ABSENT and _at(new, step) is not _ABSENT:
        _restore(_at(new, step), before, rest)
    elif isinstance(new, dict):
        if before is _ABSENT:
            new.pop(step, None)
        else:
            new[step] = before
    elif isinstance(new, list) and isinstance(step, int) and before is not _ABSENT and step < len(new):
        new[step] = before


def _steps(value: Any) -> set[str | int]:
    if isinstance(value, dict):
        return set(value)
    return set(range(len(value))) if isinstance(value, list) else set()


def _at(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step, _ABSENT)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return _ABSENT


def touches(paths: tuple[str, ...], changed: tuple[str, ...]) -> set[str]:
    """The changed top-level properties that one of the paths begins with."""
    heads = {parse(path)[0] for path in paths}
    return {name for name in changed if name in heads or "*" in heads}
