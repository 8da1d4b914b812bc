"""The one place of the lab that runs a program to its end."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from quorate.errors import Failed


def run(argv: Sequence[str], *, stdin: str | None = None, timeout: float = 30) -> str:
    """The program's standard output. Raises Failed with its words, exit code and last line of error."""
    words = " ".join(argv)
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    except FileNotFoundError as error:
        raise Failed(f"`{words}` cannot run: {argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise Failed(f"`{words}` did not end within {timeout:.0f} s") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise Failed(f"`{words}` failed with {done.returncode}: {lines[-1] if lines else 'without a word'}")
    return done.stdout


def attempt(argv: Sequence[str], *, stdin: str | None = None, timeout: float = 30) -> bool:
    """Whether the program ran and ended with 0; for what may already be gone."""
    try:
        run(argv, stdin=stdin, timeout=timeout)
    except Failed:
        return False
    return True
