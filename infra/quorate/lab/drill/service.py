"""A replicated service on an overlay network, and a client on every worker that asks it all the time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from quorate.errors import Failed
from quorate.lab.hosts.inventory import WORKER, HostState
from quorate.swarm.snapshot import LABEL_ZONE

WEB, CLIENT, NETWORK = "quorate-drill-web", "quorate-drill-client", "quorate-drill"

SERVE = "echo here > /var/www/index.html; exec httpd -f -p 80 -h /var/www"
ASK = f"""while :; do
  at=$(nslookup -type=a {WEB} 127.0.0.11 2>/dev/null | sed -n 's/^Address: *//p' | grep -v :53 | head -n 1)
  if [ -n "$at" ] && printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox timeout 2 nc -w 1 "$at" 80 | grep -q here
  then echo ok; else echo failed; fi
  sleep 0.2
done"""
"""One request after the other, each to whichever task the name server of the engine gives first."""


def client(docker_host: str) -> Any:
    from docker.api.client import APIClient

    return APIClient(base_url=docker_host, version="auto", timeout=5)


@contextmanager
def running(docker_host: str, image: str, replicas: int) -> Iterator[None]:
    """The service and its clients; removed at the end through `docker_host`, a manager's engine."""
    from docker.types import EndpointSpec, Placement, PlacementPreference, RestartPolicy, ServiceMode

    engine = client(docker_host)
    remove(docker_host)
    network = engine.create_network(NETWORK, driver="overlay", check_duplicate=True)["Id"]
    try:
        for name, script, mode in (
            (WEB, SERVE, ServiceMode("replicated", replicas)),
            (CLIENT, ASK, ServiceMode("global")),
        ):
            engine.create_service(
                {
                    "ContainerSpec": {
                        "Image": image,
                        "Command": ["sh", "-c", script],
                        "StopGracePeriod": 1_000_000_000,
                    },
                    "RestartPolicy": RestartPolicy("any", delay=500_000_000),
                    "Placement": Placement(
                        constraints=["node.role==worker"],
                        preferences=[PlacementPreference("spread", f"node.labels.{LABEL_ZONE}")],
                    ),
                    "Networks": [{"Target": network}],
                },
                name=name,
                mode=mode,
                endpoint_spec=EndpointSpec("dnsrr"),
            )
        yield
    finally:
        remove(docker_host)


def remove(docker_host: str, seconds: float = 30) -> None:
    """Services and network away; a network goes only after the last of its tasks."""
    from docker.errors import DockerException, NotFound
    from requests import RequestException

    engine = client(docker_host)
    deadline = time.monotonic() + seconds
    while True:
        try:
            for name in (WEB, CLIENT):
                with suppress(NotFound):
                    engine.remove_service(name)
            with suppress(NotFound):
                engine.remove_network(NETWORK)
                continue
            return
        except (DockerException, RequestException) as error:
            if time.monotonic() > deadline:
                raise Failed(f"the drill's service could not be removed: {error}") from error
        time.sleep(0.5)


def count(docker_host: str, lost_nodes: frozenset[str]) -> int:
    """Running tasks of the service on nodes that are not lost, as this manager lists them."""
    tasks = client(docker_host).tasks(filters={"service": WEB, "desired-state": "running"})
    return sum(t["Status"]["State"] == "running" and t.get("NodeID") not in lost_nodes for t in tasks)


def requests(hosts: Sequence[HostState], since: float, until: float) -> tuple[int, int]:
    """(failed, all) requests of the clients on these hosts between two times (epoch seconds)."""
    failed = total = 0
    for host in hosts:
        if host.role != WORKER or host.docker_host is None:
            continue
        engine = client(host.docker_host)
        label = {"label": f"com.docker.swarm.service.name={CLIENT}"}
        for container in engine.containers(all=True, filters=label):
            said = engine.logs(container["Id"], since=since, until=until, stderr=False).split()
            failed += said.count(b"failed")
            total += len(said)
    return failed, total
