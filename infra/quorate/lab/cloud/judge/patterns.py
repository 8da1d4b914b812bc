"""IAM's wildcards, compiled once: `*` any text, `?` one character.

Source: "IAM JSON policy elements: Resource": within an ARN's segments; a `*` at the end of a segment also
reaches beyond its colon.
"""

from __future__ import annotations

import re
from functools import lru_cache

VARIABLE = "${"
"""Begins a policy variable, whose value the lab does not know."""


@lru_cache(maxsize=4096)
def _text(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    parts = ({"*": ".*", "?": "."}.get(letter) or re.escape(letter) for letter in pattern)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


@lru_cache(maxsize=4096)
def _arn(pattern: str) -> re.Pattern[str]:
    last = len(pattern) - 1
    parts = []
    for place, letter in enumerate(pattern):
        if letter == "*":
            ends_segment = place == last or pattern[place + 1] == ":"
            parts.append(".*" if ends_segment else "[^:]*")
        else:
            parts.append("[^:]" if letter == "?" else re.escape(letter))
    return re.compile("".join(parts), re.DOTALL)


def like(pattern: str, text: str) -> bool:
    """As StringLike: case matters."""
    return _text(pattern, False).fullmatch(text) is not None


def action_matches(pattern: str, action: str) -> bool:
    """Case does not matter in the names of services and actions."""
    return _text(pattern, True).fullmatch(action) is not None


def resource_matches(pattern: str, resource: str) -> bool:
    """An ARN's pattern; a shorter one than six segments is completed with wildcards, as AWS does."""
    if pattern == "*":
        return True
    missing = 5 - pattern.count(":")
    return _arn(pattern + ":*" * missing).fullmatch(resource) is not None


def arn_like(pattern: str, arn: str) -> bool:
    """As ArnLike: each of the six segments by itself."""
    wanted, given = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(given) == 6 and all(map(like, wanted, given))
