"""Waits until an engine names a leader that is not among the lost; the same look for whoever is timed.

PYTHONPATH=infra .venv/bin/python benchmarks/new_leader.py --lost 10.0.0.4 --ask /run/docker.sock
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Sequence

from quorate.errors import Unknown
from quorate.swarm.local import ask

ANSWER = 1.0
"""Seconds for one answer: an engine without a leader takes long to say so."""


def wait_for_leader(docker_hosts: Sequence[str], lost: set[str], seconds: float = 120.0) -> str:
    """The new leader's address; AssertionError when time is up."""
    found: list[str] = []
    end = time.monotonic() + seconds

    def look(docker_host: str) -> None:
        while not found and time.monotonic() < end:
            leader = _leader(docker_host)
            if leader and leader not in lost:
                found.append(leader)
            time.sleep(0.05)

    threads = [threading.Thread(target=look, args=(host,)) for host in docker_hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found, f"no new leader after {seconds:.0f} s"
    return found[0]


def _leader(docker_host: str) -> str:
    try:
        _, nodes = ask(docker_host, "/nodes", timeout=ANSWER)
    except Unknown:
        return ""
    members = [node.get("ManagerStatus") or {} for node in nodes] if isinstance(nodes, list) else []
    return next((m["Addr"].partition(":")[0] for m in members if m.get("Leader")), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lost", nargs="+", required=True, help="addresses of those without power")
    parser.add_argument("--ask", nargs="+", required=True, help="sockets of engines that live")
    arguments = parser.parse_args()
    wait_for_leader([f"unix://{path}" for path in arguments.ask], set(arguments.lost))


if __name__ == "__main__":
    main()
