"""What AWS holds that a decision needs, read where moto keeps it. Call it with the cloud's lock held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.ssm.models import ssm_backends

from quorate.lab.cloud.world import ACCOUNT, PARTITION


@dataclass(frozen=True)
class Key:
    arn: str
    policy: str


@dataclass(frozen=True)
class Parameter:
    """`key_id` is None where no customer key is named."""

    name: str
    secure: bool
    key_id: str | None


@dataclass(frozen=True)
class Role:
    """`documents` are its inline and its attached policies; `bounded` says that a boundary limits it."""

    arn: str
    documents: tuple[str, ...]
    bounded: bool


class Stored:
    """The present state; every method gives None, or nothing, for what there is not."""

    account = ACCOUNT
    partition = PARTITION

    def role(self, name: str) -> Role | None:
        for role in iam_backends[ACCOUNT][PARTITION].roles.values():
            if role.name == name:
                managed = [_document(policy) for policy in role.managed_policies.values()]
                bounded = bool(role.permissions_boundary_arn)
                return Role(role.arn, (*role.policies.values(), *managed), bounded)
        return None

    def hash_key(self, region: str, table: str) -> str | None:
        """The name of a table's partition key."""
        held = dynamodb_backends[ACCOUNT][region].tables.get(table)
        return str(held.hash_key_attr) if held else None

    def parameter(self, region: str, name: str) -> Parameter | None:
        versions = dict.get(ssm_backends[ACCOUNT][region]._parameters, name)
        return _parameter(versions[-1]) if versions else None

    def parameters_below(self, region: str, path: str) -> tuple[Parameter, ...]:
        held = ssm_backends[ACCOUNT][region]._parameters
        below = path.rstrip("/") + "/"
        return tuple(_parameter(v[-1]) for name, v in held.items() if v and name.startswith(below))

    def key(self, region: str, key_id: str) -> Key | None:
        """A customer's key by its id, ARN or alias."""
        backend = kms_backends[ACCOUNT][region]
        try:
            held = backend.keys.get(backend.any_id_to_key_id(key_id))
        except (KeyError, AttributeError):
            return None
        return Key(held.arn, held.policy) if held else None

    def group_arn(self, region: str, name: str) -> str | None:
        held = dict.get(autoscaling_backends[ACCOUNT][region].autoscaling_groups, name)
        return str(held.arn) if held else None

    def group_of(self, region: str, instance_id: str) -> str | None:
        """The ARN of the group that an instance is a member of."""
        backend: Any = autoscaling_backends[ACCOUNT][region]
        for group in backend.groups():
            if any(member.instance_id == instance_id for member in group.members):
                return str(group.arn)
        return None


def _document(policy: Any) -> str:
    """Of the version of a managed policy that is in force."""
    return next(str(v.document) for v in policy.versions if v.version_id == policy.default_version_id)


def _parameter(held: Any) -> Parameter:
    key_id = held.keyid if held.keyid and not held.keyid.startswith("alias/aws/") else None
    return Parameter(held.name, held.parameter_type == "SecureString", key_id)
