"""A lab's cloud, and boto3 clients of it as the witness."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from quorate.lab.cloud import Cloud


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """One cloud for the tests of a module."""
    running = Cloud()
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def boto(cloud: Cloud) -> Callable[[str], Any]:
    """A boto3 client of a service: the witness, which shares nothing with what is tested."""
    clients: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in clients:
            clients[service] = boto3.client(
                service,
                endpoint_url=cloud.endpoint,
                region_name=cloud.region,
                aws_access_key_id="witness",
                aws_secret_access_key="witness",
            )
        return clients[service]

    return client
