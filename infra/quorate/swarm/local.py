"""The engine's socket with the standard library alone.

A steward that does not lead looks every few seconds for as long as the node lives, and thirteen agents
that import the Docker SDK at once cost seconds on a small machine. Whoever leads or joins uses engine.py.
"""

from __future__ import annotations

import http.client
import json
import select
import socket
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Any
from urllib.parse import quote

from quorate.errors import Unknown, UsageError


def socket_path(docker_host: str) -> str:
    """The path in `unix:///run/docker.sock`; UsageError for any other kind of address."""
    if not docker_host.startswith("unix:///"):
        raise UsageError(
            f"engine {docker_host!r}: only unix:///path is spoken; the agent runs beside its engine"
        )
    return docker_host.removeprefix("unix://")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(docker_host: str, path: str, timeout: float = 5.0) -> tuple[int, Any]:
    """GET `path`: the status and the decoded answer; Unknown when the engine does not answer."""
    connection = _UnixConnection(socket_path(docker_host), timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if body[:1] in b"{[" and body else body.decode(
            errors="replace"
        )
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unknown(
            f"the engine at {docker_host} did not answer {path}: {error or type(error).__name__}"
        ) from error
    finally:
        connection.close()


def answers(docker_host: str) -> bool:
    """Whether the engine answers its ping."""
    try:
        return ask(docker_host, "/_ping", timeout=2.0)[0] == http.client.OK
    except Unknown:
        return False


def listening(addresses: Sequence[str], seconds: float) -> tuple[str, ...]:
    """Those of the addresses (`ip:port`) that accept a TCP connection within `seconds`, in their order."""

    found: set[str] = set()

    def knock(address: str) -> None:
        host, _, port = address.rpartition(":")
        with suppress(OSError, ValueError), socket.create_connection((host, int(port)), timeout=seconds):
            found.add(address)

    threads = [Thread(target=knock, args=(address,), daemon=True) for address in addresses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tuple(address for address in addresses if address in found)


class NodeEvents:
    """The stream of node events, as something to wait on: it says that there was one, not what it was.

    What happened is read from the swarm itself by the look that follows; an event lost with a broken
    stream is therefore only a look that comes later.
    """

    def __init__(self, docker_host: str) -> None:
        self._docker_host = docker_host
        self._sock: socket.socket | None = None

    def __enter__(self) -> NodeEvents:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _open(self) -> socket.socket | None:
        wanted = quote(json.dumps({"type": ["node"]}))
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            stream.settimeout(2.0)
            stream.connect(socket_path(self._docker_host))
            stream.sendall(f"GET /events?filters={wanted} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                more = stream.recv(4096)
                if not more:
                    raise OSError("closed")
                head += more
            stream.setblocking(False)
        except OSError:
            stream.close()
            return None
        return stream

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds`; True as soon as a node event arrived (all that have arrived are taken)."""
        if self._sock is None:
            self._sock = self._open()
        watched = [] if self._sock is None else [self._sock]
        ready, _, _ = select.select(watched, [], [], max(0.0, seconds))
        return bool(ready) and self._take()

    def _take(self) -> bool:
        took = False
        while self._sock is not None:
            try:
                if not self._sock.recv(65536):
                    self.close()
                else:
                    took = True
            except BlockingIOError:
                break
            except OSError:
                self.close()
        return took
