"""How commands ask the lab's daemon, when many of them do at once."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from quorate.errors import Failed, Unknown
from quorate.lab import control

HELD = 0.5
"""Seconds for which a daemon does not take connections: all clients have asked by then."""


def test_many_commands_at_once_are_all_answered_by_a_daemon_that_was_busy(tmp_path: Path):
    server = control.ControlServer(tmp_path, {("GET", "/hosts"): lambda _: {"hosts": 3}})
    with ThreadPoolExecutor(32) as pool:
        asked = [pool.submit(control.ask, tmp_path, "GET", "/hosts") for _ in range(32)]
        time.sleep(HELD)
        server.start()
        answers = [each.result() for each in asked]
    server.stop()
    assert answers == [{"hosts": 3}] * 32


def test_a_full_queue_of_the_daemon_is_waited_for(tmp_path: Path):
    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor(8) as pool:
        listener.bind(str(tmp_path / control.SOCKET))
        listener.listen(0)
        asked = [pool.submit(control.ask, tmp_path, "GET", "/hosts") for _ in range(8)]
        time.sleep(HELD)

        def serve() -> None:
            for _ in asked:
                stream, _address = listener.accept()
                with stream:
                    stream.recv(65536)
                    body = json.dumps({"hosts": 3})
                    stream.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        assert [each.result() for each in asked] == [{"hosts": 3}] * 8
        serving.join()


def test_a_queue_that_stays_full_ends_in_one_line_when_the_time_is_up(tmp_path: Path):
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(str(tmp_path / control.SOCKET))
        listener.listen(0)
        first.connect(str(tmp_path / control.SOCKET))
        with pytest.raises(Unknown, match="did not answer /hosts: it took no connection for"):
            control.ask(tmp_path, "GET", "/hosts", timeout=HELD)


def test_a_refusal_keeps_the_daemons_words(tmp_path: Path):
    def refuse(_: object) -> dict[str, object]:
        raise Failed("zone use1-az9 is not in this lab")

    server = control.ControlServer(tmp_path, {("POST", "/zone"): refuse})
    server.start()
    with pytest.raises(Failed, match="use1-az9 is not in this lab"):
        control.ask(tmp_path, "POST", "/zone", {"zone": "use1-az9"})
    server.stop()
