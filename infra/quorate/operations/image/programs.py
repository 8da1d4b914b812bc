"""The one place where images run other programs."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from quorate.errors import Failed

PREFIX = re.compile(r"^(==> |--> |\s)*([\w-]+\.[\w-]+:)?")
"""What Packer puts before a line: arrows, and the build's name."""
CAUSE = re.compile(r"\bmsg: |No AMI|No space|stderr:")
OUTCOME = re.compile(r"[Ee]rror|errored|Timeout")
PATIENCE = 30.0
"""Seconds for a program that was told to end."""


def output_of(argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> str:
    """The program's standard output; Failed with its words, exit code and last lines.

    Interrupted, it ends the program and all that this one has started.
    """
    words = [str(word) for word in argv]
    with _started(words, env, stderr=subprocess.PIPE) as process:
        try:
            said, complained = process.communicate()
        except BaseException:
            _end_all(process)
            raise
    if process.returncode != 0:
        raise Failed(f"`{' '.join(words)}` failed with {process.returncode}: {_tail(complained or said)}")
    return said


def run_logged(
    argv: Sequence[str | Path],
    log: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda _: None,
    progress: Callable[[str], str | None] = lambda _: None,
) -> None:
    """Runs a program in `cwd`, its output into `log`, what `progress` makes of a line to `say`.

    Interrupted, or when nobody takes what it says any more, it interrupts the program and its children once,
    as a terminal would, and waits until they have cleaned up; interrupted again, it kills them.
    """
    words = [str(word) for word in argv]
    log.parent.mkdir(parents=True, exist_ok=True)
    process = _started(words, env, stderr=subprocess.STDOUT, cwd=cwd)
    assert process.stdout is not None
    with process.stdout, log.open("w") as book:
        try:
            for line in process.stdout:
                book.write(line)
                book.flush()
                if word := progress(line.rstrip()):
                    say(word)
        except BaseException as error:
            with _killed_in_the_end(process):
                if isinstance(error, KeyboardInterrupt):
                    with contextlib.suppress(OSError):  # nobody may be listening any more
                        say(f"interrupted: waiting until {Path(words[0]).name} has cleaned up")
                rest = _interrupt(process)
            with contextlib.suppress(OSError):  # the disk may be full
                book.write(rest())
            raise
    if process.wait() != 0:
        raise Failed(
            f"{Path(words[0]).name} failed with {process.returncode}: {_reason(log)} All of it: {log}"
        )


def _started(
    words: Sequence[str], env: Mapping[str, str] | None, stderr: int, cwd: Path | None = None
) -> subprocess.Popen[str]:
    """In a session of its own, its output piped; it hears an interrupt also where its starter must not.

    A shell's background job ignores interrupts, and so would all that it starts.
    """
    if shutil.which(words[0], path=(os.environ if env is None else env).get("PATH")) is None:
        raise Failed(f"`{words[0]}` is not installed. Run: scripts/setup image")
    return subprocess.Popen(
        ["env", "--default-signal=INT", *words],
        stdout=subprocess.PIPE,
        stderr=stderr,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        cwd=cwd,
        env=env,
        start_new_session=True,
    )


def _interrupt(process: subprocess.Popen[str]) -> Callable[[], str]:
    """As a terminal would, once, to the program and its children; returns when it has cleaned up.

    The answer gives what they said meanwhile, once all of them have ended.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    # it must not wait for a reader while it cleans up
    rest: list[str] = []
    reader = threading.Thread(target=lambda: rest.extend(process.stdout or ()), daemon=True)
    reader.start()
    process.wait()

    def said() -> str:
        reader.join()
        return "".join(rest)

    return said


@contextlib.contextmanager
def _killed_in_the_end(process: subprocess.Popen[str]) -> Iterator[None]:
    """What is left of its group then: a child that missed the signal, or all after a second interrupt."""
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _end_all(process: subprocess.Popen[str]) -> None:
    """Asks first, so that it can clean up; whatever of its group is left after a while is killed."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=PATIENCE)
        os.killpg(process.pid, signal.SIGKILL)


def _tail(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-3:]) if lines else "without a word"


def _reason(log: Path) -> str:
    """The lines of a log that say why: causes, else what came of them, else the last ones; each once."""
    lines = [PREFIX.sub("", line).strip() for line in log.read_text(errors="replace").splitlines()]
    causes = [line for line in lines if CAUSE.search(line)]
    outcomes = [line for line in lines if OUTCOME.search(line)]
    chosen = list(dict.fromkeys(causes or outcomes or [line for line in lines if line]))
    return " | ".join(chosen[-3:])[:1500]
