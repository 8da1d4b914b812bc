"""The instance metadata service of one instance, version 2 only, on a listening socket of that instance.

"Use the Instance Metadata Service to access instance metadata" (EC2 User Guide): a session token by PUT with
a lifetime of 1 to 21600 seconds, sent back with every GET; 401 without; 403 for a PUT that carries
X-Forwarded-For. The answer to the PUT leaves with the hop limit as its time to live. Inside a host's own
namespace nothing counts hops, so a caller that is not the instance itself, a container behind a bridge,
counts as one hop: with a limit of 1 its PUT gets no answer.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from secrets import token_urlsafe
from threading import Lock, Thread
from typing import Protocol

from quorate.lab.cloud.calls import Call
from quorate.lab.cloud.faults import METADATA, Fault, Faults
from quorate.lab.cloud.principals import Credentials, Principal
from quorate.lab.cloud.timing import Clock
from quorate.lab.cloud.views import InstanceView

ADDRESS = "169.254.169.254"
TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN_HEADER = "X-aws-ec2-metadata-token"
LONGEST_TTL = 21600

_VERSIONS = ("latest", "2021-07-15", "2009-04-04", "1.0")


class Source(Protocol):
    """Where the service reads; `Cloud` is one."""

    def instance(self, instance_id: str) -> InstanceView | None: ...
    def credentials(self, instance_id: str) -> Credentials | None: ...


class MetadataService:
    """Answers one instance's questions about itself until it is closed.

    Args:
        listener: bound socket, usually 169.254.169.254:80 in the host's namespace. It is duplicated; the
            caller may close its own.
        source: the cloud.
        instance_id: whose data it serves. An instance that is no longer known gets 404.
        clock: for the lifetime of tokens.
        faults: those of the cloud; the ones for `metadata:` strike here.
    """

    def __init__(
        self,
        listener: socket.socket,
        source: Source,
        instance_id: str,
        clock: Clock = time.monotonic,
        faults: Faults | None = None,
    ) -> None:
        self._listener = listener.dup()
        self._listener.listen(64)
        self._source = source
        self._instance_id = instance_id
        self._clock = clock
        self._faults = faults or Faults()
        self._tokens: dict[str, float] = {}
        self._lock = Lock()
        self._connections: set[socket.socket] = set()
        self._thread = Thread(target=self._accept, name=f"metadata {instance_id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """No further answer; open connections end. Can be repeated."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = tuple(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def view(self) -> InstanceView | None:
        return self._source.instance(self._instance_id)

    def fault(self, method: str, path: str) -> Fault | None:
        """What strikes this request, after the wait that it asks for."""
        view = self.view()
        role = view.role_name if view is not None else None
        call = Call(METADATA, f"{method} {path}", view.region if view else "", "", METADATA)
        fault = self._faults.strike(Principal("", self._instance_id, role), call)
        if fault is not None and fault.seconds:
            time.sleep(fault.seconds)
        return fault

    def issue_token(self, ttl: int) -> str:
        token = token_urlsafe(32)
        now = self._clock()
        with self._lock:
            self._tokens = {held: until for held, until in self._tokens.items() if until > now}
            self._tokens[token] = now + ttl
        return token

    def accepts(self, token: str | None) -> bool:
        with self._lock:
            return token is not None and self._tokens.get(token, 0.0) > self._clock()

    def read(self, path: str) -> str | None:
        """What a GET of this path answers; None when there is no such path."""
        view = self.view()
        version, _, rest = path.strip("/").partition("/")
        if view is None or version not in _VERSIONS:
            return None
        if rest == "user-data":
            return view.user_data or None
        if rest == "dynamic/instance-identity/document":
            return _identity(view)
        tree = _tree(view)
        role = view.role_name
        if role and rest == f"meta-data/iam/security-credentials/{role}":
            return _credentials(self._source.credentials(view.id))
        return _lookup(tree, rest)

    def _accept(self) -> None:
        while True:
            try:
                connection, peer = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections.add(connection)
            Thread(target=self._converse, args=(connection, peer), daemon=True).start()

    def _converse(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        try:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _Handler(self, connection, peer)
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "EC2ws"
    sys_version = ""
    timeout = 5
    wbufsize = -1

    def __init__(self, service: MetadataService, connection: socket.socket, peer: tuple[str, int]) -> None:
        self._service = service
        super().__init__(connection, peer, None)  # type: ignore[arg-type]

    def do_PUT(self) -> None:
        if self._struck():
            return
        view = self._service.view()
        if not self._open(view):
            return
        if self.path.rstrip("/") != "/latest/api/token":
            self._answer(404, "")
            return
        if self.headers.get("X-Forwarded-For"):
            self._answer(403, "")
            return
        ttl = self.headers.get(TTL_HEADER, "")
        if not ttl.isdigit() or not 1 <= int(ttl) <= LONGEST_TTL:
            self._answer(400, "")
            return
        assert view is not None
        if self._hops(view) > view.metadata.hop_limit:
            self.close_connection = True
            return
        self.connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, view.metadata.hop_limit)
        self._answer(200, self._service.issue_token(int(ttl)), ((TTL_HEADER, ttl),))

    def do_GET(self) -> None:
        if self._struck() or not self._open(self._service.view()):
            return
        if not self._service.accepts(self.headers.get(TOKEN_HEADER)):
            self._answer(401, "")
            return
        content = self._service.read(self.path)
        self._answer(404, "") if content is None else self._answer(200, content)

    do_HEAD = do_GET

    def _struck(self) -> bool:
        """Whether a fault has taken the place of an answer."""
        fault = self._service.fault(self.command, self.path)
        match fault.kind if fault is not None else None:
            case None | "latency":
                return False
            case "cut":
                self.close_connection = True
            case "empty":
                self._answer(200, "")
            case "throttle":
                self._answer(503, "")
            case _:
                assert fault is not None
                self._answer(fault.status, "")
        return True

    def _open(self, view: InstanceView | None) -> bool:
        if view is None:
            self._answer(404, "")
            return False
        if not view.metadata.enabled:
            self._answer(403, "")
            return False
        return True

    def _hops(self, view: InstanceView) -> int:
        """1 for the instance itself, one more for a container behind one of its bridges."""
        return 1 if self.client_address[0] in (ADDRESS, "127.0.0.1", view.private_ip) else 2

    def _answer(self, status: int, content: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        body = content.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _tree(view: InstanceView) -> Mapping[str, str]:
    """Every leaf under /latest/ by its path; "Instance metadata categories"."""
    meta = {
        "ami-id": view.image_id,
        "ami-launch-index": "0",
        "hostname": _hostname(view),
        "instance-action": "none",
        "instance-id": view.id,
        "instance-life-cycle": view.lifecycle,
        "instance-type": view.instance_type,
        "local-hostname": _hostname(view),
        "local-ipv4": view.private_ip or "",
        "mac": view.mac or "",
        "placement/availability-zone": view.zone_name,
        "placement/availability-zone-id": view.zone_id,
        "placement/region": view.region,
        "security-groups": "\n".join(view.security_groups),
        "services/domain": "amazonaws.com",
        "services/partition": "aws",
    }
    if view.mac:
        interface = f"network/interfaces/macs/{view.mac}"
        meta[f"{interface}/local-ipv4s"] = view.private_ip or ""
        meta[f"{interface}/security-group-ids"] = "\n".join(view.security_groups)
        meta[f"{interface}/subnet-id"] = view.subnet_id
        meta[f"{interface}/subnet-ipv4-cidr-block"] = view.subnet_cidr
        meta[f"{interface}/vpc-id"] = view.vpc_id
    if view.target_lifecycle_state:
        meta["autoscaling/target-lifecycle-state"] = view.target_lifecycle_state
    if view.role_name:
        meta["iam/info"] = json.dumps({"Code": "Success", "InstanceProfileArn": view.profile_arn})
        meta[f"iam/security-credentials/{view.role_name}"] = ""
    if view.metadata.tags:
        meta |= {f"tags/instance/{key}": value for key, value in view.tags.items()}
    leaves = {f"meta-data/{path}": value for path, value in meta.items()}
    leaves["dynamic/instance-identity/document"] = ""
    if view.user_data:
        leaves["user-data"] = ""
    return leaves


def _lookup(tree: Mapping[str, str], path: str) -> str | None:
    wanted = path.strip("/")
    if wanted in tree:
        return tree[wanted]
    listing = sorted(set(_children(tree, f"{wanted}/" if wanted else "")))
    return "\n".join(listing) if listing else None


def _children(tree: Mapping[str, str], prefix: str) -> Iterator[str]:
    for path in tree:
        if path.startswith(prefix):
            head, slash, _ = path.removeprefix(prefix).partition("/")
            yield head + slash


def _hostname(view: InstanceView) -> str:
    if view.private_ip is None:
        return ""
    domain = "ec2.internal" if view.region == "us-east-1" else f"{view.region}.compute.internal"
    return f"ip-{view.private_ip.replace('.', '-')}.{domain}"


def _identity(view: InstanceView) -> str:
    """ "Instance identity documents"."""
    return json.dumps(
        {
            "accountId": view.account,
            "architecture": "x86_64",
            "availabilityZone": view.zone_name,
            "imageId": view.image_id,
            "instanceId": view.id,
            "instanceType": view.instance_type,
            "pendingTime": view.launch_time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "privateIp": view.private_ip,
            "region": view.region,
            "version": "2017-09-30",
        },
        indent=2,
    )


def _credentials(credentials: Credentials | None) -> str | None:
    if credentials is None:
        return None
    return json.dumps(
        {
            "Code": "Success",
            "LastUpdated": credentials.last_updated.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Type": "AWS-HMAC",
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "Token": credentials.token,
            "Expiration": credentials.expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        indent=2,
    )
