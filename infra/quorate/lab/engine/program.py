"""Runs the Pulumi program in this process, against a monitor of ours."""

from __future__ import annotations

import asyncio
import contextvars
import os
import runpy
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pulumi.runtime.config
from pulumi.errors import RunError
from pulumi.runtime import settings, stack

from quorate.errors import Failed, QuorateError

WORKERS: Final = 24
"""Registrations under way at once; each waits for AWS, hardly any computes."""


@dataclass(frozen=True)
class Program:
    """Where the program is, and as which stack it runs."""

    path: Path
    project: str
    stack: str
    config: Mapping[str, str]

    def run(self, monitor: Any, log: Any, *, preview: bool) -> None:
        """Runs it to its end in a thread of its own. Raises what it raises, in one line."""
        raised: list[BaseException] = []

        def main() -> None:
            # A new context for every run: Pulumi's runtime keeps its settings in context variables.
            contextvars.Context().run(self._main, monitor, log, preview, raised)

        with _standing_in(self.path.parent):
            thread = threading.Thread(target=main, name="pulumi-program")
            thread.start()
            thread.join()
        if raised:
            raise _plain(raised[0], self.path.parent) from raised[0]

    def _main(self, monitor: Any, log: Any, preview: bool, raised: list[BaseException]) -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        # What fails is told once, by the run; asyncio would tell it again with a traceback.
        loop.set_exception_handler(lambda loop, context: None)
        executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="register")
        loop.set_default_executor(executor)
        try:
            self._configure(monitor, log, preview)
            loop.run_until_complete(stack.run_in_stack(self._call))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            raised.append(error)
        finally:
            executor.shutdown(wait=True)
            loop.close()

    def _configure(self, monitor: Any, log: Any, preview: bool) -> None:
        settings.configure(
            settings.Settings(
                project=self.project,
                stack=self.stack,
                monitor=monitor,
                engine=log,
                dry_run=preview,
                organization="organization",
                root_directory=str(self.path.parent),
            )
        )
        pulumi.runtime.config.set_all_config(dict(self.config), [])

    def _call(self) -> None:
        runpy.run_path(str(self.path), run_name="__main__")


@contextmanager
def _standing_in(directory: Path) -> Iterator[None]:
    """As the CLI runs a program: its directory is the current one and first on the path."""
    before, modules = Path.cwd(), set(sys.modules)
    sys.path.insert(0, str(directory))
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)
        sys.path.remove(str(directory))
        for name in set(sys.modules) - modules:
            # The program's own modules are read anew by the next run; this package stays.
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(directory) and not name.startswith("quorate"):
                del sys.modules[name]


def _plain(error: BaseException, directory: Path) -> QuorateError:
    if isinstance(error, QuorateError):
        return error
    if isinstance(error, RunError):
        return Failed("\n".join(" ".join(line.split()) for line in str(error).splitlines()))
    if isinstance(error, SystemExit):
        return Failed(f"the program ended itself with code {error.code}")
    said = " ".join(str(error).split())
    return Failed(f"the program failed{_place(error, directory)}: {type(error).__name__}: {said}")


def _place(error: BaseException, directory: Path) -> str:
    place, trace = "", error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(directory):
            place = f" at {file.relative_to(directory)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
