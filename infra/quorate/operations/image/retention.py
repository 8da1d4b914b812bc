"""Which old images go: pure, values in and values out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from quorate.operations.image.aws import Image


@dataclass(frozen=True)
class Rule:
    """Of each role the newest `newest` stay, and everything younger than `days`."""

    newest: int = 3
    days: int = 14


@dataclass(frozen=True)
class Judged:
    """One image and why it stays; it goes when there is no such reason."""

    image: Image
    stays: str | None


def judge(
    images: Iterable[Image],
    rule: Rule,
    *,
    in_use: Mapping[str, str],
    published: Collection[str],
    now: datetime,
) -> tuple[Judged, ...]:
    """Newest first. An image in use, published (now or before) or shared with others never goes."""
    ordered = sorted(images, key=lambda image: image.created, reverse=True)
    ranks: dict[str, int] = {}
    verdicts = []
    for image in ordered:
        ranks[image.role] = ranks.get(image.role, 0) + 1
        reason = _tied(image, in_use, published) or _recent(image, ranks[image.role], rule, now)
        verdicts.append(Judged(image, reason))
    return tuple(verdicts)


def _tied(image: Image, in_use: Mapping[str, str], published: Collection[str]) -> str | None:
    if image.id in in_use:
        return f"in use: {in_use[image.id]}"
    if image.id in published:
        return "published, or what a roll back would take"
    if image.shared_with:
        return f"shared with {', '.join(image.shared_with)}, whose use cannot be seen from here"
    return None


def _recent(image: Image, rank: int, rule: Rule, now: datetime) -> str | None:
    if rank <= rule.newest:
        return f"one of the {rule.newest} newest of its role"
    age = now - image.created
    if age < timedelta(days=rule.days):
        return f"{age.days} days old, younger than {rule.days}"
    return None
