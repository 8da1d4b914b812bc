"""Every HTTP request to the lab's cloud, in the order in which AWS would look at it.

Who signed it -> faults on demand -> are the credentials good -> may this role do that -> moto. moto's
backends are not made for several threads, so one request at a time reaches them, under the same lock that
the Auto Scaling loop holds. Waits that a fault asks for happen outside the lock.
"""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from threading import Lock, RLock
from typing import Any

from quorate.lab.cloud import calls
from quorate.lab.cloud.calls import Answer, Call
from quorate.lab.cloud.faults import Fault, Faults
from quorate.lab.cloud.principals import Judge, Ledger, Principal

log = logging.getLogger(__name__)

WSGIApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
Control = Callable[[str, str, bytes], Answer]
"""Method, path and body of a request under /quorate-lab -> its answer."""

CONTROL_PATH = "/quorate-lab/"
_SHAPING = frozenset({"ec2", "autoscaling", "iam"})
"""Services whose calls can change an instance or what Auto Scaling has to do."""
_NOT_SERVED = ("/moto-api", "/latest/", "/favicon.ico")


class Front:
    """The WSGI applications of the cloud: one for the machine's own loopback, one for the lab's hosts."""

    def __init__(
        self,
        *,
        moto: WSGIApp,
        lock: RLock,
        faults: Faults,
        ledger: Ledger,
        judge: Callable[[], Judge],
        control: Control,
        changed: Callable[[], None],
    ) -> None:
        self._moto = moto
        self._lock = lock
        self._faults = faults
        self._ledger = ledger
        self._judge = judge
        self._control = control
        self._changed = changed
        self._counts: Counter[tuple[str, str]] = Counter()
        self._counts_lock = Lock()

    def counts(self) -> dict[tuple[str, str], int]:
        """How many calls there were so far, by principal (`role/instance` or `operator`) and action."""
        with self._counts_lock:
            return dict(self._counts)

    def for_hosts(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """AWS alone, for the credentials of instances: a node has no control path and no other keys."""
        body = _body(environ)
        if environ.get("PATH_INFO", "/").startswith(CONTROL_PATH):
            return _send(_not_found(), start_response)
        return self._aws(environ, body, start_response, any_key=False)

    def for_operator(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """AWS and the control paths under /quorate-lab."""
        body = _body(environ)
        path = environ.get("PATH_INFO", "/")
        if path.startswith(CONTROL_PATH):
            return _send(self._control(environ["REQUEST_METHOD"], path, body), start_response)
        return self._aws(environ, body, start_response, any_key=True)

    def _aws(
        self, environ: dict[str, Any], body: bytes, start_response: Any, *, any_key: bool
    ) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "/").startswith(_NOT_SERVED):
            return _send(_not_found(), start_response)
        call = calls.parse(environ, body)
        if call is None:
            missing = calls.error(
                None, "MissingAuthenticationToken", "Request is missing Authentication Token", 403
            )
            return _send(missing, start_response)
        principal = self._ledger.principal(call.access_key_id)
        with self._counts_lock:
            self._counts[principal.name, call.name] += 1
        fault = self._faults.strike(principal, call)
        if fault is not None and (stopped := _suffer(fault, call, environ)) is not None:
            return _send(stopped, start_response)
        refusal = self._refusal(principal, call, any_key)
        if refusal is not None:
            return _send(refusal, start_response)
        return self._forward(environ, call, start_response)

    def _refusal(self, principal: Principal, call: Call, any_key: bool) -> Answer | None:
        unusable = self._ledger.refuses(call)
        if not any_key and not principal.is_instance:
            unusable = "InvalidClientTokenId"
        if unusable is not None:
            return calls.unusable_credentials(call, unusable)
        reason = self._judge()(principal, call)
        if reason is not None:
            who = principal.name
            return calls.denied(call, f"{who} is not authorized to perform: {call.name} because {reason}")
        return None

    def _forward(self, environ: dict[str, Any], call: Call, start_response: Any) -> Iterable[bytes]:
        answered: list[Any] = []

        def capture(status: str, headers: Sequence[tuple[str, str]], _exc_info: Any = None) -> None:
            answered[:] = [status, headers]

        with self._lock:
            try:
                body = b"".join(self._moto(environ, capture))
            except NotImplementedError as missing:
                text = f"{call.name}: the lab's cloud does not have this call ({missing})"
                return _send(calls.error(call, "NotImplemented", text, 501), start_response)
            except Exception:
                log.exception("%s failed inside the lab's cloud", call.name)
                text = f"{call.name}: the lab's cloud failed; its log says why"
                return _send(calls.error(call, "InternalFailure", text, 500), start_response)
            finally:
                if call.service in _SHAPING and not call.reads:
                    self._changed()
        start_response(*answered)
        return [body]


def _suffer(fault: Fault, call: Call, environ: dict[str, Any]) -> Answer | None:
    if fault.seconds:
        time.sleep(fault.seconds)
    if fault.kind == "cut":
        connection: socket.socket | None = environ.get("werkzeug.socket")
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        return calls.error(call, "ConnectionCut", "cut on demand", 500)
    return fault.answer(call)


def _body(environ: dict[str, Any]) -> bytes:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _not_found() -> Answer:
    return Answer(404, b"", "text/plain")


def _send(answer: Answer, start_response: Any) -> Iterable[bytes]:
    headers = [
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        *answer.headers,
    ]
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
    return [answer.body]
