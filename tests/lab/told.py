"""What a lab's hosts said last, for whoever reads of a failed test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from quorate.errors import QuorateError
from quorate.lab.lab import Lab

LINES = 12
WIDTH = 200
ANSWER = 5.0
NOISE = ("module=grpc", "level=info", "reading from stream")


def told(lab: Lab) -> Iterator[str]:
    """Hosts, the members as each engine lists them, and the ends of all logs of units."""
    try:
        hosts = lab.hosts()
    except QuorateError as error:
        yield f"the lab says nothing: {error}"
        hosts = ()
    for host in hosts:
        yield f"{host.name} {host.instance_id} {host.role} {host.zone} {host.state}"
        if host.docker_host is not None:
            yield _nodes(host.docker_host)
    for log in sorted([*lab.names.hosts.glob("*/log/*.log"), *lab.names.logs.glob("*/*.log")]):
        yield f"-- {log.relative_to(lab.directory)}:"
        lines = [line[:WIDTH] for line in log.read_text(errors="replace").splitlines()]
        yield from [line for line in lines if not any(noise in line for noise in NOISE)][-LINES:]


def _nodes(engine: str) -> str:
    words = ["docker", "-H", engine, "node", "ls"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=ANSWER, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer within {ANSWER:.0f} s"
    return done.stdout or done.stderr
