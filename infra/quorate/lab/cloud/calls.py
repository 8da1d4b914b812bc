"""An AWS API call as it comes over HTTP: which service and action, by whom, with what; and errors back.

Sources: "AWS Signature Version 4" for the credential scope; botocore's service models for the protocols
(ec2, query, json) and for how each of them words an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4
from xml.sax.saxutils import escape

_SCOPE = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)

_WITHOUT_TARGET = frozenset({"autoscaling", "ec2", "iam", "sts"})
"""Services of the query protocols: a target header is none of theirs."""

_QUERY_READS = ("Describe", "Get", "List", "Lookup", "Simulate", "Search", "BatchGet", "Query", "Scan")


@dataclass(frozen=True)
class Call:
    """One request to an AWS API; `parameters` is its JSON document, or the query protocols' flat form."""

    service: str
    action: str
    region: str
    access_key_id: str
    protocol: str
    session_token: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: bytes = b""

    @property
    def name(self) -> str:
        """As policies write it: `ssm:GetParameter`."""
        return f"{self.service}:{self.action}"

    @property
    def reads(self) -> bool:
        """Whether the action's name says that it changes nothing."""
        return self.action.startswith(_QUERY_READS)


def parse(environ: Mapping[str, Any], body: bytes) -> Call | None:
    """The call of a signed request, or None when nobody signed it."""
    scope = _SCOPE.match(environ.get("HTTP_AUTHORIZATION", ""))
    if scope is None:
        return None
    service = scope["service"].lower()
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    parameters: dict[str, Any] = {}
    if target:
        action, protocol = target.rsplit(".", 1)[-1], "json"
        parameters = _json_object(body)
    else:
        text = body.decode("utf-8", "replace") or environ.get("QUERY_STRING", "")
        if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded") or not body:
            parameters = dict(parse_qsl(text, keep_blank_values=True))
        action = str(parameters.get("Action", f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '/')}"))
        protocol = "ec2" if service == "ec2" else "query"
    return Call(
        service=service,
        action=action,
        region=scope["region"],
        access_key_id=scope["key"],
        protocol=protocol,
        session_token=environ.get("HTTP_X_AMZ_SECURITY_TOKEN"),
        parameters=parameters,
        body=body,
    )


def ambiguous(call: Call, environ: Mapping[str, Any]) -> bool:
    """Whether another reader might find another action or other parameters in the request.

    moto takes an action from the form, the URL, the body as a form, the headers, whichever comes first:
    a caller must not be judged by one reading and served by another.
    """
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    elsewhere = "HTTP_ACTION" in environ or "HTTP_CONTENT_ENCODING" in environ
    query = environ.get("QUERY_STRING", "")
    if call.protocol == "json" and call.service in _WITHOUT_TARGET:
        return True
    if call.protocol == "json":
        in_body = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        return bool(query) or form or elsewhere or "Action" in in_body
    names = [name for name, _ in parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True)]
    return bool(query) or not form or elsewhere or len(names) != len(set(names))


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer that does not come from moto."""

    status: int
    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()


def error(call: Call | None, code: str, message: str, status: int = 400) -> Answer:
    """An AWS error in the words of the call's protocol."""
    request_id = str(uuid4())
    headers = (("x-amzn-RequestId", request_id),)
    protocol = call.protocol if call else "query"
    if protocol == "json":
        document = json.dumps({"__type": code, "message": message})
        return Answer(
            status, document.encode(), "application/x-amz-json-1.1", (*headers, ("x-amzn-ErrorType", code))
        )
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if protocol == "ec2":
        text = (
            f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )
    else:
        side = "Sender" if status < 500 else "Receiver"
        text = (
            f"<ErrorResponse><Error><Type>{side}</Type>{inner}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    return Answer(status, text.encode(), "text/xml", headers)


def denied(call: Call, message: str) -> Answer:
    """Access denied, with the code that the service's protocol uses."""
    code, status = {
        "ec2": ("UnauthorizedOperation", 403),
        "query": ("AccessDenied", 403),
        "json": ("AccessDeniedException", 400),
    }[call.protocol]
    return error(call, code, message, status)


def throttled(call: Call) -> Answer:
    """Too many requests, with the code that the service uses."""
    code, status = {
        "ec2": ("RequestLimitExceeded", 503),
        "query": ("Throttling", 400),
        "json": ("ThrottlingException", 400),
    }[call.protocol]
    return error(call, code, "Rate exceeded", status)


SIGNATURE_SECONDS = 300.0
"""IAM User Guide, "Elements of an AWS API request signature": a request must reach AWS within five minutes of
its time stamp."""


def seconds_off(environ: Mapping[str, Any], now: datetime) -> float:
    """By how much a request's time stamp is ahead of `now`; 0 when it has none."""
    try:
        stamp = datetime.strptime(environ.get("HTTP_X_AMZ_DATE", ""), "%Y%m%dT%H%M%SZ")
    except ValueError:
        return 0.0
    return (stamp.replace(tzinfo=UTC) - now).total_seconds()


def signed_at_another_time(call: Call, off: float) -> Answer:
    """A request whose time stamp is too far off, as its service words it."""
    when = "Signature not yet current" if off > 0 else "Signature expired"
    message = f"{when}: the request is signed {abs(off):.0f} s off; at most 300 s are accepted"
    code, status = {
        "ec2": ("RequestExpired", 400),
        "query": ("SignatureDoesNotMatch", 403),
        "json": ("InvalidSignatureException", 400),
    }[call.protocol]
    return error(call, code, message, status)


def unusable_credentials(call: Call, code: str) -> Answer:
    """Credentials that ended or do not belong together."""
    message = {
        "ExpiredToken": "The security token included in the request is expired",
        "InvalidClientTokenId": "The security token included in the request is invalid.",
    }[code]
    if call.protocol == "json":
        code = {"ExpiredToken": "ExpiredTokenException"}.get(code, "UnrecognizedClientException")
        return error(call, code, message, 400)
    if call.protocol == "ec2":
        code = {"ExpiredToken": "RequestExpired"}.get(code, "AuthFailure")
        return error(call, code, message, 400 if code == "RequestExpired" else 401)
    return error(call, code, message, 403)


def empty(call: Call) -> Answer:
    """A successful answer with nothing in it."""
    request_id = str(uuid4())
    if call.protocol == "json":
        return Answer(200, b"{}", "application/x-amz-json-1.1", (("x-amzn-RequestId", request_id),))
    name = escape(call.action)
    result = "" if call.protocol == "ec2" else f"<{name}Result/>"
    return Answer(200, f"<{name}Response>{result}</{name}Response>".encode(), "text/xml")
