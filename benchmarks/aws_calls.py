"""The AWS calls that a piece of work makes, recorded, and made again in a bare loop.

Identifiers differ from one cloud to the next, so a replay maps each identifier of a recorded answer to
the one in the answer that it gets, and uses those in the calls that follow.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.client
from botocore.exceptions import ClientError


class Call(dict[str, Any]):
    """service, operation, parameters, answer."""


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """Collects every call that any botocore client of this process makes meanwhile."""
    calls: list[Call] = []
    original = botocore.client.BaseClient._make_api_call

    def record(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
        call = Call(service=self.meta.service_model.service_name, operation=operation, parameters=parameters)
        try:
            call["answer"] = original(self, operation, parameters)
            return call["answer"]
        finally:
            calls.append(call)

    botocore.client.BaseClient._make_api_call = record
    try:
        yield calls
    finally:
        botocore.client.BaseClient._make_api_call = original


def replay(calls: list[Call], endpoint: str, region: str) -> float:
    """Seconds that the same calls take in a bare loop; like the program, it makes its clients first."""
    start = time.perf_counter()
    session = boto3.session.Session(
        aws_access_key_id="bare", aws_secret_access_key="loop", region_name=region
    )
    clients = {
        name: session.client(name, endpoint_url=endpoint) for name in {call["service"] for call in calls}
    }
    named: dict[str, str] = {}
    for call in calls:
        try:
            answer = clients[call["service"]]._make_api_call(
                call["operation"], _renamed(call["parameters"], named)
            )
        except ClientError:
            if "answer" in call:
                raise
            continue
        if "answer" in call:
            _learn(call["answer"], answer, named)
    return time.perf_counter() - start


def _learn(old: Any, new: Any, named: dict[str, str]) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() & new.keys() - {"ResponseMetadata"}:
            _learn(old[key], new[key], named)
    elif isinstance(old, list) and isinstance(new, list):
        for one, other in zip(old, new, strict=False):
            _learn(one, other, named)
    elif isinstance(old, str) and isinstance(new, str) and old != new and len(old) > 8:
        named[old] = new


def _renamed(value: Any, named: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(item, named) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(item, named) for item in value]
    if isinstance(value, str):
        if value in named:
            return named[value]
        for old, new in named.items():
            if old in value:
                value = value.replace(old, new)
    return value
