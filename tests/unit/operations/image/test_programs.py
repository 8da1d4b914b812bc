"""Programs that are run for a build do not outlive it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from quorate.operations.image.places import REPOSITORY
from quorate.operations.image.programs import run_logged

SLOW = """
trap 'echo cleaned up >"$1"; exit 1' INT
echo ready
while :; do sleep 0.05; done
"""


def interrupted(_line: str) -> str | None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("reason", [BrokenPipeError, KeyboardInterrupt])
def test_a_build_that_ends_early_lets_the_program_clean_up_first(
    tmp_path: Path, reason: type[BaseException]
) -> None:
    # given a program that cleans up when it is interrupted
    mark = tmp_path / "mark"

    def nobody_listens(_line: str) -> str | None:
        raise reason

    # when what follows its output ends, as a closed terminal does
    with pytest.raises(reason):
        run_logged(["bash", "-c", SLOW, "slow", mark], tmp_path / "log", progress=nobody_listens)
    # then it has cleaned up by the time that the caller goes on
    assert mark.read_text() == "cleaned up\n"


def test_a_build_in_the_background_of_a_shell_can_be_interrupted_too(
    tmp_path: Path,
) -> None:
    # given a shell that had its background job ignore interrupts, as shells do
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    # when the build ends early, then the program hears of it nonetheless, and cleans up
    try:
        test_a_build_that_ends_early_lets_the_program_clean_up_first(tmp_path, BrokenPipeError)
    finally:
        signal.signal(signal.SIGINT, before)


DEAF = """
trap 'exit 1' INT
sh -c 'trap "" INT; echo $$ >"$1"; exec sleep 1000' child "$1" &
while [ ! -s "$1" ]; do sleep 0.05; done
echo ready
while :; do sleep 0.05; done
"""


def test_a_child_that_hears_nothing_keeps_no_interrupted_build_waiting(tmp_path: Path) -> None:
    # given a program with a child that ignores the interrupt and holds the program's output open
    number = tmp_path / "number"

    # when the program is interrupted and ends, then the call ends too, and the child with it
    with pytest.raises(KeyboardInterrupt):
        run_logged(["bash", "-c", DEAF, "deaf", number], tmp_path / "log", progress=interrupted)
    assert ends(int(number.read_text()))


def test_the_log_has_what_a_program_said_while_it_cleaned_up(tmp_path: Path) -> None:
    script = "trap 'echo removed i-1; exit 1' INT; echo ready; while :; do sleep 0.05; done"
    with pytest.raises(KeyboardInterrupt):
        run_logged(["bash", "-c", script], tmp_path / "log", progress=interrupted)
    assert (tmp_path / "log").read_text() == "ready\nremoved i-1\n"


STUBBORN = """
trap 'echo $$ >"$1.new"; mv "$1.new" "$1"' INT
echo ready
while :; do sleep 0.05; done
"""


def test_a_second_interrupt_kills_a_program_that_does_not_end(tmp_path: Path) -> None:
    # given a program that hears the interrupt and never ends
    number = tmp_path / "number"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it

    def again() -> None:
        while not number.exists():
            time.sleep(0.02)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    # when a second interrupt comes while it is waited for
    try:
        with pytest.raises(KeyboardInterrupt), ThreadPoolExecutor(1) as pool:
            pool.submit(again)
            run_logged(["bash", "-c", STUBBORN, "stubborn", number], tmp_path / "log", progress=interrupted)
    finally:
        signal.signal(signal.SIGINT, before)
    # then the call ends, and the program with it
    assert ends(int(number.read_text()))


def test_an_interrupted_question_ends_what_it_has_started(tmp_path: Path) -> None:
    number = tmp_path / "number"
    script = f"""
import signal
from quorate.operations.image.programs import output_of
signal.signal(signal.SIGINT, signal.default_int_handler)
output_of(["sh", "-c", 'sleep 1000 & echo $! >"$1.new"; mv "$1.new" "$1"; wait', "asks", {str(number)!r}])
"""
    asking = subprocess.Popen(
        [sys.executable, "-c", script], cwd=REPOSITORY / "infra", stderr=subprocess.DEVNULL
    )
    while not number.exists():
        assert asking.poll() is None
        time.sleep(0.05)
    asking.send_signal(signal.SIGINT)
    assert asking.wait() != 0
    assert ends(int(number.read_text()))


def ends(process: int) -> bool:
    """Whether it is gone before long: a process that was killed takes a moment to go."""
    deadline = time.monotonic() + 10
    while not ended(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    return ended(process)


def ended(process: int) -> bool:
    """Whether it is gone, or a zombie that its adopted parent has yet to bury."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"
