"""Whose calls are judged, by which policies, from when on; and what is denied whatever they say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import ACCOUNT, Node, allow, is_denied

UNMAPPED: dict[str, tuple[str, Callable[[Any, Node], Any]]] = {
    "ec2:RunInstances": (
        "ec2",
        lambda c, n: c.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1),
    ),
    "iam:CreateRole": ("iam", lambda c, n: c.create_role(RoleName="x", AssumeRolePolicyDocument="{}")),
    "sts:AssumeRole": (
        "sts",
        lambda c, n: c.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/node", RoleSessionName="x" * 8),
    ),
    "sqs:ListQueues": ("sqs", lambda c, n: c.list_queues()),
}


@pytest.mark.parametrize("call", UNMAPPED)
def test_what_the_lab_cannot_judge_is_denied_by_name_whatever_is_allowed(node: Node, call: str) -> None:
    service, request = UNMAPPED[call]
    node.may(allow("*"))
    client = node.client(service)

    message = is_denied(lambda: request(client, node))

    assert message is not None
    assert f"{call} is not a call that the lab can judge" in message


def test_who_one_is_may_always_be_asked(node: Node) -> None:
    node.may({"Effect": "Deny", "Action": "*", "Resource": "*"})
    assert node.client("sts").get_caller_identity()["Arn"].endswith(f":assumed-role/node/{node.instance}")


def test_a_deny_wins_over_every_allow(node: Node) -> None:
    node.may(allow("*"), {"Sid": "Never", "Effect": "Deny", "Action": "ec2:Describe*", "Resource": "*"})

    message = is_denied(node.client("ec2").describe_instances)

    assert message is not None
    assert "explicit deny" in message
    assert "statement Never denies it" in message
    assert is_denied(node.client("autoscaling").describe_auto_scaling_groups) is None


def test_a_policy_counts_from_the_moment_in_which_it_is_stored(node: Node) -> None:
    asks = node.client("ec2").describe_instances
    node.may(allow("ec2:DescribeInstances"))
    assert is_denied(asks) is None
    node.aws.client("iam").delete_role_policy(RoleName="node", PolicyName="given")
    assert is_denied(asks) is not None


def test_an_attached_policy_counts_too_in_its_version_in_force(node: Node) -> None:
    iam = node.aws.client("iam")
    node.may(allow("none:None"))
    document = {"Version": "2012-10-17", "Statement": [allow("ec2:DescribeInstances")]}
    made = iam.create_policy(PolicyName="attached", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    assert is_denied(node.client("ec2").describe_instances) is not None
    iam.attach_role_policy(RoleName="node", PolicyArn=made)
    assert is_denied(node.client("ec2").describe_instances) is None

    document["Statement"] = [allow("ec2:DescribeVpcs")]
    iam.create_policy_version(PolicyArn=made, PolicyDocument=json.dumps(document), SetAsDefault=True)
    assert is_denied(node.client("ec2").describe_instances) is not None
    iam.detach_role_policy(RoleName="node", PolicyArn=made)


def test_a_key_whose_policy_leaves_nothing_to_the_account_opens_for_no_role(node: Node) -> None:
    node.may(allow("*"))
    asks = node.client("ssm").get_parameter
    assert is_denied(lambda: asks(Name="/cluster/token", WithDecryption=True)) is None
    kms = node.aws.client("kms")
    before = kms.get_key_policy(KeyId=node.key, PolicyName="default")["Policy"]
    other = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}
    closed = {"Version": "2012-10-17", "Statement": [{**allow("kms:*"), "Principal": other}]}
    kms.put_key_policy(KeyId=node.key, PolicyName="default", Policy=json.dumps(closed))
    try:
        message = is_denied(lambda: asks(Name="/cluster/token", WithDecryption=True))
        assert message is not None
        assert "kms:Decrypt" in message
        assert "no statement of the key's policy" in message
    finally:
        kms.put_key_policy(KeyId=node.key, PolicyName="default", Policy=before)


def test_the_operator_is_not_judged(node: Node) -> None:
    node.may({"Effect": "Deny", "Action": "*", "Resource": "*"})
    assert is_denied(node.aws.ec2.describe_instances) is None
