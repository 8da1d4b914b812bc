"""The AWS gateway against moto in process: what it reads, and how AWS's refusals become ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from quorate.errors import Failed, Unknown
from quorate.swarm.aws import Absent, Aws, ConditionFailed, Denied, read_group, read_instance
from quorate.swarm.rendezvous import Rendezvous
from quorate.swarm.snapshot import Claim, read_plan

TABLE = "quorate-unit"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "unit")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        boto3.client("dynamodb", "us-east-1").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )
        yield Aws("us-east-1")


def creating(owner: str, nonce: str) -> Claim:
    return Claim("CREATING", owner=owner, nonce=nonce, expiry=100)


READY = Claim("READY", cluster_id="c1", addresses=("10.0.0.1:2377",))


def test_a_claim_is_created_once_replaced_by_its_nonce_and_final_when_ready(aws: Aws) -> None:
    table = Rendezvous(aws, TABLE)
    assert table.read_claim() is None
    assert table.create_claim(creating("i-1", "one"))
    assert not table.create_claim(creating("i-2", "two"))
    assert table.read_claim() == creating("i-1", "one")
    assert not table.replace_claim("two", READY)
    assert table.replace_claim("one", READY)
    assert not table.replace_claim("one", creating("i-2", "two"))
    assert not table.create_claim(creating("i-2", "two"))
    assert table.read_claim() == READY


def test_addresses_are_published_over_the_own_claim_or_a_lost_one_only(aws: Aws) -> None:
    table = Rendezvous(aws, TABLE)
    assert table.publish_addresses(READY)
    assert table.publish_addresses(Claim("READY", cluster_id="c1", addresses=("10.0.0.2:2377",)))
    assert not table.publish_addresses(Claim("READY", cluster_id="c2", addresses=()))
    boto3.client("dynamodb", "us-east-1").delete_item(TableName=TABLE, Key={"id": {"S": "claim"}})
    assert table.create_claim(creating("i-1", "one"))
    assert not table.publish_addresses(READY)


def test_an_epoch_has_one_holder_and_whoever_lost_it_finds_out(aws: Aws) -> None:
    table = Rendezvous(aws, TABLE)
    assert table.take_epoch("n1") == 1
    assert table.hold_epoch("n1", 1)
    assert not table.hold_epoch("n2", 1)
    assert table.take_epoch("n2") == 2
    assert not table.hold_epoch("n1", 1)
    assert table.hold_epoch("n2", 2)


def test_the_token_is_kept_under_the_named_key(aws: Aws) -> None:
    key = boto3.client("kms", "us-east-1").create_key()["KeyMetadata"]["Arn"]
    with pytest.raises(Absent):
        aws.get_parameter("/unit/worker-token")
    aws.put_parameter("/unit/worker-token", "SWMTKN-1", key)
    aws.put_parameter("/unit/worker-token", "SWMTKN-2", key)
    assert aws.get_parameter("/unit/worker-token") == "SWMTKN-2"
    listed = boto3.client("ssm", "us-east-1").describe_parameters()["Parameters"][0]
    assert (listed["Type"], listed["KeyId"]) == ("SecureString", key)


def test_instances_are_read_by_filter_and_only_believed_with_the_asker_among_them(aws: Aws) -> None:
    ec2 = boto3.client("ec2", "us-east-1")
    ids = [
        one["InstanceId"] for one in ec2.run_instances(ImageId="ami-1", MinCount=3, MaxCount=3)["Instances"]
    ]
    ec2.terminate_instances(InstanceIds=[ids[2]])
    found = aws.instances(ids[0], [ids[1], ids[2], "i-0123456789abcdef0"])
    assert set(found) == set(ids)
    assert found[ids[1]].state == "running" and found[ids[1]].address
    assert found[ids[2]].ended and found[ids[2]].address is None
    with pytest.raises(Unknown, match="not complete"):
        aws.instances("i-0123456789abcdef0", ids)
    own = found[ids[0]].address
    other = found[ids[1]].address
    assert own and other
    assert set(aws.instances_at(ids[0], own, [other])) == {ids[0], ids[1]}
    many = [f"i-{number:017x}" for number in range(450)]
    assert set(aws.instances(ids[0], [*many, ids[1]])) == {ids[0], ids[1]}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AccessDeniedException", Denied),
        ("UnauthorizedOperation", Denied),
        ("ExpiredToken", Denied),
        ("ParameterNotFound", Absent),
        ("ConditionalCheckFailedException", ConditionFailed),
        ("ThrottlingException", Unknown),
        ("InternalFailure", Unknown),
    ],
)
def test_refusals_of_aws_become_ours(aws: Aws, code: str, expected: type[Exception]) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "said so"}}, "GetItem")

    aws._client("dynamodb").get_item = refuse
    with pytest.raises(expected) as refusal:
        aws.get_item(TABLE, "claim")
    assert type(refusal.value) is expected and "\n" not in str(refusal.value)


def test_no_answer_is_unknown(aws: Aws) -> None:
    def fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    aws._client("ssm").get_parameter = fail
    with pytest.raises(Unknown, match="did not answer"):
        aws.get_parameter("/unit/worker-token")


EMPTY: dict[str, Callable[[Aws], object]] = {
    "dynamodb.get_item": lambda aws: aws.get_item(TABLE, "claim"),
    "dynamodb.put_item": lambda aws: Rendezvous(aws, TABLE).create_claim(creating("i-1", "one")),
    "ssm.get_parameter": lambda aws: aws.get_parameter("/unit/worker-token"),
    "ssm.put_parameter": lambda aws: aws.put_parameter("/unit/worker-token", "SWMTKN-1", "key"),
    "autoscaling.describe_auto_scaling_groups": lambda aws: aws.groups(["group"]),
    "ec2.describe_instances": lambda aws: aws.instances("i-1", []),
    "ec2.describe_availability_zones": lambda aws: aws.zone_ids(),
}


@pytest.mark.parametrize("call", EMPTY)
def test_a_successful_answer_with_nothing_in_it_is_unknown_for_a_write_too(aws: Aws, call: str) -> None:
    service, operation = call.split(".")
    setattr(aws._client(service), operation, lambda **_: {"ResponseMetadata": {"HTTPStatusCode": 200}})
    with pytest.raises(Unknown, match="not complete"):
        EMPTY[call](aws)


def test_a_hook_that_is_not_waiting_is_no_error(aws: Aws) -> None:
    def refuse(**_: Any) -> None:
        message = "No active Lifecycle Action found with instance ID i-1"
        raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "Complete")

    aws._client("autoscaling").complete_lifecycle_action = refuse
    assert aws.complete("quorate-launch", "group", "i-1", "CONTINUE") is False


def test_a_group_and_an_instance_are_read_as_aws_writes_them() -> None:
    group = read_group(
        {
            "AutoScalingGroupName": "g",
            "DesiredCapacity": 0,
            "Status": "Delete in progress",
            "Instances": [
                {
                    "InstanceId": "i-1",
                    "LifecycleState": "Terminating:Wait",
                    "HealthStatus": "Unhealthy",
                    "AvailabilityZone": "us-east-1a",
                }
            ],
        }
    )
    assert group.closing and group.deleting
    assert group.instances[0].waits_to_end and not group.instances[0].here
    ending = {
        "InstanceId": "i-1",
        "State": {"Name": "shutting-down"},
        "PrivateIpAddress": "10.0.0.1",
        "Placement": {"AvailabilityZone": "us-east-1a"},
    }
    assert read_instance(ending).address is None and not read_instance(ending).ended


@pytest.mark.parametrize("document", ["", "[]", "{}", json.dumps({"schema": 9}), '{"schema": 1}'])
def test_a_plan_that_cannot_be_read_says_so_in_one_line(document: str) -> None:
    with pytest.raises(Failed) as refusal:
        read_plan(document)
    assert str(refusal.value).startswith("plan: ") and "\n" not in str(refusal.value)
