"""Which permissions a call needs: boto3 makes it as an instance's role, with exactly these and with one less.

The permissions, ARNs and condition keys are written down from the Service Authorization Reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import ACCOUNT, Node, Statement, allow, is_denied

TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/cluster"
TOKEN = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/cluster/token"
PLAIN = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/cluster/plain"
GROUP = f"arn:aws:autoscaling:us-east-1:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/group"
OTHER_GROUP = f"arn:aws:autoscaling:us-east-1:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/other"


def items(action: str, *keys: str, table: str = TABLE) -> Statement:
    return {
        **allow(f"dynamodb:{action}", table),
        "Condition": {
            "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": list(keys)},
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
    }


def of_token(action: str, key: str, parameter: str = TOKEN) -> Statement:
    return allow(f"kms:{action}", key, StringEquals={"kms:EncryptionContext:PARAMETER_ARN": parameter})


def key(value: str) -> dict[str, Any]:
    return {"id": {"S": value}}


Case = tuple[str, Callable[[Any, Node], Any], Callable[[Node], list[Statement]]]
CASES: dict[str, Case] = {
    "reading an item": (
        "dynamodb",
        lambda c, n: c.get_item(TableName="cluster", Key=key("claim")),
        lambda n: [items("GetItem", "claim")],
    ),
    "writing an item": (
        "dynamodb",
        lambda c, n: c.put_item(TableName="cluster", Item={**key("epoch"), "n": {"N": "1"}}),
        lambda n: [items("PutItem", "epoch")],
    ),
    "changing an item": (
        "dynamodb",
        lambda c, n: c.update_item(
            TableName="cluster",
            Key=key("epoch"),
            UpdateExpression="SET n = :n",
            ExpressionAttributeValues={":n": {"N": "1"}},
        ),
        lambda n: [items("UpdateItem", "epoch")],
    ),
    "deleting an item": (
        "dynamodb",
        lambda c, n: c.delete_item(TableName="cluster", Key=key("request#1")),
        lambda n: [items("DeleteItem", "request#1")],
    ),
    "reading several items": (
        "dynamodb",
        lambda c, n: c.batch_get_item(RequestItems={"cluster": {"Keys": [key("a"), key("b")]}}),
        lambda n: [items("BatchGetItem", "a", "b")],
    ),
    "writing several items": (
        "dynamodb",
        lambda c, n: c.batch_write_item(
            RequestItems={
                "cluster": [{"PutRequest": {"Item": key("a")}}, {"DeleteRequest": {"Key": key("b")}}]
            }
        ),
        lambda n: [items("BatchWriteItem", "a", "b")],
    ),
    "a transaction of reads": (
        "dynamodb",
        lambda c, n: c.transact_get_items(TransactItems=[{"Get": {"TableName": "cluster", "Key": key("a")}}]),
        lambda n: [items("GetItem", "a")],
    ),
    "a transaction of writes": (
        "dynamodb",
        lambda c, n: c.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "cluster", "Item": key("a")}},
                {"Delete": {"TableName": "cluster", "Key": key("b")}},
            ]
        ),
        lambda n: [items("PutItem", "a"), items("DeleteItem", "b")],
    ),
    "a query": (
        "dynamodb",
        lambda c, n: c.query(
            TableName="cluster",
            KeyConditionExpression="#k = :k",
            ExpressionAttributeNames={"#k": "id"},
            ExpressionAttributeValues={":k": {"S": "a"}},
        ),
        lambda n: [items("Query", "a")],
    ),
    "a scan, which has no leading keys": (
        "dynamodb",
        lambda c, n: c.scan(TableName="cluster"),
        lambda n: [
            {
                **allow("dynamodb:Scan", TABLE),
                "Condition": {"Null": {"dynamodb:LeadingKeys": "true"}},
            }
        ],
    ),
    "describing a table": (
        "dynamodb",
        lambda c, n: c.describe_table(TableName="cluster"),
        lambda n: [allow("dynamodb:DescribeTable", TABLE)],
    ),
    "reading a text parameter": (
        "ssm",
        lambda c, n: c.get_parameter(Name="/cluster/plain", WithDecryption=True),
        lambda n: [allow("ssm:GetParameter", PLAIN)],
    ),
    "reading a version of a parameter": (
        "ssm",
        lambda c, n: c.get_parameter(Name="/cluster/plain:1"),
        lambda n: [allow("ssm:GetParameter", PLAIN)],
    ),
    "reading a secret": (
        "ssm",
        lambda c, n: c.get_parameter(Name="/cluster/token", WithDecryption=True),
        lambda n: [allow("ssm:GetParameter", TOKEN), of_token("Decrypt", n.key)],
    ),
    "reading a secret, still closed": (
        "ssm",
        lambda c, n: c.get_parameter(Name="/cluster/token"),
        lambda n: [allow("ssm:GetParameter", TOKEN)],
    ),
    "reading a secret under the account's own key": (
        "ssm",
        lambda c, n: c.get_parameter(Name="/default", WithDecryption=True),
        lambda n: [allow("ssm:GetParameter", f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/default")],
    ),
    "reading several parameters": (
        "ssm",
        lambda c, n: c.get_parameters(Names=["/cluster/plain", "/cluster/token"], WithDecryption=True),
        lambda n: [
            allow("ssm:GetParameters", PLAIN),
            allow("ssm:GetParameters", TOKEN),
            of_token("Decrypt", n.key),
        ],
    ),
    "reading by path, which looks at the path alone": (
        "ssm",
        lambda c, n: c.get_parameters_by_path(Path="/cluster", WithDecryption=True),
        lambda n: [
            allow("ssm:GetParametersByPath", f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/cluster"),
            of_token("Decrypt", n.key),
        ],
    ),
    "writing a secret": (
        "ssm",
        lambda c, n: c.put_parameter(
            Name="/cluster/token", Value="w", Type="SecureString", KeyId=n.key, Overwrite=True
        ),
        lambda n: [allow("ssm:PutParameter", TOKEN), of_token("Encrypt", n.key)],
    ),
    "writing a secret of the advanced tier": (
        "ssm",
        lambda c, n: c.put_parameter(
            Name="/cluster/token",
            Value="w",
            Type="SecureString",
            KeyId=n.key,
            Overwrite=True,
            Tier="Advanced",
        ),
        lambda n: [allow("ssm:PutParameter", TOKEN), of_token("GenerateDataKey", n.key)],
    ),
    "writing a secret as SSM, and not by itself": (
        "ssm",
        lambda c, n: c.put_parameter(
            Name="/cluster/token", Value="w", Type="SecureString", KeyId=n.key, Overwrite=True
        ),
        lambda n: [
            allow("ssm:PutParameter", TOKEN),
            allow("kms:Encrypt", n.key, StringEquals={"kms:ViaService": "ssm.us-east-1.amazonaws.com"}),
        ],
    ),
    "describing parameters": (
        "ssm",
        lambda c, n: c.describe_parameters(),
        lambda n: [allow("ssm:DescribeParameters")],
    ),
    "decrypting": (
        "kms",
        lambda c, n: c.decrypt(CiphertextBlob=n.ciphertext, EncryptionContext={"a": "b"}),
        lambda n: [allow("kms:Decrypt", n.key, StringEquals={"kms:EncryptionContext:a": "b"})],
    ),
    "encrypting": (
        "kms",
        lambda c, n: c.encrypt(KeyId=n.key, Plaintext=b"x"),
        lambda n: [allow("kms:Encrypt", n.key)],
    ),
    "describing a key": (
        "kms",
        lambda c, n: c.describe_key(KeyId=n.key),
        lambda n: [allow("kms:DescribeKey", n.key)],
    ),
    "completing a hook": (
        "autoscaling",
        lambda c, n: c.complete_lifecycle_action(
            AutoScalingGroupName="group",
            LifecycleHookName="absent",
            InstanceId=n.instance,
            LifecycleActionResult="CONTINUE",
        ),
        lambda n: [allow("autoscaling:CompleteLifecycleAction", GROUP)],
    ),
    "a heartbeat": (
        "autoscaling",
        lambda c, n: c.record_lifecycle_action_heartbeat(
            AutoScalingGroupName="group", LifecycleHookName="hook", InstanceId=n.instance
        ),
        lambda n: [allow("autoscaling:RecordLifecycleActionHeartbeat", GROUP)],
    ),
    "reporting an instance's health, by its group": (
        "autoscaling",
        lambda c, n: c.set_instance_health(InstanceId=n.instance, HealthStatus="Healthy"),
        lambda n: [allow("autoscaling:SetInstanceHealth", GROUP)],
    ),
    "describing groups": (
        "autoscaling",
        lambda c, n: c.describe_auto_scaling_groups(),
        lambda n: [allow("autoscaling:DescribeAutoScalingGroups")],
    ),
    "describing instances": (
        "ec2",
        lambda c, n: c.describe_instances(),
        lambda n: [allow("ec2:DescribeInstances", "*", StringEquals={"ec2:Region": "us-east-1"})],
    ),
    "stopping an instance": (
        "ec2",
        lambda c, n: c.reboot_instances(InstanceIds=[n.instance]),
        lambda n: [allow("ec2:RebootInstances", f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/{n.instance}")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_call_needs_these_permissions_each_of_them_and_no_more(node: Node, case: str) -> None:
    service, request, needed = CASES[case]
    client, statements = node.client(service), needed(node)

    # given all of them, then it is let through
    node.may(*statements)
    assert is_denied(lambda: request(client, node)) is None

    # given all but one of them, then it is denied, and the message says which one is missing
    for missing in statements:
        node.may(allow("none:None"), *(statement for statement in statements if statement is not missing))
        message = is_denied(lambda: request(client, node))
        assert message is not None
        assert missing["Action"] in message
        assert f"assumed-role/node/{node.instance} " in message
        # a group's own id stands where the policy leaves it open
        ends = missing["Resource"].rpartition(":*:")[2]
        assert ends == "*" or ends in message
        assert node.aws.cloud.denials.all()[-1].denial.action == missing["Action"]


NOT_ENOUGH: dict[str, tuple[str, Callable[[Any, Node], Any], Callable[[Node], list[Statement]]]] = {
    "another item of the table": (
        "dynamodb",
        lambda c, n: c.get_item(TableName="cluster", Key=key("plan")),
        lambda n: [items("GetItem", "claim")],
    ),
    "one item too many": (
        "dynamodb",
        lambda c, n: c.batch_get_item(RequestItems={"cluster": {"Keys": [key("claim"), key("plan")]}}),
        lambda n: [items("BatchGetItem", "claim")],
    ),
    "a scan by somebody who may read one item": (
        "dynamodb",
        lambda c, n: c.scan(TableName="cluster"),
        lambda n: [items("*", "claim")],
    ),
    "a query for another key": (
        "dynamodb",
        lambda c, n: c.query(
            TableName="cluster",
            KeyConditionExpression="id = :k",
            ExpressionAttributeValues={":k": {"S": "plan"}},
        ),
        lambda n: [items("Query", "claim")],
    ),
    "a statement of PartiQL, whose items the lab does not read": (
        "dynamodb",
        lambda c, n: c.execute_statement(Statement="SELECT * FROM cluster WHERE id = 'claim'"),
        lambda n: [items("*", "claim")],
    ),
    "the key for another parameter's text": (
        "ssm",
        lambda c, n: c.get_parameter(Name="/cluster/token", WithDecryption=True),
        lambda n: [allow("ssm:GetParameter", TOKEN), of_token("Decrypt", n.key, f"{TOKEN}-2")],
    ),
    "another key": (
        "ssm",
        lambda c, n: c.get_parameter(Name="/cluster/token", WithDecryption=True),
        lambda n: [allow("ssm:GetParameter", TOKEN), of_token("Decrypt", n.other_key)],
    ),
    "the key by itself, where only its use through SSM is allowed": (
        "kms",
        lambda c, n: c.decrypt(CiphertextBlob=n.ciphertext, EncryptionContext={"a": "b"}),
        lambda n: [allow("kms:*", n.key, StringEquals={"kms:ViaService": "ssm.us-east-1.amazonaws.com"})],
    ),
    "a ciphertext without its context": (
        "kms",
        lambda c, n: c.decrypt(CiphertextBlob=n.ciphertext),
        lambda n: [of_token("*", n.key)],
    ),
    "a hook of another group": (
        "autoscaling",
        lambda c, n: c.complete_lifecycle_action(
            AutoScalingGroupName="group",
            LifecycleHookName="hook",
            InstanceId=n.instance,
            LifecycleActionResult="ABANDON",
        ),
        lambda n: [allow("autoscaling:*", OTHER_GROUP)],
    ),
    "the health of another group's instance": (
        "autoscaling",
        lambda c, n: c.set_instance_health(InstanceId=n.instance, HealthStatus="Unhealthy"),
        lambda n: [allow("autoscaling:*", OTHER_GROUP)],
    ),
    "the health of nobody's instance": (
        "autoscaling",
        lambda c, n: c.set_instance_health(InstanceId="i-00000000000000000", HealthStatus="Unhealthy"),
        lambda n: [allow("autoscaling:*", OTHER_GROUP)],
    ),
    "another region": (
        "ec2",
        lambda c, n: c.describe_instances(),
        lambda n: [allow("ec2:DescribeInstances", "*", StringEquals={"aws:RequestedRegion": "eu-west-1"})],
    ),
}


@pytest.mark.parametrize("case", NOT_ENOUGH)
def test_a_permission_for_something_else_does_not_help(node: Node, case: str) -> None:
    service, request, statements = NOT_ENOUGH[case]
    node.may(*statements(node))
    client = node.client(service)

    assert is_denied(lambda: request(client, node)) is not None
