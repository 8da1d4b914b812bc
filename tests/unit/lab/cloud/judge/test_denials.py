"""A denial in the words of each service, in the log, and in the list; and calls that have two readings."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError

from .conftest import Node, allow


def listed(node: Node) -> list[dict[str, Any]]:
    with urlopen(f"{node.aws.cloud.endpoint}/quorate-lab/denials") as answer:
        document = json.load(answer)
    assert document["schema"] == 1
    return list(document["denials"])


SHAPES: dict[str, tuple[str, dict[str, Any], str, int]] = {
    "ec2": ("describe_instances", {}, "UnauthorizedOperation", 403),
    "autoscaling": ("describe_auto_scaling_groups", {}, "AccessDenied", 403),
    "iam": ("list_roles", {}, "AccessDenied", 403),
    "ssm": ("get_parameter", {"Name": "/cluster/token"}, "AccessDeniedException", 400),
    "dynamodb": ("scan", {"TableName": "cluster"}, "AccessDeniedException", 400),
    "kms": ("list_keys", {}, "AccessDeniedException", 400),
}


@pytest.mark.parametrize("service", SHAPES)
def test_a_denial_has_its_service_s_own_shape(node: Node, service: str) -> None:
    call, arguments, code, status = SHAPES[service]
    node.may(allow("none:None"))
    with pytest.raises(ClientError) as refusal:
        getattr(node.client(service), call)(**arguments)
    response = refusal.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert "is not authorized to perform: " in response["Error"]["Message"]
    assert "because no identity-based policy allows the " in response["Error"]["Message"]


def test_the_list_and_the_log_name_who_asked_for_what_and_what_is_missing(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    node.aws.cloud.denials.clear()
    token = "arn:aws:ssm:us-east-1:123456789012:parameter/cluster/token"
    node.may({**allow("ssm:GetParameter", token), "Sid": "ReadToken"})

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(ClientError):
                node.client("ssm").get_parameter(Name="/cluster/token", WithDecryption=True)

    (denial,) = listed(node)
    assert denial["principal"] == f"node/{node.instance}"
    assert (denial["call"], denial["action"]) == ("ssm:GetParameter", "kms:Decrypt")
    assert (denial["resource"], denial["kind"], denial["count"]) == (node.key, "implicit", 3)
    assert denial["reason"] == (
        f"role node lacks a statement that allows kms:Decrypt (for ssm:GetParameter) on {node.key}"
    )
    assert denial["first"] <= denial["last"]
    logged = [record.getMessage() for record in caplog.records if "denied" in record.getMessage()]
    assert logged == [f"denied: node/{node.instance}, ssm:GetParameter: {denial['reason']}"]


def test_what_was_denied_lately_is_news_and_credentials_that_ended_are_not(node: Node) -> None:
    node.aws.cloud.denials.clear()
    node.may(allow("none:None"))
    old = node.aws.cloud.credentials(node.instance)
    with pytest.raises(ClientError):
        node.client("ec2").describe_instances()
    node.aws.cloud.expire_credentials(node.instance)
    with pytest.raises(ClientError):
        node.aws.with_credentials(old).client("ec2").describe_instances()
    assert node.aws.cloud.denials.news() == [
        "denied: role node lacks a statement that allows ec2:DescribeInstances on * (1 x)"
    ]
    assert len(listed(node)) == 2


def test_what_is_allowed_is_not_listed(node: Node) -> None:
    node.aws.cloud.denials.clear()
    node.may(allow("ec2:DescribeInstances"))
    node.client("ec2").describe_instances()
    assert listed(node) == []


def test_credentials_that_aws_would_not_take_are_listed(node: Node) -> None:
    node.aws.cloud.denials.clear()
    credentials = node.aws.cloud.credentials(node.instance)
    node.aws.cloud.expire_credentials(node.instance)
    with pytest.raises(ClientError):
        node.aws.with_credentials(credentials).client("ec2").describe_instances()
    (denial,) = listed(node)
    assert denial["kind"] == "credentials"
    assert denial["reason"] == f"the credentials of node/{node.instance} are refused: ExpiredToken"


SSM = "application/x-amz-json-1.1"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
PUT = "Name=%2Fcluster%2Fplain&Value=x&Type=String&Overwrite=true"
TWO_READINGS: dict[str, tuple[str, str, bytes, dict[str, str]]] = {
    "an action in the URL": ("ssm", "?Action=DeleteParameter", b'{"Name": "/cluster/plain"}', {}),
    "an action in the document": ("ssm", "", b'{"Name": "/cluster/plain", "x": "&Action=PutParameter"}', {}),
    "an action in a header": ("ssm", "", b'{"Name": "/cluster/plain"}', {"Action": "DeleteParameter"}),
    "a form that says that it is a document": ("ssm", "", b"Action=DeleteParameter", {"Content-Type": FORM}),
    "a target for a service that has none": (
        "sts",
        "",
        b"Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/node&RoleSessionName=someone",
        {"X-Amz-Target": "x.GetCallerIdentity", "Content-Type": "text/plain"},
    ),
    "two actions in a form": (
        "ec2",
        "",
        b"Action=TerminateInstances&InstanceId.1=i-1&Action=DescribeInstances",
        {"Content-Type": FORM},
    ),
    "two services in the scope": ("ssm, Credential=x/20260101/us-east-1/sts/aws4_request", "", b"{}", {}),
}  # fmt: skip


@pytest.mark.parametrize("case", TWO_READINGS)
def test_a_request_that_could_be_read_in_two_ways_is_served_in_neither(node: Node, case: str) -> None:
    # given a role that may do what one of the readings says
    node.may(allow("ssm:GetParameter"), allow("ec2:DescribeInstances"))
    service, query, body, more = TWO_READINGS[case]
    credentials = node.aws.cloud.credentials(node.instance)
    assert credentials is not None
    scope = f"Credential={credentials.access_key_id}/20260101/us-east-1/{service}/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
        "X-Amz-Security-Token": credentials.token,
        "Content-Type": SSM,
        **({"X-Amz-Target": "AmazonSSM.GetParameter"} if service.startswith("ssm") else {}),
        **more,
    }

    with pytest.raises(HTTPError) as refusal:
        urlopen(Request(f"{node.aws.cloud.endpoint}/{query}", body, headers, method="POST"))

    assert refusal.value.code in (400, 403)
    assert node.aws.client("ssm").get_parameter(Name="/cluster/plain")["Parameter"]["Value"] == "v"
