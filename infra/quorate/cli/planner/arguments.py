"""The words of a call: layouts, zones and probabilities from text, one clear line for what cannot be read."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Sequence

from quorate.layout.bounds import MAX_MANAGERS, MAX_ZONES, Spread, as_spread, whole
from quorate.layout.errors import LayoutError
from quorate.layout.goals import Goal, as_goal
from quorate.layout.probability import NODE_OUTAGE, ZONE_OUTAGE
from quorate.layout.zones import Zone, as_zones

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    T = TypeVar("T")

Goals = tuple(str(goal) for goal in Goal)


class Usage(Exception):
    """The words of a call cannot be used; one line for a person."""


def said(convert: Callable[[str], T]) -> Callable[[str], T]:
    """Lets the layout room's message through argparse, which replaces a ValueError's by its own."""

    def converted(text: str) -> T:
        try:
            return convert(text)
        except LayoutError as error:
            raise Usage(str(error)) from None

    return converted


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help of a fixed width: asking for the terminal's would import half of the standard library."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=80)


class Words(argparse.ArgumentParser):
    """A parser that speaks one line, and takes `-1,2,2` for a (bad) layout and not for an option."""

    def __init__(self, verb: str, about: str, examples: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            prog=f"quorum-layout {verb}",
            description=about,
            epilog="\n".join(["examples:", *(f"  $ {call}\n{_indented(shown)}" for call, shown in examples)]),
            formatter_class=_Help,
            allow_abbrev=False,
        )
        self.options: list[str] = ["--help"]
        """What completion offers."""

    def add_argument(self, *names: str, **settings: Any) -> argparse.Action:
        if hasattr(self, "options"):  # the parser's own --help comes before there is a list
            self.options += [name for name in names if name.startswith("--")]
        return super().add_argument(*names, **settings)

    def error(self, message: str) -> object:  # type: ignore[override]
        raise Usage(f"{message}. {self.prog} --help shows how")

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        return self.parse_args([f" {word}" if re.match(r"-\d", word) else word for word in words])

    def add_zones(self) -> None:
        """The options that describe zones and chances, the same for every verb."""
        self.add_argument("--zones", type=counted("zones"), metavar="K", help="over K alike zones")
        self.add_argument(
            "--zone",
            action="append",
            metavar="NAME[=P]",
            help="one zone by name, P the probability that it is out; repeat for each zone",
        )
        self.add_argument(
            "--zone-outage",
            type=chance,
            metavar="P",
            help=f"probability at an instant that a zone is out (default {ZONE_OUTAGE})",
        )
        self.add_argument(
            "--node-outage",
            type=chance,
            metavar="P",
            help=f"probability at an instant that a node is out by itself (default {NODE_OUTAGE})",
        )

    def add_goal(self) -> None:
        self.add_argument(
            "--survive",
            type=goal,
            default=Goal.ZONE,
            metavar="GOAL",
            help=f"what the quorum must survive: {', '.join(Goals)} (default %(default)s)",
        )
        self.add_argument("--strict", action="store_true", help="refuse an even number of managers")

    def add_pictures(self) -> None:
        self.add_argument("--svg", metavar="FILE", help="draw the (best) layout into FILE")
        self.add_argument(
            "--html", metavar="FILE", help="write one self-contained page to FILE to try changes"
        )

    def add_json(self) -> None:
        self.add_argument("--json", action="store_true", help="one JSON document on stdout, for scripts")


@said
def layout(text: str) -> Spread:
    """A layout as it is typed, 2,2,1: managers per zone."""
    words = text.strip().split(",")
    if not all(re.fullmatch(r"[+-]?\d{1,30}", word.strip()) for word in words):
        raise Usage(
            f"layout {shortened(text)} is no list of whole numbers: write managers per zone, as 2,2,1"
        )
    return as_spread(int(word) for word in words)


@said
def counts(text: str) -> list[int]:
    """Numbers of managers: 5, or 3-9, or 3,5,7."""
    found: list[int] = []
    for part in text.strip().split(","):
        match = re.fullmatch(r"([+-]?\d{1,30})(?:(?:-|\.\.)(\d{1,30}))?", part.strip())
        if not match:
            raise Usage(f"managers {shortened(text)}: write a number, a range as 3-9, or a list as 3,5,7")
        low = whole(int(match[1]), "the count of managers", 1, MAX_MANAGERS)
        high = whole(int(match[2] or match[1]), "the count of managers", 1, MAX_MANAGERS)
        if low > high:
            raise Usage(f"managers {shortened(text)}: the range starts above its end, write {high}-{low}")
        found += range(low, high + 1)
    return list(dict.fromkeys(found))


def counted(what: str, low: int = 1, high: int = MAX_ZONES) -> Callable[[str], int]:
    """A converter for a whole number within bounds."""

    @said
    def convert(text: str) -> int:
        if not re.fullmatch(r"[+-]?\d{1,30}", text.strip()):
            raise Usage(f"{what} {shortened(text)} is no whole number: the bound is {low} to {high}")
        return whole(int(text), f"the count of {what}", low, high)

    return convert


@said
def chance(text: str) -> float:
    """A probability from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        raise Usage(f"probability {shortened(text)} is no number: write one from 0 to 1, as 0.0001") from None
    if not 0 <= value <= 1:
        raise Usage(f"probability {shortened(text)}: a probability lies between 0 and 1")
    return value


def hours(text: str) -> float:
    """Hours above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise Usage(f"hours {shortened(text)}: a number above 0 is needed")
    return value


@said
def goal(text: str) -> Goal:
    return as_goal(text.strip())


def zones(words: argparse.Namespace, needed: int | None = None) -> tuple[Zone, ...]:
    """The zones of a call: named ones, or `--zones` alike ones, or as many as `needed`."""
    usual = ZONE_OUTAGE if words.zone_outage is None else words.zone_outage
    if words.zone and words.zones is not None and len(words.zone) != words.zones:
        raise Usage(f"--zones {words.zones} with {len(words.zone)} named zones: give one of the two")
    if words.zone:
        named = as_zones([_zone(text, usual) for text in words.zone])
    elif words.zones is not None or needed is not None:
        named = as_zones(words.zones or needed or 0, usual)
    else:
        raise Usage("over which zones? Give --zones K, or --zone NAME for each")
    if needed is not None and len(named) != needed:
        raise Usage(f"{len(named)} zones for a layout of {needed} numbers: give one number for each zone")
    return named


def _zone(text: str, usual: float) -> Zone:
    name, given, outage = text.partition("=")
    return Zone(name.strip(), chance(outage) if given else usual)


def refuse_even(managers: int, strict: bool) -> None:
    """With --strict an even number of managers is bad usage."""
    if strict and managers % 2 == 0:
        raise Usage(
            f"{managers} managers with --strict: an even one tolerates no more than {managers - 1} do"
        )


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the known word that was likely meant, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def shortened(text: str) -> str:
    """What was given, quoted, not longer than a line can bear."""
    return repr(text.strip() if len(text) <= 40 else f"{text.strip()[:37]}…")


def _indented(shown: str) -> str:
    return "".join(f"    {line}\n" if line else "\n" for line in shown.splitlines())
