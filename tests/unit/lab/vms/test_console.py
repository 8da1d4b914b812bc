"""The shell on a serial port: a real bash behind the socket, and a port that loses what comes too early."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from quorate.lab.vms.console import Console


@contextmanager
def shell_that_loses(first: int, path: Path) -> Iterator[None]:
    """A bash behind a socket; of all that it is sent, the first bytes never arrive."""
    with (
        socket.socket(socket.AF_UNIX) as listener,
        subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        ) as bash,
    ):
        listener.bind(str(path))
        listener.listen()
        peers: list[socket.socket] = []

        def hear() -> None:
            left = first
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                peers.append(peer)
                while words := peer.recv(4096):
                    lost, left = min(left, len(words)), max(left - len(words), 0)
                    assert bash.stdin is not None
                    bash.stdin.write(words[lost:])

        def say() -> None:
            assert bash.stdout is not None
            with contextlib.suppress(OSError, ValueError):  # it is over
                while words := bash.stdout.read(4096):
                    peers[-1].sendall(words)

        for each in (hear, say):
            Thread(target=each, daemon=True).start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            bash.kill()


@pytest.mark.parametrize("lost", range(0, 30))
def test_a_greeting_of_which_the_port_lost_the_beginning_is_followed_by_one_that_is_heard(
    tmp_path: Path, lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quorate.lab.vms.console.GREETING_SECONDS", 0.2)
    monkeypatch.setattr("quorate.lab.vms.console.PAUSE", 0.01)
    with shell_that_loses(lost, tmp_path / "shell"):
        console = Console(tmp_path / "shell")
        assert console.run("echo heard", timeout=5) == "heard\n"
        console.close()
