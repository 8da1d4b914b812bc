"""What a call needs to be allowed: an action on a resource, with what is known of the condition keys.

Source: "Actions, resources, and condition keys for AWS services" (service authorization reference).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Ask:
    """One action on one resource.

    `resource` is an ARN, `*` for actions that AWS cannot limit to one, or None where the lab cannot say.
    `context` holds the condition keys of the request, in lower case. `known` are the keys of which the lab
    can tell whether a request has them (`kms:encryptioncontext:*` stands for all that begin so): a condition
    on any other key cannot be judged.
    """

    action: str
    resource: str | None
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: frozenset[str] = frozenset()

    def tells(self, key: str) -> bool:
        """Whether the lab can say if the request has this key."""
        key = key.lower()
        if key in self.context or key in self.known:
            return True
        return any(name.endswith("*") and key.startswith(name[:-1]) for name in self.known)

    def values(self, key: str) -> tuple[str, ...]:
        """The request's values of a key, none when it does not have it."""
        return self.context.get(key.lower(), ())


def context(pairs: Iterable[tuple[str, str | Iterable[str]]]) -> dict[str, tuple[str, ...]]:
    """Condition keys as `Ask` holds them; keys without a value are left out."""
    made = {}
    for key, value in pairs:
        values = (value,) if isinstance(value, str) else tuple(value)
        if values:
            made[key.lower()] = values
    return made
