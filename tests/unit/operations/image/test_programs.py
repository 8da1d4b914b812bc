"""Programs that are run for a build do not outlive it."""

from __future__ import annotations

from pathlib import Path

import pytest

from quorate.operations.image.programs import run_logged

SLOW = """
trap 'echo cleaned up >"$1"; exit 1' INT
echo ready
while :; do sleep 0.05; done
"""


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
