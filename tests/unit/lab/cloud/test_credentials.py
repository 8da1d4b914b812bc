"""An instance's role: its temporary credentials, who a call is from, and the judge of every call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from quorate.lab.cloud import Principal
from quorate.lab.cloud.calls import Call
from quorate.lab.cloud.denials import Denial

from .conftest import Aws


def _node(aws: Aws, role: str = "worker") -> str:
    """One running instance with this role."""
    aws.group(template=aws.template(IamInstanceProfile={"Arn": aws.role(role)}))
    (instance,) = aws.settled(["InService"])
    return instance


def test_an_instance_calls_as_its_role(aws: Aws) -> None:
    instance = _node(aws)
    credentials = aws.cloud.credentials(instance)
    assert credentials is not None
    identity = aws.with_credentials(credentials).client("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::123456789012:assumed-role/worker/{instance}"
    assert aws.cloud.calls()[f"worker/{instance}", "sts:GetCallerIdentity"] == 1


def test_credentials_stay_the_same_and_are_never_shown(aws: Aws) -> None:
    instance = _node(aws)
    credentials = aws.cloud.credentials(instance)
    assert credentials is not None
    assert aws.cloud.credentials(instance) == credentials
    for secret in (credentials.secret_access_key, credentials.token):
        assert secret not in repr(credentials)


def test_an_instance_without_a_role_and_one_that_ended_have_no_credentials(aws: Aws) -> None:
    aws.group("bare")
    (bare,) = aws.settled(["InService"], "bare")
    assert aws.cloud.credentials(bare) is None
    assert aws.cloud.credentials("i-00000000000000000") is None


def test_a_terminated_instance_gets_no_credentials(aws: Aws) -> None:
    instance = _node(aws)
    assert aws.cloud.credentials(instance) is not None
    aws.ec2.terminate_instances(InstanceIds=[instance])
    assert aws.cloud.credentials(instance) is None


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("ec2", lambda c: c.describe_instances(), "RequestExpired"),
        ("autoscaling", lambda c: c.describe_auto_scaling_groups(), "SignatureDoesNotMatch"),
        ("ssm", lambda c: c.describe_parameters(), "InvalidSignatureException"),
    ],
)
def test_what_an_instance_signs_more_than_five_minutes_off_is_refused(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, service: str, call: Any, code: str
) -> None:
    credentials = aws.cloud.credentials(_node(aws))
    assert credentials is not None
    client = aws.with_credentials(credentials).client(service)
    for off, refused in ((-3600, True), (-240, False), (240, False), (3600, True)):
        then = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=off)
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda then=then: then)
        codes = []
        try:
            call(client)
        except ClientError as refusal:
            codes.append(refusal.response["Error"]["Code"])
        assert (codes == [code]) is refused, (off, codes)
        assert refused or code not in codes


def test_expired_credentials_are_refused_and_new_ones_are_given(aws: Aws) -> None:
    instance = _node(aws)
    old = aws.cloud.credentials(instance)
    assert old is not None
    aws.cloud.expire_credentials(instance)
    for service, call, code in (
        ("ssm", lambda c: c.get_parameter(Name="x"), "ExpiredTokenException"),
        ("autoscaling", lambda c: c.describe_auto_scaling_groups(), "ExpiredToken"),
        ("ec2", lambda c: c.describe_instances(), "RequestExpired"),
    ):
        with pytest.raises(ClientError) as refusal:
            call(aws.with_credentials(old).client(service))
        assert refusal.value.response["Error"]["Code"] == code
    new = aws.cloud.credentials(instance)
    assert new is not None
    assert new != old
    aws.with_credentials(new).client("sts").get_caller_identity()


def test_a_key_without_its_session_token_is_refused(aws: Aws) -> None:
    credentials = aws.cloud.credentials(_node(aws))
    assert credentials is not None
    without = aws.with_credentials(replace(credentials, token="other"))
    with pytest.raises(ClientError) as refusal:
        without.client("ssm").get_parameter(Name="x")
    assert refusal.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_the_judge_sees_who_asks_for_what_and_its_reason_is_told(aws: Aws) -> None:
    # given a judge that lets a worker read one parameter only
    instance = _node(aws)
    heard: list[tuple[Principal, Call]] = []
    nothing = "no statement of worker allows it"

    def judge(principal: Principal, call: Call) -> Denial | None:
        heard.append((principal, call))
        if not principal.is_instance or call.parameters.get("Name") == "/token":
            return None
        return Denial(call.name, None, "implicit", nothing, nothing)

    aws.client("ssm").put_parameter(Name="/token", Value="v", Type="String")
    aws.cloud.judge = judge
    credentials = aws.cloud.credentials(instance)
    assert credentials is not None
    worker = aws.with_credentials(credentials)

    # then that one is read
    assert worker.client("ssm").get_parameter(Name="/token")["Parameter"]["Value"] == "v"
    principal, call = heard[-1]
    assert (principal.role_name, principal.instance_id) == ("worker", instance)
    assert (call.name, call.parameters["Name"], call.region) == ("ssm:GetParameter", "/token", "us-east-1")

    # and everything else is denied in the service's own words, with the reason
    for service, request, code, status in (
        ("ssm", lambda c: c.get_parameter(Name="/x"), "AccessDeniedException", 400),
        ("ec2", lambda c: c.terminate_instances(InstanceIds=[instance]), "UnauthorizedOperation", 403),
        ("autoscaling", lambda c: c.describe_auto_scaling_groups(), "AccessDenied", 403),
        ("iam", lambda c: c.list_roles(), "AccessDenied", 403),
        ("dynamodb", lambda c: c.scan(TableName="t"), "AccessDeniedException", 400),
    ):
        with pytest.raises(ClientError, match=nothing) as refusal:
            request(worker.client(service))
        assert refusal.value.response["Error"]["Code"] == code
        assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert aws.ec2_state(instance) == "running"
    assert aws.asg.describe_auto_scaling_groups()["AutoScalingGroups"]
