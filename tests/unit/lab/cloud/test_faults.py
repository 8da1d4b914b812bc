"""Faults on demand: what matches fails as asked, everything else goes on."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, ReadTimeoutError

from quorate.errors import UsageError
from quorate.lab.cloud import Fault

from .conftest import Aws


def _control(aws: Aws, method: str, path: str = "faults", document: Any = None) -> Any:
    request = urllib.request.Request(
        f"{aws.cloud.endpoint}/quorate-lab/{path}",
        method=method,
        data=None if document is None else json.dumps(document).encode(),
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        return json.loads(refusal.read())


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("ec2", lambda c: c.describe_instances(), "RequestLimitExceeded"),
        ("autoscaling", lambda c: c.describe_auto_scaling_groups(), "Throttling"),
        ("ssm", lambda c: c.describe_parameters(), "ThrottlingException"),
        ("dynamodb", lambda c: c.list_tables(), "ThrottlingException"),
    ],
)
def test_throttling_speaks_each_service_s_language(aws: Aws, service: str, call: Any, code: str) -> None:
    aws.cloud.faults.add(Fault("throttle", action=f"{service}:*"))
    with pytest.raises(ClientError) as refusal:
        call(aws.client(service))
    assert refusal.value.response["Error"]["Code"] == code
    aws.client("iam").list_roles()
    aws.cloud.faults.clear()
    call(aws.client(service))


def test_an_error_hits_as_often_as_asked_and_changes_nothing(aws: Aws) -> None:
    aws.cloud.faults.add(Fault("error", action="ec2:CreateVpc", code="Unavailable", status=503, times=2))
    before = len(aws.ec2.describe_vpcs()["Vpcs"])
    for _ in range(2):
        with pytest.raises(ClientError) as refusal:
            aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")
        assert refusal.value.response["Error"]["Code"] == "Unavailable"
        assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert len(aws.ec2.describe_vpcs()["Vpcs"]) == before
    aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")


def test_a_fault_may_be_for_one_zone_only(aws: Aws) -> None:
    aws.cloud.faults.add(Fault("error", action="ec2:Describe*", containing="use1-az2"))
    aws.ec2.describe_instances(Filters=[{"Name": "availability-zone-id", "Values": ["use1-az1"]}])
    with pytest.raises(ClientError):
        aws.ec2.describe_instances(Filters=[{"Name": "availability-zone-id", "Values": ["use1-az2"]}])


def test_a_fault_may_be_for_one_role_only(aws: Aws) -> None:
    aws.group(template=aws.template(IamInstanceProfile={"Arn": aws.role("manager")}))
    (instance,) = aws.settled(["InService"])
    credentials = aws.cloud.credentials(instance)
    assert credentials is not None
    aws.cloud.faults.add(Fault("throttle", principal="manager/*"))
    with pytest.raises(ClientError):
        aws.with_credentials(credentials).ec2.describe_instances()
    aws.ec2.describe_instances()


def test_an_empty_answer_is_a_success_without_content(aws: Aws) -> None:
    aws.group()
    aws.settled(["InService"])
    aws.cloud.faults.add(Fault("empty"))
    assert "Reservations" not in aws.ec2.describe_instances()
    assert "AutoScalingGroups" not in aws.asg.describe_auto_scaling_groups()
    assert "Parameters" not in aws.client("ssm").describe_parameters()


def test_a_cut_connection_is_no_answer_at_all(aws: Aws) -> None:
    aws.cloud.faults.add(Fault("cut", action="ec2:CreateVpc"))
    before = len(aws.ec2.describe_vpcs()["Vpcs"])
    with pytest.raises((ConnectionError, HTTPClientError)):
        aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert len(aws.ec2.describe_vpcs()["Vpcs"]) == before


def test_a_late_answer_outlasts_the_caller_s_patience_and_others_do_not_wait(aws: Aws) -> None:
    from botocore.config import Config

    from .conftest import _SESSION

    aws.cloud.faults.add(Fault("latency", action="ssm:*", seconds=3))
    impatient = _SESSION.client(
        "ssm",
        endpoint_url=aws.cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=1),
    )
    with pytest.raises(ReadTimeoutError):
        impatient.describe_parameters()
    aws.ec2.describe_vpcs()
    assert aws.client("ssm").describe_parameters()["Parameters"] == []


def test_a_fault_of_no_probability_never_strikes_and_one_of_half_strikes_sometimes(aws: Aws) -> None:
    number = aws.cloud.faults.add(Fault("throttle", probability=0.0))
    for _ in range(20):
        aws.ec2.describe_vpcs()
    aws.cloud.faults.remove(number)
    aws.cloud.faults.add(Fault("throttle", probability=0.5))
    outcomes = set()
    for _ in range(200):
        try:
            aws.ec2.describe_vpcs()
            outcomes.add("answered")
        except ClientError:
            outcomes.add("throttled")
        if len(outcomes) == 2:
            break
    assert outcomes == {"answered", "throttled"}


def test_faults_are_added_listed_and_cleared_over_http(aws: Aws) -> None:
    number = _control(aws, "POST", document={"kind": "throttle", "action": "ssm:*", "times": 5})["id"]
    (listed,) = _control(aws, "GET")["faults"]
    assert listed["id"] == number
    assert (listed["kind"], listed["action"], listed["times"]) == ("throttle", "ssm:*", 5)
    assert _control(aws, "DELETE", f"faults/{number}") == {}
    assert _control(aws, "GET")["faults"] == []
    assert "no such fault" in _control(aws, "DELETE", f"faults/{number}")["error"]
    _control(aws, "POST", document={"kind": "cut"})
    _control(aws, "DELETE")
    assert _control(aws, "GET")["faults"] == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"kind": "earthquake"}, "earthquake"),
        ({"kind": "error", "acton": "ec2:*"}, "acton"),
        ({"kind": "error", "probability": 2}, "from 0 to 1"),
        ({"kind": "error", "seconds": -1}, "0 or more"),
        ({"action": "ec2:*"}, "kind"),
        ([], "object"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(aws: Aws, document: Any, words: str) -> None:
    assert words in _control(aws, "POST", document=document)["error"]
    assert _control(aws, "GET")["faults"] == []


def test_the_kinds_are_checked_in_process_too() -> None:
    with pytest.raises(UsageError, match="one of error, throttle, latency, empty, cut"):
        Fault("flood")
