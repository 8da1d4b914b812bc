"""Property values as the provider sees them: plain Python, and one mark for what is not known yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Values = dict[str, Any]
"""Properties by their Pulumi (camelCase) names."""


class _Unknown:
    """A value that only an update will produce."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __copy__(self) -> _Unknown:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> _Unknown:
        return self


UNKNOWN: Final = _Unknown()


def holds_unknown(value: Any) -> bool:
    """Is there an unknown anywhere inside?"""
    if value is UNKNOWN:
        return True
    if isinstance(value, Mapping):
        return any(holds_unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(holds_unknown(item) for item in value)
    return False
