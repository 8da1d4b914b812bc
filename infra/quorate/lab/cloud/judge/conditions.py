"""The Condition block of a statement: does it hold for a request, and if not, what is in the way.

Source: "IAM JSON policy elements: Condition operators" and "Multivalued context keys".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from quorate.lab.cloud.judge import patterns
from quorate.lab.cloud.judge.ask import Ask


class Outcome(Enum):
    """UNKNOWN: the lab cannot tell, so an Allow does not help and a Deny stands."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Held:
    """Whether it holds; `why` names the operator and the key where it does not."""

    outcome: Outcome
    why: str = ""


YES = Held(Outcome.YES)

Match = Callable[[str, str], bool]
"""A value of the policy, a value of the request."""


def _equal(wanted: str, given: str) -> bool:
    return wanted == given


def _equal_ignoring_case(wanted: str, given: str) -> bool:
    return wanted.casefold() == given.casefold()


_OPERATORS: dict[str, tuple[Match, bool]] = {
    "stringequals": (_equal, True),
    "stringnotequals": (_equal, False),
    "stringequalsignorecase": (_equal_ignoring_case, True),
    "stringnotequalsignorecase": (_equal_ignoring_case, False),
    "stringlike": (patterns.like, True),
    "stringnotlike": (patterns.like, False),
    "arnequals": (patterns.arn_like, True),
    "arnlike": (patterns.arn_like, True),
    "arnnotequals": (patterns.arn_like, False),
    "arnnotlike": (patterns.arn_like, False),
    "bool": (_equal_ignoring_case, True),
}
_KNOWN = frozenset(
    {("", "null")} | {(q, name) for q in ("", "forallvalues", "foranyvalue") for name in _OPERATORS}
)


@dataclass(frozen=True)
class Condition:
    """One operator on one key."""

    operator: str
    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.operator} {self.key} {' | '.join(self.values)}"

    def holds(self, ask: Ask) -> Held:
        """For this request; an operator or a key that the lab does not know is UNKNOWN by name."""
        quantifier, name, if_exists = _parts(self.operator)
        given = ask.values(self.key)
        odd = self._odd(quantifier, name, given, ask)
        if odd:
            return Held(Outcome.UNKNOWN, odd)
        if name == "null":
            return self._result(str(not given).lower() in {value.lower() for value in self.values}, given)
        if not given and if_exists:
            return YES
        return self._result(self._compare(quantifier, *_OPERATORS[name], given), given)

    def _odd(self, quantifier: str, name: str, given: tuple[str, ...], ask: Ask) -> str:
        """What the lab does not know of it, empty when it can be told."""
        if not ask.tells(self.key):
            return f"the lab does not know the condition key {self.key} for {ask.action}"
        if (quantifier, name) not in _KNOWN:
            return f"the lab does not know the condition operator {self.operator}"
        if any(patterns.VARIABLE in value for value in self.values):
            return f"the lab does not know the policy variables in {self}"
        if not quantifier and name != "null" and len(given) > 1:
            return f"{self} meets {len(given)} values, which needs ForAllValues or ForAnyValue"
        return ""

    def _compare(self, quantifier: str, match: Match, positive: bool, given: tuple[str, ...]) -> bool:
        each = [any(match(wanted, value) for wanted in self.values) is positive for value in given]
        if quantifier == "forallvalues":
            return all(each)
        if quantifier == "foranyvalue":
            return any(each)
        return each[0] if each else not positive

    def _result(self, holds: bool, given: tuple[str, ...]) -> Held:
        if holds:
            return YES
        asked = " | ".join(given) if given else "(no such key)"
        return Held(Outcome.NO, f"{self}, and this is {asked}")


@lru_cache(maxsize=256)
def _parts(operator: str) -> tuple[str, str, bool]:
    """`ForAllValues:StringLikeIfExists` -> (forallvalues, stringlike, True)."""
    quantifier, _, name = operator.lower().rpartition(":")
    return quantifier, name.removesuffix("ifexists"), name.endswith("ifexists")


def hold(conditions: tuple[Condition, ...], ask: Ask) -> Held:
    """All of them together: one that fails decides, then one that is unknown."""
    unknown = None
    for condition in conditions:
        held = condition.holds(ask)
        if held.outcome is Outcome.NO:
            return held
        if held.outcome is Outcome.UNKNOWN:
            unknown = held
    return unknown or YES


def read(block: Mapping[str, Mapping[str, object]]) -> tuple[Condition, ...]:
    """The conditions of a statement's block."""
    return tuple(
        Condition(operator, key, tuple(_word(value) for value in _many(values)))
        for operator, tests in block.items()
        for key, values in tests.items()
    )


def _many(values: object) -> list[object]:
    return values if isinstance(values, list) else [values]


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
