"""How Packer is run, seen by a program in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from quorate.errors import Failed
from quorate.operations.image.packer import Packer

PANICS = """#!/bin/sh
[ "$1" != version ] || { echo "Packer v1.6.6"; exit; }
echo "$TMPDIR/packer-plugin1234567890" >>"$0.said"
echo panic >crash.log
[ -s crash.log ] || exit 3
exit 1
"""


@pytest.fixture
def panicking(tmp_path: Path) -> Path:
    program = tmp_path / "packer"
    program.write_text(PANICS)
    program.chmod(0o755)
    return program


def test_a_crash_leaves_nothing_where_the_command_was_run(
    panicking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, here = tmp_path / "work", tmp_path / "here"
    work.mkdir(), here.mkdir()
    monkeypatch.chdir(here)
    with pytest.raises(Failed, match="failed with 1"):
        Packer(str(panicking)).build("qemu", work, {}, print)
    assert not list(here.iterdir())
    assert not list(tmp_path.rglob("crash.log"))


def test_the_sockets_of_plugins_have_short_paths_wherever_a_build_is_kept(
    panicking: Path, tmp_path: Path
) -> None:
    work = tmp_path / ("long-" * 20)
    work.mkdir()
    with pytest.raises(Failed):
        Packer(str(panicking)).build("qemu", work, {}, print)
    (socket,) = Path(f"{panicking}.said").read_text().splitlines()
    assert len(socket) <= 107
    assert not Path(socket).parent.exists()
