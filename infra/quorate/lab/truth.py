"""What was asked for, as the lab's AWS has it: the plan, and the pools' desired counts.

The daemon reads it where it is, in its own moto: a client would cost half a second of every `lab status`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quorate.swarm.snapshot import Plan, read_plan

CREDENTIALS: dict[str, Any] = {"aws_access_key_id": "quorate-lab", "aws_secret_access_key": "not-a-secret"}
"""moto takes any; these say where they came from."""

REGION = "us-east-1"


@dataclass(frozen=True)
class Asked:
    """One cluster as it was laid out. `workers` is the sum of its pools' desired counts."""

    plan: Plan
    workers: int

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Asked | None:
        """From what `read_documents` gave; None when nothing is laid out."""
        if document["plan"] is None:
            return None
        plan = read_plan(document["plan"])
        return cls(plan, sum(document["desired"].get(pool.group, 0) for pool in plan.pools))


def read_documents() -> dict[str, Any]:
    """In the daemon: the document of the PLAN item, and every group's desired count."""
    from moto.autoscaling.models import autoscaling_backends
    from moto.dynamodb.models import dynamodb_backends
    from moto.dynamodb.models.dynamo_type import DynamoType

    key = DynamoType({"S": "plan"})
    plan = None
    backend: Any
    for _account, _region, backend in dynamodb_backends.iter_backends():
        for table in list(backend.tables.values()):
            item = table.get_item(key) if table.hash_key_attr == "id" else None
            if item is not None:
                plan = item.attrs["document"].value
    desired: dict[str, int] = {}
    for _account, _region, backend in autoscaling_backends.iter_backends():
        desired |= {name: group.desired_capacity for name, group in list(backend.autoscaling_groups.items())}
    return {"plan": plan, "desired": desired}


class Aws:
    """The lab's AWS as its operator, through boto3."""

    def __init__(self, endpoint: str, region: str = REGION) -> None:
        self.endpoint = endpoint
        self._region = region
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A client that goes to the lab whatever the environment says of profiles, endpoints, proxies."""
        import boto3
        from botocore.config import Config

        if service not in self._clients:
            config = Config(connect_timeout=2, read_timeout=20, proxies={}, retries={"total_max_attempts": 2})
            self._clients[service] = boto3.session.Session().client(
                service,
                region_name=self._region,
                endpoint_url=self.endpoint,
                config=config,
                **CREDENTIALS,
            )
        return self._clients[service]
