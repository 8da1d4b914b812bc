"""What a read means for the inputs: what the program said, unless AWS now has it otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.lab.provider.schema import Kind, Property, same
from quorate.lab.provider.values import Values


def inputs_seen(properties: Mapping[str, Property], known: Values, seen: Values) -> Values:
    """The inputs after a read.

    Only what the program said is looked at. What AWS does not tell (None) stays as it was said; what means
    the same stays in the program's own words; the rest becomes what AWS has.
    """
    result = {}
    for name, said in known.items():
        wanted = properties.get(name)
        if wanted is None:
            result[name] = said
        elif not wanted.write_only:
            value = _merged(wanted, said, seen.get(name))
            if value not in (None, "", [], {}) or value == said:
                result[name] = value
    for name, wanted in properties.items():
        # What a program left out and AWS has anyway is drift only where leaving out means a certain value.
        open_ = name in known or wanted.computed or wanted.write_only or seen.get(name) is None
        if not open_ and not same(wanted, seen[name], None):
            result[name] = seen[name]
    return result


def inputs_found(properties: Mapping[str, Property], seen: Values) -> Values:
    """The inputs of something that no program has said anything of yet."""
    return {name: seen[name] for name in properties if seen.get(name) not in (None, "", [], {})}


def _merged(wanted: Property, said: Any, seen: Any) -> Any:
    if seen is None or same(wanted, said, seen):
        return said
    match wanted.kind:
        case Kind.BLOCK if isinstance(said, dict) and isinstance(seen, dict):
            return _block(wanted.fields, said, seen)
        case Kind.BLOCKS if isinstance(said, list) and len(said) == len(seen):
            return [_block(wanted.fields, *pair) for pair in zip(said, seen, strict=True)]
        case _:
            return seen


def _block(fields: Mapping[str, Property], said: Values, seen: Values) -> Values:
    # AWS fills in fields of a block that nobody asked for; they say nothing of drift.
    return {name: _merged(fields[name], value, seen.get(name)) for name, value in said.items()}
