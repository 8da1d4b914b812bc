"""HTTP on listening sockets that were opened elsewhere, maybe in another network namespace."""

from __future__ import annotations

import contextlib
import socket
from threading import Lock, Thread
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer


class _Handler(MotoRequestHandler):
    """No line per request, and no wait for an acknowledgement between headers and body."""

    disable_nagle_algorithm = True
    wbufsize = -1

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


class Server(ThreadedWSGIServer):
    """A WSGI application on one listening socket; a blocked accept ends at once when it stops."""

    def __init__(self, listener: socket.socket, app: Any) -> None:
        listener.listen(256)
        super().__init__("127.0.0.1", 0, app, handler=_Handler, fd=listener.fileno())
        self._connections: set[socket.socket] = set()
        self._connections_lock = Lock()
        self._thread = Thread(target=self._accept, name=f"aws on {self.server_address}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                request, address = self.get_request()
            except OSError:
                return
            with self._connections_lock:
                self._connections.add(request)
            self.process_request(request, address)

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def stop(self) -> None:
        """No further connection is accepted and the open ones end; the caller's own socket ends too."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        with self._connections_lock:
            open_connections = tuple(self._connections)
        for connection in open_connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=5)
