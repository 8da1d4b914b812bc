"""Runs a stack in processes of its own and kills them with SIGKILL at a chosen step.

Reads lines of JSON {"do": "up" | "destroy", "config": {...}, "kill": step or null} and answers each with
{"killed": bool, "steps": how many there were, "error": one line or null}. A step lies before and after each
AWS call and each write of the state.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import botocore.endpoint
import pulumi_aws  # noqa: F401 (imported once, for all the children)

import quorate.lab.engine.monitor
import quorate.lab.engine.program  # noqa: F401
from quorate.errors import QuorateError
from quorate.lab.engine import Run, ledger
from quorate.lab.provider.aws import SERVICES, Aws


class Steps:
    """Counts steps from all threads and ends the process at the chosen one."""

    def __init__(self, kill: int | None) -> None:
        self.kill = kill
        self.taken = 0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.taken += 1
            if self.taken == self.kill:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str) -> None:
        """A step before and after each call of a function."""
        inner = getattr(owner, name)

        def stepping(*arguments: Any, **named: Any) -> Any:
            self()
            answer = inner(*arguments, **named)
            self()
            return answer

        setattr(owner, name, stepping)


def child(order: dict[str, Any], arguments: list[str], answer: int) -> None:
    """One run; the number of its steps goes to `answer`, if it lives to tell."""
    project, state, endpoint, nonce = arguments
    steps = Steps(order["kill"])
    steps.around(botocore.endpoint.Endpoint, "make_request")
    steps.around(ledger, "_write")
    run = Run(Path(project), "lab", order["config"], state_path=Path(state), endpoint=endpoint, nonce=nonce)
    error = None
    try:
        run.up() if order["do"] == "up" else run.destroy()
    except QuorateError as failed:
        error = str(failed)
    os.write(answer, json.dumps({"killed": False, "steps": steps.taken, "error": error}).encode())
    os._exit(0)


def warm(project: str, state: str, endpoint: str, nonce: str) -> None:
    """Does once here what every child would do: reading the services' models and pulumi_aws's types."""
    aws = Aws(dict.fromkeys(SERVICES, endpoint), "us-east-1")
    for service in SERVICES:
        aws.client(service)
    Run(Path(project), "lab", state_path=Path(state), endpoint=endpoint, nonce=nonce).preview()


def main() -> None:
    """Serves orders until the input ends."""
    warm(*sys.argv[1:])
    for line in sys.stdin:
        order = json.loads(line)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            child(order, sys.argv[1:], writing)
        os.close(writing)
        with os.fdopen(reading) as told:
            answer = told.read() or json.dumps({"killed": True, "steps": order["kill"], "error": None})
        os.waitpid(pid, 0)
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
