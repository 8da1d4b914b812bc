"""What roles may do, decided by a small evaluator of IAM's rules of its own, over the recorded documents."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/quorate-lab"
TOKEN = "arn:aws:ssm:us-east-1:123456789012:parameter/quorate-lab/worker-token"
KEY = "arn:of:key/identity-token"
VOLUMES = "arn:of:key/identity-volumes"
OF_TOKEN = {"kms:EncryptionContext:PARAMETER_ARN": [TOKEN]}
OF_OTHER = {"kms:EncryptionContext:PARAMETER_ARN": [f"{TOKEN}-2"]}


def group(name: str, account: str = "123456789012") -> str:
    return f"arn:aws:autoscaling:us-east-1:{account}:autoScalingGroup:8d1f:autoScalingGroupName/{name}"


MANAGERS_GROUP, WORKERS_GROUP = group("quorate-lab-manager-use1-az1-1"), group("quorate-lab-worker-general")


def item(*keys: str) -> dict[str, list[str]]:
    return {"dynamodb:LeadingKeys": list(keys)}


def allows(document: dict[str, Any], action: str, resource: str, context: dict[str, list[str]]) -> bool:
    """IAM's decision for an identity policy: some statement allows it, and none denies it."""
    hits = [
        statement["Effect"]
        for statement in document["Statement"]
        if any(_like(pattern, action) for pattern in _many(statement["Action"]))
        and any(_like(pattern, resource) for pattern in _many(statement["Resource"]))
        and _holds(statement.get("Condition", {}), context)
    ]
    return "Deny" not in hits and "Allow" in hits


