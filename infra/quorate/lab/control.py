"""How commands speak to the lab's daemon: JSON over HTTP on a socket in the lab's folder."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from quorate.errors import Failed, QuorateError, Unknown

SOCKET = "control.sock"
FULL_PAUSE = 0.02
"""Seconds between two tries to reach a daemon whose queue of connections is full."""

Route = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Takes the request's JSON object, gives the answer's."""


@contextlib.contextmanager
def short_path(directory: Path) -> Iterator[str]:
    """The socket's path by way of a descriptor of its folder: a deep folder's own path would be too long."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET}"
    finally:
        os.close(handle)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128
    """Connections that may wait while the daemon is busy: socketserver's own five are soon full."""

    def __init__(self, path: str, routes: Mapping[tuple[str, str], Route]) -> None:
        self.routes = routes
        super().__init__(path, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def address_string(self) -> str:
        return "the lab's folder"

    def _answer(self) -> None:
        route = self.server.routes.get((self.command, self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if route is None:
            self._send(404, {"error": f"the lab's daemon does not know {self.command} {self.path}"})
            return
        try:
            self._send(200, route(json.loads(body or b"{}")))
        except QuorateError as error:
            self._send(409, {"error": str(error)})
        except Exception as error:
            self._send(500, {"error": f"{self.path}: the lab's daemon failed: {error!r}; its log says more"})
            raise

    do_GET = do_POST = _answer

    def _send(self, status: int, document: Mapping[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class ControlServer:
    """Serves the routes on the folder's socket until it is stopped."""

    def __init__(self, directory: Path, routes: Mapping[tuple[str, str], Route]) -> None:
        (directory / SOCKET).unlink(missing_ok=True)
        with short_path(directory) as path:
            self._server = _Server(path, routes)
        (directory / SOCKET).chmod(0o600)
        self._path = directory / SOCKET
        self._thread = threading.Thread(target=self._server.serve_forever, name="control", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


class _Connection(http.client.HTTPConnection):
    timeout: float

    def __init__(self, directory: Path, timeout: float) -> None:
        super().__init__("lab", timeout=timeout)
        self._directory = directory

    def connect(self) -> None:
        deadline = time.monotonic() + self.timeout
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with short_path(self._directory) as path:
            while True:
                try:
                    return self.sock.connect(path)
                except BlockingIOError:  # the queue is full, and connect(2) with a timeout does not wait
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"it took no connection for {self.timeout:g} s") from None
                    time.sleep(FULL_PAUSE)


def ask(
    directory: Path, method: str, path: str, document: Mapping[str, Any] | None = None, timeout: float = 30.0
) -> dict[str, Any]:
    """The daemon's answer. Unknown when it does not answer, Failed with its words when it says no."""
    connection = _Connection(directory, timeout)
    try:
        connection.request(method, path, body=json.dumps(document) if document is not None else None)
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unknown(f"the lab's daemon did not answer {path}: {error or type(error).__name__}") from error
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise Failed(str(answer.get("error", f"{path}: {response.status}")))
    return answer
