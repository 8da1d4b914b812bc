"""Pulumi.yaml and Pulumi.<stack>.yaml, as the CLI reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

from quorate.errors import UsageError

TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str, int, float, bool),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True)
class Project:
    """A Pulumi project: its name, the program's directory, and what it declares of its configuration."""

    directory: Path
    name: str
    program: Path
    declared: Mapping[str, Any]

    @classmethod
    def read(cls, directory: Path) -> Project:
        """From the directory of Pulumi.yaml. Raises UsageError."""
        path = directory / "Pulumi.yaml"
        found = _mapping(path)
        if not isinstance(found.get("name"), str):
            raise UsageError(f"{path}: name is missing; a project has a name")
        main = directory / str(found.get("main", "."))
        program = main / "__main__.py" if main.is_dir() else main
        if not program.is_file():
            raise UsageError(f"{path}: main is {found.get('main', '.')!r}, and there is no program {program}")
        return cls(directory, found["name"], program, found.get("config") or {})

    def configuration(self, stack: str, overrides: Mapping[str, str] | None = None) -> dict[str, str]:
        """The flat map of a stack: declared defaults, the stack's file, then the overrides."""
        path = self.directory / f"Pulumi.{stack}.yaml"
        given = _mapping(path).get("config") or {} if path.exists() else {}
        flat = {self._key(key): _text(path, key, value) for key, value in given.items() if value is not None}
        flat |= overrides or {}
        for key, about in self.declared.items():
            self._declare(flat, self._key(key), about)
        return flat

    def _key(self, key: str) -> str:
        return key if ":" in key else f"{self.name}:{key}"

    def _declare(self, flat: dict[str, str], key: str, about: Any) -> None:
        if not isinstance(about, dict):
            about = {"value": about}
        default = about.get("value", about.get("default"))
        if key not in flat and default is not None:
            flat[key] = _flat(default)
        wanted = about.get("type")
        if wanted in TYPES and key in flat and not isinstance(_parsed(flat[key]), TYPES[wanted]):
            raise UsageError(
                f"{key}: is {flat[key]}, not of type {wanted}; correct the stack's configuration"
            )


def _mapping(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); name the directory of Pulumi.yaml"
        ) from None
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: is not YAML: {' '.join(str(error).split())}") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise UsageError(f"{path}: is not a map of settings")
    return found


def _text(path: Path, key: str, value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"secure"}:
        raise UsageError(
            f"{path}: {key} is encrypted; the lab has no passphrase and needs no secret, take it out"
        )
    return _flat(value)


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
