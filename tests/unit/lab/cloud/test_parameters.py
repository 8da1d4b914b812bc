"""Parameter Store: the key that a SecureString is under can be seen ("PutParameter", API Reference)."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Aws


def _key_of(ssm: Any, name: str) -> Any:
    filters = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    return ssm.describe_parameters(ParameterFilters=filters)["Parameters"][0].get("KeyId")


def test_a_put_without_key_falls_back_to_the_account_s_key_also_on_an_overwrite(aws: Aws) -> None:
    ssm, kms = aws.client("ssm"), aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    ssm.put_parameter(Name="/token", Value="one", Type="SecureString", KeyId=key)
    assert _key_of(ssm, "/token") == key
    ssm.put_parameter(Name="/token", Value="two", Type="SecureString", KeyId=key, Overwrite=True)
    assert _key_of(ssm, "/token") == key
    ssm.put_parameter(Name="/token", Value="three", Type="SecureString", Overwrite=True)
    assert _key_of(ssm, "/token") == "alias/aws/ssm"
    found = ssm.get_parameter(Name="/token", WithDecryption=True)["Parameter"]
    assert (found["Value"], found["Version"]) == ("three", 3)


def test_a_key_by_alias_is_taken(aws: Aws) -> None:
    kms, ssm = aws.client("kms"), aws.client("ssm")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/token", TargetKeyId=key)
    ssm.put_parameter(Name="/token", Value="one", Type="SecureString", KeyId="alias/token")
    assert _key_of(ssm, "/token") == "alias/token"


@pytest.mark.parametrize("state", ["absent", "disabled", "pending deletion"])
def test_a_key_that_cannot_be_used_is_refused(aws: Aws, state: str) -> None:
    kms, ssm = aws.client("kms"), aws.client("ssm")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    if state == "absent":
        key = "11111111-1111-1111-1111-111111111111"
    elif state == "disabled":
        kms.disable_key(KeyId=key)
    else:
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(ClientError) as refusal:
        ssm.put_parameter(Name="/token", Value="one", Type="SecureString", KeyId=key)
    assert refusal.value.response["Error"]["Code"] == "InvalidKeyId"
    with pytest.raises(ClientError):
        ssm.get_parameter(Name="/token")
