"""Steps with their times: live on a terminal, one plain line for each step elsewhere."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.table import Table

NAME_WIDTH = 20


@dataclass
class Step:
    name: str
    began: float
    ended: float | None = None
    failed: bool = False
    detail: str = ""

    def seconds(self, now: float) -> float:
        return (self.ended if self.ended is not None else now) - self.began


@dataclass
class Steps:
    """Shows on `stream`: standard error, so that standard output is the result's. A context manager."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)

    def __post_init__(self) -> None:
        self._steps: list[Step] = []
        self._began = time.monotonic()
        self._live = None
        if self.stream.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self.stream, highlight=False)
            self._live = Live(get_renderable=self._table, console=console, refresh_per_second=8)

    def __enter__(self) -> Steps:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        present = self._present()
        if kind is not None and present is not None:
            present.failed = True
            self._end(present)
        if self._live is not None:
            self._live.stop()

    @property
    def seconds(self) -> float:
        """Since the first step began to matter."""
        return time.monotonic() - self._began

    def begin(self, step: str) -> None:
        self._steps.append(Step(step, time.monotonic()))

    def tell(self, detail: str) -> None:
        present = self._present()
        if present is not None:
            present.detail = detail

    def done(self) -> None:
        present = self._present()
        if present is not None:
            self._end(present)

    def note(self, line: str) -> None:
        if self._live is not None:
            self._live.console.print(line)
        else:
            self._print(line)

    def _present(self) -> Step | None:
        return self._steps[-1] if self._steps and self._steps[-1].ended is None else None

    def _end(self, step: Step) -> None:
        step.ended = time.monotonic()
        if self._live is None:
            mark = "x" if step.failed else " "
            self._print(f"{mark} {step.name:<{NAME_WIDTH}}{step.seconds(0):6.1f} s  {step.detail}".rstrip())

    def _print(self, line: str) -> None:
        print(line, file=self.stream, flush=True)

    def _table(self) -> Table:
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        now = time.monotonic()
        table = Table.grid(padding=(0, 1))
        for step in self._steps:
            mark = Spinner("dots") if step.ended is None else Text("✓", "green")
            if step.failed:
                mark = Text("✗", "red")
            name = Text(f"{step.name:<{NAME_WIDTH}}")
            table.add_row(mark, name, f"{step.seconds(now):5.1f} s", Text(step.detail, style="dim"))
        return table
