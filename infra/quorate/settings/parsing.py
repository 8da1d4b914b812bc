"""The raw configuration map, as Pulumi hands it over, into `Settings`, or one line for each bad value."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from quorate.settings import rules
from quorate.settings.model import Bound, Pool, Settings
from quorate.settings.problems import Problem, SettingsRefused

# IAM allows 64 characters in a role's name, and `-manager` is appended
LONGEST_CLUSTER = 56
CLUSTER = re.compile(rf"(?!(?i:aws|ssm|sg-))[A-Za-z][A-Za-z0-9_-]{{1,{LONGEST_CLUSTER - 1}}}")
MISSING = "(not set)"
STRUCTURED = ("zones", "layout", "workers", "tags")


def parse(config: Mapping[str, object], *, project: str, stack: str) -> Settings:
    """The settings of `config`, a map such as {"quorate:managers": "5", "aws:region": …}.

    Only keys of the namespace `project` are read. Objects and lists may come as JSON texts, numbers and
    booleans as texts. Raises SettingsRefused with every problem that can be seen at once.
    """
    prefix = f"{project}:"
    own = {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}
    found = _cluster_name(f"{project}-{stack}")
    raw: dict[str, object] = {}
    for key, value in own.items():
        try:
            raw[key] = json.loads(value) if key in STRUCTURED and isinstance(value, str) else value
        except ValueError:
            found.append(Problem(key, value, *_bound(Settings, (key,))))
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        found += [_problem(details) for details in error.errors(include_url=False)]
    else:
        found += rules.problems(settings)
        if not found:
            return settings
    raise SettingsRefused(project, _innermost(found))


def _cluster_name(name: str) -> list[Problem]:
    if CLUSTER.fullmatch(name):
        return []
    return [
        Problem(
            "stack",
            name,
            f"project and stack together must be at most {LONGEST_CLUSTER} of letters, digits, - and _, "
            "a letter first, and not start with aws, ssm or sg-",
            "<project>-<stack> is the cluster's name, and roles, keys and groups are named after it",
        )
    ]


def _innermost(problems: Sequence[Problem]) -> list[Problem]:
    """One problem for each key, and none for a list or object that has one for something in it."""
    first = {problem.key: problem for problem in reversed(problems)}
    return [
        problem
        for key, problem in reversed(first.items())
        if not any(other.startswith((f"{key}[", f"{key}.")) for other in first)
    ]


def _problem(details: ErrorDetails) -> Problem:
    where = details["loc"]
    if details["type"] == "missing":
        return Problem(_path(where), MISSING, *_bound(Settings, where))
    if details["type"] == "extra_forbidden":
        return _unknown_key(where, details["input"])
    return Problem(_path(where), details["input"], *_bound(Settings, where))


def _unknown_key(where: Sequence[int | str], value: object) -> Problem:
    known = [field.alias or name for name, field in _model_at(where).model_fields.items()]
    given = str(where[-1])
    nearest = difflib.get_close_matches(given, known, n=1, cutoff=0.0)[0]
    return Problem(
        _path(where), value, f"there is no such key, the nearest is {nearest}", f"keys are {', '.join(known)}"
    )


def _path(where: Sequence[int | str]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where if part != "[key]")
    return text.removeprefix(".")


def _model_at(where: Sequence[int | str]) -> type[BaseModel]:
    return Pool if len(where) > 2 and where[0] == "workers" else Settings


def _bound(model: type[BaseModel], where: Sequence[int | str]) -> tuple[str, str]:
    """The bound that stands beside the field at `where`, the innermost that there is."""
    if model is Settings and _model_at(where) is Pool:
        return _bound(Pool, where[2:])
    field = next(field for name, field in model.model_fields.items() if where[0] in (name, field.alias))
    bound: Any = next(item for item in field.metadata if isinstance(item, Bound))
    return bound.accepts, bound.reason
