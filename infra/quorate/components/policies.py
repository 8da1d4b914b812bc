"""What roles and keys allow, as policy documents: exact ARNs, and no more actions than the agent calls.

A worker may read the claim, read the worker token and answer its own pools' hooks. Nothing that it can
read admits a manager: managers are workers that the leader promotes, and no manager token is stored.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from quorate.components.naming import Naming
from quorate.settings import Region

Statement = dict[str, Any]

HOOK_ACTIONS = ("autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat")
DESCRIBES = (
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeAutoScalingInstances",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeInstances",
    "ec2:DescribeSubnets",
)
# https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
AUTO_SCALING_GRANT = (
    "Encrypt",
    "Decrypt",
    "ReEncryptFrom",
    "ReEncryptTo",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "DescribeKey",
    "CreateGrant",
)


@dataclass(frozen=True, slots=True)
class Arns:
    """The ARNs of one cluster's resources in one region and account, before they exist."""

    naming: Naming
    region: Region

    @property
    def account_root(self) -> str:
        return f"arn:{self.region.partition}:iam::{self.region.account}:root"

    @property
    def auto_scaling_role(self) -> str:
        """Auto Scaling's service-linked role, which launches the instances."""
        return (
            f"arn:{self.region.partition}:iam::{self.region.account}:role/aws-service-role/"
            "autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
        )

    @property
    def table(self) -> str:
        return f"{self._regional('dynamodb')}:table/{self.naming.table}"

    @property
    def token_parameter(self) -> str:
        return f"{self._regional('ssm')}:parameter{self.naming.token_parameter}"

    def group(self, name: str) -> str:
        """A group by its name; the part that AWS invents is left open."""
        return f"{self._regional('autoscaling')}:autoScalingGroup:*:autoScalingGroupName/{name}"

    def _regional(self, service: str) -> str:
        return f"arn:{self.region.partition}:{service}:{self.region.name}:{self.region.account}"


def trust_ec2() -> str:
    """An assume-role document: EC2 hands the role to its instances."""
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return _document([allow])


def key_policy(arns: Arns) -> str:
    """A key's policy: the account's own IAM policies and grants decide, so nobody is locked out."""
    allow = {"Effect": "Allow", "Principal": {"AWS": arns.account_root}, "Action": "kms:*", "Resource": "*"}
    return _document([{"Sid": "AccountDecides", **allow}])


def worker_policy(arns: Arns, token_key: str, worker_groups: Sequence[str]) -> str:
    """The workers' inline policy; `token_key` is the key's ARN, `worker_groups` the pools' group names."""
    return _document(
        [
            _items(arns, "ReadClaim", ["dynamodb:GetItem"], ["claim"]),
            _allow("ReadToken", ["ssm:GetParameter"], arns.token_parameter),
            _token_key(arns, "OpenToken", ["kms:Decrypt"], token_key),
            *_hooks(arns, HOOK_ACTIONS, worker_groups),
        ]
    )


def manager_policy(arns: Arns, token_key: str) -> str:
    """The managers' inline policy.

    Groups are named by how the cluster's names begin, not one by one: a slot or a pool that is taken out of
    the program would lose its place in this policy before its group is deleted, while the leader still has
    to see its instances off.
    """
    groups = (arns.naming.slot_group("manager-*"), arns.naming.pool_group("*"))
    return _document(
        [
            _items(arns, "ReadItems", ["dynamodb:GetItem"], ["plan", "claim", "epoch", "request#*"]),
            _items(
                arns,
                "WriteItems",
                ["dynamodb:PutItem", "dynamodb:UpdateItem"],
                ["claim", "epoch", "request#*"],
            ),
            _items(arns, "ForgetRequests", ["dynamodb:DeleteItem"], ["request#*"]),
            _allow("Token", ["ssm:GetParameter", "ssm:PutParameter"], arns.token_parameter),
            # GenerateDataKey serves accounts whose parameters are of the advanced tier by default
            _token_key(arns, "TokenKey", ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"], token_key),
            *_hooks(arns, (*HOOK_ACTIONS, "autoscaling:SetInstanceHealth"), groups),
            # None of these can be limited to a resource
            _allow("Look", DESCRIBES, "*"),
        ]
    )


def _items(arns: Arns, sid: str, actions: Sequence[str], keys: Sequence[str]) -> Statement:
    """`actions` on the table's items of these ids; `Null` since ForAllValues also holds for no key at all."""
    condition = {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }
    return {**_allow(sid, actions, arns.table), "Condition": condition}


def _token_key(arns: Arns, sid: str, actions: Sequence[str], token_key: str) -> Statement:
    """`actions` with the key on this one parameter's text, which SSM names in the encryption context."""
    condition = {"StringEquals": {"kms:EncryptionContext:PARAMETER_ARN": arns.token_parameter}}
    return {**_allow(sid, actions, token_key), "Condition": condition}


def _hooks(arns: Arns, actions: Sequence[str], groups: Sequence[str]) -> list[Statement]:
    if not groups:
        return []
    return [{**_allow("Hooks", actions, ""), "Resource": [arns.group(name) for name in groups]}]


def _allow(sid: str, actions: Sequence[str], resource: str) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}


def _document(statements: Sequence[Statement]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)
