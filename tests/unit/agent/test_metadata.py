"""The metadata service: version 2 only, a session first, and patience with a service that is not well yet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from quorate.agent.metadata import Metadata
from quorate.errors import Failed, Unknown
from quorate.swarm.patience import Deadline

FACTS = {
    "/latest/user-data": "{}",
    "/latest/meta-data/instance-id": "i-1",
    "/latest/meta-data/local-ipv4": "10.20.0.4",
    "/latest/meta-data/autoscaling/target-lifecycle-state": "Terminated",
}


class Service(ThreadingHTTPServer):
    """Answers with its facts; `script` is a row of statuses given first, whatever is asked."""

    script: list[int]
    sessions: int


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_PUT(self) -> None:
        self.server.sessions += 1
        self._say(200, f"session-{self.server.sessions}")

    def do_GET(self) -> None:
        if self.server.script:
            self._say(self.server.script.pop(0), "")
        elif self.headers.get("X-aws-ec2-metadata-token") != f"session-{self.server.sessions}":
            self._say(401, "")
        else:
            self._say(200 if self.path in FACTS else 404, FACTS.get(self.path, ""))

    def _say(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service(("127.0.0.1", 0), Handler)
    server.script, server.sessions = [], 0
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def client(service: Service) -> Metadata:
    return Metadata(f"http://127.0.0.1:{service.server_address[1]}")


def test_one_session_serves_every_question(service: Service) -> None:
    metadata = client(service)
    identity = metadata.identity(Deadline(5))
    assert (identity.instance, identity.address) == ("i-1", "10.20.0.4")
    assert metadata.is_to_end()
    assert service.sessions == 1


def test_a_session_that_has_run_out_is_renewed(service: Service) -> None:
    metadata = client(service)
    assert metadata.get("user-data") == b"{}"
    service.sessions += 1
    assert metadata.get("user-data") == b"{}"


def test_a_path_that_is_not_there_is_none(service: Service) -> None:
    assert client(service).get("meta-data/tags") is None


@pytest.mark.parametrize("ill", [[500, 503], [404, 404], [401, 401, 401]])
def test_a_service_that_is_not_well_is_asked_again_until_it_answers(service: Service, ill: list[int]) -> None:
    service.script = list(ill)
    assert client(service).wait_for("user-data", Deadline(10)) == b"{}"


def test_a_service_that_never_gets_well_is_named_with_its_answer(service: Service) -> None:
    service.script = [503] * 1000
    with pytest.raises(Failed, match="the service said 503"):
        client(service).wait_for("user-data", Deadline(0.5))


def test_a_service_that_is_not_there_is_unknown() -> None:
    with pytest.raises(Unknown, match="no answer"):
        Metadata("http://127.0.0.1:9").get("user-data")
