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
from datetime import UTC, datetime
from http import HTTPStatus
from threading import Lock, RLock
from typing import Any

from quorate.lab.cloud import calls
from quorate.lab.cloud.calls import Answer, Call
from quorate.lab.cloud.denials import Denial, Denials
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
        denials: Denials,
        control: Control,
        changed: Callable[[], None],
    ) -> None:
        self._moto = moto
        self._lock = lock
        self._faults = faults
        self._ledger = ledger
        self._judge = judge
        self._denials = denials
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
            return _send(self._unsigned(environ, any_key), start_response)
        principal = self._ledger.principal(call.access_key_id)
        with self._counts_lock:
            self._counts[principal.name, call.name] += 1
        fault = self._faults.strike(principal, call)
        if fault is not None and (stopped := _suffer(fault, call, environ)) is not None:
            return _send(stopped, start_response)
        refusal = self._untimely(principal, call, environ) or self._unusable(principal, call, any_key)
        if refusal is None and principal.is_instance and calls.ambiguous(call, environ):
            refusal = calls.error(call, "MalformedRequest", f"{call.name}: more than one reading", 400)
        if refusal is not None:
            return _send(refusal, start_response)
        with self._lock:
            denial = self._judge()(principal, call)
            if denial is None:
                return self._forward(environ, call, start_response)
        self._denials.record(principal.name, call.name, denial)
        return _send(calls.denied(call, denial.message), start_response)

    def _unsigned(self, environ: dict[str, Any], any_key: bool) -> Answer:
        text = "Request is missing Authentication Token"
        if not any_key:
            what = f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '/')}"
            self._denials.record("nobody", what, Denial(what, None, "credentials", text, text))
        return calls.error(None, "MissingAuthenticationToken", text, 403)

    def _untimely(self, principal: Principal, call: Call, environ: dict[str, Any]) -> Answer | None:
        """The refusal of what an instance signed with a clock that is far off."""
        off = calls.seconds_off(environ, datetime.now(UTC)) if principal.is_instance else 0.0
        if abs(off) <= calls.SIGNATURE_SECONDS:
            return None
        reason = f"the clock of {principal.name} is {abs(off):.0f} s {'ahead' if off > 0 else 'behind'}"
        self._denials.record(
            principal.name, call.name, Denial(call.name, None, "credentials", reason, reason)
        )
        return calls.signed_at_another_time(call, off)

    def _unusable(self, principal: Principal, call: Call, any_key: bool) -> Answer | None:
        """The refusal of credentials that AWS would not take: ended, not whole, or of no instance here."""
        code = self._ledger.refuses(call)
        if not any_key and not principal.is_instance:
            code = "InvalidClientTokenId"
        if code is None:
            return None
        who = principal.name if principal.is_instance else "unknown"
        reason = f"the credentials of {who} are refused: {code}"
        self._denials.record(who, call.name, Denial(call.name, None, "credentials", reason, reason))
        return calls.unusable_credentials(call, code)

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
