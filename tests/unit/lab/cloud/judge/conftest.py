"""An instance with a role, and what there is for it to call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from quorate.lab.cloud import Cloud, Timing

from ..conftest import Aws, ManualClock

ACCOUNT = "123456789012"

Statement = dict[str, Any]


def allow(action: str, resource: str = "*", **condition: Any) -> Statement:
    more = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@dataclass
class Node:
    """One instance, its role and its keys."""

    aws: Aws
    instance: str
    key: str
    other_key: str
    ciphertext: bytes

    def client(self, service: str) -> Any:
        credentials = self.aws.cloud.credentials(self.instance)
        assert credentials is not None
        return self.aws.with_credentials(credentials).client(service)

    def may(self, *statements: Statement) -> None:
        self.aws.policy("node", *statements)


def is_denied(call: Callable[[], Any]) -> str | None:
    """AWS's message when the call is denied; None when it is let through, whatever comes of it."""
    try:
        call()
    except ClientError as error:
        codes = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
        if error.response["Error"]["Code"] in codes:
            return str(error.response["Error"]["Message"])
    return None


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    clock = ManualClock()
    timing = Timing(health_check=3600.0, vanish=3600.0, launch_backoff=0.0, clock=clock)
    with Cloud(timing=timing) as cloud:
        aws = Aws(cloud, clock)
        profile = aws.role("node", allow("none:None"))
        template = aws.template(IamInstanceProfile={"Arn": profile})
        aws.group(template=template, hooks={"hook": "autoscaling:EC2_INSTANCE_LAUNCHING"})
        (instance,) = aws.settled(["Pending:Wait"])
        aws.client("dynamodb").create_table(
            TableName="cluster",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        kms = aws.client("kms")
        keys = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
        ssm = aws.client("ssm")
        ssm.put_parameter(Name="/cluster/token", Value="v", Type="SecureString", KeyId=keys[0])
        ssm.put_parameter(Name="/cluster/plain", Value="v", Type="String")
        ssm.put_parameter(Name="/default", Value="v", Type="SecureString")
        ciphertext = kms.encrypt(KeyId=keys[0], Plaintext=b"v", EncryptionContext={"a": "b"})
        yield Node(aws, instance, keys[0], keys[1], ciphertext["CiphertextBlob"])
