"""What was asked for, read back from the lab's AWS: the plan, and the pools' desired counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quorate.errors import Unknown
from quorate.swarm.snapshot import Plan, read_plan

CREDENTIALS: dict[str, Any] = {"aws_access_key_id": "quorate-lab", "aws_secret_access_key": "not-a-secret"}
"""moto takes any; these say where they came from."""

REGION = "us-east-1"


@dataclass(frozen=True)
class Asked:
    """One cluster as it was laid out. `workers` is the sum of its pools' desired counts."""

    plan: Plan
    workers: int


class Aws:
    """The lab's AWS as its operator, through boto3. Methods raise Unknown when it does not answer."""

    def __init__(self, endpoint: str, region: str = REGION) -> None:
        self._endpoint = endpoint
        self._region = region
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A client that goes to the lab whatever the environment says of profiles, endpoints, proxies."""
        import boto3
        from botocore.config import Config

        if service not in self._clients:
            session = boto3.session.Session(**CREDENTIALS)
            config = Config(connect_timeout=2, read_timeout=20, proxies={}, retries={"total_max_attempts": 2})
            self._clients[service] = session.client(
                service, region_name=self._region, endpoint_url=self._endpoint, config=config
            )
        return self._clients[service]

    def asked(self) -> Asked | None:
        """The cluster that is laid out; None when nothing is, or not enough to hold a plan."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            for table in self.client("dynamodb").list_tables()["TableNames"]:
                plan = self._plan(table)
                if plan is not None:
                    return Asked(plan, self._workers(plan))
        except (BotoCoreError, ClientError) as error:
            raise Unknown(f"the lab's AWS did not answer: {error}") from error
        return None

    def _plan(self, table: str) -> Plan | None:
        answer = self.client("dynamodb").get_item(
            TableName=table, Key={"id": {"S": "plan"}}, ConsistentRead=True
        )
        item = answer.get("Item")
        return read_plan(item["document"]["S"]) if item else None

    def _workers(self, plan: Plan) -> int:
        names = [pool.group for pool in plan.pools]
        if not names:
            return 0
        pages = self.client("autoscaling").get_paginator("describe_auto_scaling_groups")
        return sum(
            group["DesiredCapacity"]
            for page in pages.paginate(AutoScalingGroupNames=names)
            for group in page["AutoScalingGroups"]
        )
