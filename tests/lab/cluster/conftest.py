"""Whole clusters in labs, asked through the docker CLI and boto3, which share no code with the lab."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest

from quorate.lab.hosts.engine import REGISTRY_PORT
from quorate.lab.hosts.fabric import REGISTRY_ADDRESS
from quorate.lab.hosts.machine import check_machine
from quorate.lab.hosts.registry import busybox_rootfs
from quorate.lab.lab import Lab

PATIENCE = 120.0
IMAGE = f"{REGISTRY_ADDRESS}:{REGISTRY_PORT}/busybox"


def eventually(what: Callable[[], Any], seconds: float = PATIENCE, pause: float = 0.2) -> Any:
    """The first true value of `what()`."""
    deadline = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < deadline, f"still {value!r} after {seconds} s"
        time.sleep(pause)
    return value


@dataclass
class Witness:
    """One lab's cluster as outsiders see it."""

    lab: Lab

    def docker(self, host: str, *words: str, check: bool = True, timeout: float = 60) -> str:
        """The docker CLI at the engine of a host (a docker_host address)."""
        done = subprocess.run(
            ["docker", "-H", host, *words], capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout.strip()

    def engines(self, role: str | None = None) -> list[str]:
        return [h.docker_host for h in self.lab.hosts() if h.docker_host and role in (None, h.role)]

    def manager(self) -> str:
        """A manager's engine that answers for the swarm."""
        for engine in self.engines("manager"):
            if self.docker(engine, "node", "ls", "-q", check=False):
                return engine
        raise AssertionError("no manager answers")

    def nodes(self) -> list[dict[str, Any]]:
        """`docker node inspect` of every node; a node that leaves between list and look is left out."""
        engine = self.manager()
        ids = self.docker(engine, "node", "ls", "-q").split()
        return json.loads(self.docker(engine, "node", "inspect", *ids, check=False) or "[]")

    def managers(self) -> list[dict[str, Any]]:
        return [node for node in self.nodes() if node["Spec"]["Role"] == "manager"]

    def zones(self) -> Counter[str]:
        """Managers by the zone of their label."""
        return Counter(node["Spec"]["Labels"]["quorate.zone"] for node in self.managers())

    def cluster_ids(self) -> set[str]:
        """What each node's own certificate says, read with openssl."""
        found = set()
        for host in self.lab.hosts():
            words = "openssl x509 -noout -subject -in /var/lib/docker/swarm/certificates/swarm-node.crt"
            said = self.lab.exec(host.name, words.split()).stdout
            found.add(next(part.split("=")[1].strip() for part in said.split(",") if "O =" in part))
        return found

    def aws(self, service: str) -> Any:
        return boto3.session.Session(
            aws_access_key_id="outside", aws_secret_access_key="witness", region_name="us-east-1"
        ).client(service, endpoint_url=self.lab.endpoint)

    def groups(self) -> dict[str, dict[str, Any]]:
        pages = self.aws("autoscaling").get_paginator("describe_auto_scaling_groups").paginate()
        return {g["AutoScalingGroupName"]: g for page in pages for g in page["AutoScalingGroups"]}

    def instances(self) -> list[dict[str, Any]]:
        answer = self.aws("ec2").describe_instances()
        return [i for r in answer["Reservations"] for i in r["Instances"] if i["State"]["Name"] == "running"]

    def push_image(self) -> str:
        """The name of a busybox image that every engine can pull from the lab's registry."""
        engine = self.manager()
        tar = subprocess.run(
            ["docker", "-H", engine, "import", "-", IMAGE],
            input=busybox_rootfs(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert tar.returncode == 0, tar.stderr
        self.docker(engine, "push", IMAGE)
        return IMAGE

    def running(self, service: str) -> Counter[str]:
        """Running tasks of a service by node id."""
        engine = self.manager()
        ids = self.docker(engine, "service", "ps", "-q", "--filter", "desired-state=running", service).split()
        tasks = json.loads(self.docker(engine, "inspect", "--type", "task", *ids)) if ids else []
        return Counter(t["NodeID"] for t in tasks if t["Status"]["State"] == "running")

    @contextmanager
    def fault(self, **fault: Any) -> Iterator[None]:
        """AWS misbehaves as described, until the end of the block."""
        number = self._post("/quorate-lab/faults", fault)["id"]
        try:
            yield
        finally:
            urlopen(Request(f"{self.lab.endpoint}/quorate-lab/faults/{number}", method="DELETE")).close()

    def _post(self, path: str, document: Any) -> Any:
        request = Request(self.lab.endpoint + path, json.dumps(document).encode(), method="POST")
        with urlopen(request) as answer:
            return json.load(answer)


@contextmanager
def folder() -> Iterator[Path]:
    """A lab's folder with a short path; whatever happens, the lab in it is down at the end."""
    directory = Path(tempfile.mkdtemp(prefix="ql-"))
    try:
        yield directory
    finally:
        Lab(directory).down()
        shutil.rmtree(directory)


@pytest.fixture(scope="session", autouse=True)
def _machine() -> None:
    check_machine()


@pytest.fixture(scope="session")
def shared() -> Iterator[Witness]:
    """The cluster of Pulumi.lab.yaml, up and whole, for the tests that leave it as it was."""
    with folder() as directory:
        lab = Lab(directory)
        lab.up()
        yield Witness(lab)


@pytest.fixture
def empty() -> Iterator[Lab]:
    """A lab of the test's own that is not started yet."""
    with folder() as directory:
        yield Lab(directory)