def _many(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _like(pattern: str, text: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(expression, text) is not None


def _holds(conditions: dict[str, Any], context: dict[str, list[str]]) -> bool:
    for operator, tests in conditions.items():
        for key, wanted in tests.items():
            values = context.get(key, [])
            match operator:
                case "Null":
                    holds = (not values) is (wanted == "true")
                case "StringEquals":
                    holds = len(values) == 1 and values[0] in _many(wanted)
                case "ForAllValues:StringLike":
                    holds = all(any(_like(pattern, value) for pattern in _many(wanted)) for value in values)
                case _:
                    raise AssertionError(f"no rule for {operator}")
            if not holds:
                return False
    return True


def policy(stack: Any, role: str) -> dict[str, Any]:
    """The one inline policy of a role that its nodes have through their profile."""
    templates = [
        t.inputs["iamInstanceProfile"]["arn"]
        for t in stack.of("aws:ec2/launchTemplate:LaunchTemplate")
        if t.inputs["tags"]["quorate:role"] == role
    ]
    (profile,) = {arn.rsplit("/", 1)[1] for arn in templates}
    (held,) = [
        p.inputs["role"]
        for p in stack.of("aws:iam/instanceProfile:InstanceProfile")
        if p.inputs["name"] == profile
    ]
    (document,) = [
        p.inputs["policy"] for p in stack.of("aws:iam/rolePolicy:RolePolicy") if p.inputs["role"] == held
    ]
    return dict(json.loads(document))


BOTH, MANAGER_ONLY, NOBODY = ("manager", "worker"), ("manager",), ()
DECISIONS = [
    ("dynamodb:GetItem", TABLE, item("claim"), BOTH),
    ("dynamodb:GetItem", TABLE, item("plan"), MANAGER_ONLY),
    ("dynamodb:GetItem", TABLE, item("epoch"), MANAGER_ONLY),
    ("dynamodb:GetItem", TABLE, item("request#7"), MANAGER_ONLY),
    ("dynamodb:GetItem", TABLE, item("claim", "secret"), NOBODY),
    ("dynamodb:GetItem", TABLE, {}, NOBODY),
    ("dynamodb:GetItem", f"{TABLE}-2", item("claim"), NOBODY),
    ("dynamodb:PutItem", TABLE, item("claim"), MANAGER_ONLY),
    ("dynamodb:UpdateItem", TABLE, item("epoch"), MANAGER_ONLY),
    ("dynamodb:PutItem", TABLE, item("request#7"), MANAGER_ONLY),
    ("dynamodb:PutItem", TABLE, item("plan"), NOBODY),
    ("dynamodb:UpdateItem", TABLE, item("plan"), NOBODY),
    ("dynamodb:DeleteItem", TABLE, item("request#7"), MANAGER_ONLY),
    ("dynamodb:DeleteItem", TABLE, item("claim"), NOBODY),
    ("dynamodb:DeleteItem", TABLE, item("plan"), NOBODY),
    ("dynamodb:Scan", TABLE, {}, NOBODY),
    ("dynamodb:DeleteTable", TABLE, {}, NOBODY),
    ("ssm:GetParameter", TOKEN, {}, BOTH),
    ("ssm:PutParameter", TOKEN, {}, MANAGER_ONLY),
    ("ssm:GetParameter", f"{TOKEN}-2", {}, NOBODY),
    ("ssm:GetParametersByPath", TOKEN, {}, NOBODY),
    ("ssm:DeleteParameter", TOKEN, {}, NOBODY),
    ("kms:Decrypt", KEY, OF_TOKEN, BOTH),
    ("kms:Encrypt", KEY, OF_TOKEN, MANAGER_ONLY),
    ("kms:GenerateDataKey", KEY, OF_TOKEN, MANAGER_ONLY),
    ("kms:Decrypt", KEY, OF_OTHER, NOBODY),
    ("kms:Decrypt", KEY, {}, NOBODY),
    ("kms:Decrypt", VOLUMES, OF_TOKEN, NOBODY),
    ("kms:CreateGrant", KEY, OF_TOKEN, NOBODY),
    ("autoscaling:CompleteLifecycleAction", WORKERS_GROUP, {}, BOTH),
    ("autoscaling:RecordLifecycleActionHeartbeat", WORKERS_GROUP, {}, BOTH),
    ("autoscaling:CompleteLifecycleAction", MANAGERS_GROUP, {}, MANAGER_ONLY),
    ("autoscaling:RecordLifecycleActionHeartbeat", MANAGERS_GROUP, {}, MANAGER_ONLY),
    ("autoscaling:CompleteLifecycleAction", group("quorate-lab-worker-general-2"), {}, MANAGER_ONLY),
    ("autoscaling:CompleteLifecycleAction", group("quorate-lab-manager-use1-az6-2"), {}, MANAGER_ONLY),
    ("autoscaling:CompleteLifecycleAction", group("quorate-lab2-worker-general"), {}, NOBODY),
    ("autoscaling:SetInstanceHealth", group("quorate-other-manager-use1-az1-1"), {}, NOBODY),
    ("autoscaling:CompleteLifecycleAction", group("quorate-lab-worker-general", "210987654321"), {}, NOBODY),
    ("autoscaling:SetInstanceHealth", WORKERS_GROUP, {}, MANAGER_ONLY),
    ("autoscaling:SetInstanceHealth", MANAGERS_GROUP, {}, MANAGER_ONLY),
    ("autoscaling:DescribeAutoScalingGroups", "*", {}, MANAGER_ONLY),
    ("ec2:DescribeInstances", "*", {}, MANAGER_ONLY),
    ("ec2:DescribeAvailabilityZones", "*", {}, MANAGER_ONLY),
    ("autoscaling:SetDesiredCapacity", WORKERS_GROUP, {}, NOBODY),
    ("autoscaling:DeleteAutoScalingGroup", WORKERS_GROUP, {}, NOBODY),
    ("autoscaling:UpdateAutoScalingGroup", MANAGERS_GROUP, {}, NOBODY),
    ("ec2:RunInstances", "*", {}, NOBODY),
    ("ec2:TerminateInstances", "*", {}, NOBODY),
    ("iam:PassRole", "arn:aws:iam::123456789012:role/quorate-lab-manager", {}, NOBODY),
    ("sts:AssumeRole", "arn:aws:iam::123456789012:role/quorate-lab-manager", {}, NOBODY),
    ("s3:GetObject", "arn:aws:s3:::anything", {}, NOBODY),
]


@pytest.mark.parametrize(
    ("action", "resource", "context", "allowed"),
    DECISIONS,
    ids=[
        f"{d[0]}-{d[1].rsplit('/', 1)[-1]}-{[key for keys in d[2].values() for key in keys]}"
        for d in DECISIONS
    ],
)
def test_a_role_may_do_exactly_what_its_nodes_have_to(
    deploy: Any, action: str, resource: str, context: dict[str, list[str]], allowed: tuple[str, ...]
) -> None:
    stack = deploy()

    may = tuple(role for role in BOTH if allows(policy(stack, role), action, resource, context))

    assert may == allowed


def test_only_ec2_takes_on_the_roles(deploy: Any) -> None:
    for role in deploy().of("aws:iam/role:Role"):
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert statement["Principal"] == {"Service": "ec2.amazonaws.com"}
        assert statement["Action"] == "sts:AssumeRole"
        assert "managedPolicyArns" not in role.inputs


def test_wildcards_stand_only_for_calls_that_aws_cannot_limit_to_a_resource(deploy: Any) -> None:
    for role in BOTH:
        for statement in policy(deploy(), role)["Statement"]:
            assert not any("*" in action for action in _many(statement["Action"]))
            if statement["Resource"] == "*":
                assert all(":Describe" in action for action in statement["Action"])


def test_without_pools_the_workers_policy_names_no_group_and_is_still_whole(deploy: Any) -> None:
    stack = deploy(workers=[])

    documents = [json.loads(p.inputs["policy"]) for p in stack.of("aws:iam/rolePolicy:RolePolicy")]
    assert all(statement["Resource"] for document in documents for statement in document["Statement"])


def test_the_largest_policies_fit_into_what_iam_takes_for_a_role(deploy: Any) -> None:
    pools = [
        {"name": f"pool-with-a-name-that-is-long-{n:02}", "min": 0, "max": 1, "instanceTypes": ["t3.small"]}
        for n in range(20)
    ]

    stack = deploy(stack="s" * 48, managers=7, workers=pools)

    for item_ in stack.of("aws:iam/rolePolicy:RolePolicy"):
        assert len(re.sub(r"\s", "", item_.inputs["policy"])) <= 10_240


def test_volumes_have_a_key_that_auto_scaling_is_granted_and_no_node_may_use_itself(deploy: Any) -> None:
    stack = deploy()

    (grant,) = stack.of("aws:kms/grant:Grant")
    assert grant.inputs["keyId"] == "id-of-identity-volumes"
    assert grant.inputs["granteePrincipal"] == (
        "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    )
    # https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
    assert set(grant.inputs["operations"]) == {
        "Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext", "DescribeKey", "CreateGrant",
    }  # fmt: skip
    kms = ["kms:Decrypt", "kms:CreateGrant", "kms:GenerateDataKey", "kms:DescribeKey"]
    assert not any(allows(policy(stack, role), call, VOLUMES, OF_TOKEN) for role in BOTH for call in kms)


def test_keys_rotate_and_leave_their_policy_to_the_account(deploy: Any) -> None:
    for key in deploy().of("aws:kms/key:Key"):
        (statement,) = json.loads(key.inputs["policy"])["Statement"]
        assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
        assert statement["Action"] == "kms:*" and statement["Effect"] == "Allow"
        assert key.inputs["enableKeyRotation"] is True
        assert 7 <= key.inputs["deletionWindowInDays"] <= 30
