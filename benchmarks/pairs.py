"""Two ways to do one thing, timed in turn (A B A B …), so that a noisy machine disturbs both alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One ratio: ours to the other way's, each in seconds; `bound` is what we ask of the median ratio."""

    name: str
    ours: tuple[float, ...]
    other: tuple[float, ...]
    bound: float

    @property
    def ratios(self) -> tuple[float, ...]:
        return tuple(a / b for a, b in zip(self.ours, self.other, strict=True))

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    def row(self) -> str:
        """A line of the table in docs/benchmarks.md."""
        held = "yes" if self.ratio <= self.bound else "NO"
        spread = f"{shown(min(self.ratios))}-{shown(max(self.ratios))}"
        return (
            f"| {self.name} | {statistics.median(self.ours):.3f} s | {statistics.median(self.other):.3f} s "
            f"| {shown(self.ratio)} ({spread}, n={len(self.ours)}) "
            f"| {self.bound:g} | {held} |"
        )


def shown(ratio: float) -> str:
    """Two digits after the point, or two that are not zero."""
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


HEAD = (
    "| figure | ours, median | beside, median | ratio, median (min-max) | at most | held |\n"
    "|---|---|---|---|---|---|"
)


def paired(
    name: str, bound: float, ours: Callable[[], float], other: Callable[[], float], runs: int
) -> Figure:
    """`runs` pairs of seconds, each from one call of `ours` and one of `other`, after one pair not counted
    when there are many."""
    if runs >= 10:
        ours(), other()
    times = [(ours(), other()) for _ in range(runs)]
    return Figure(name, tuple(a for a, _ in times), tuple(b for _, b in times), bound)
