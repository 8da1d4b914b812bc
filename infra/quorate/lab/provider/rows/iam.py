"""Roles, their inline policies, instance profiles."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final
from urllib.parse import unquote

from quorate.lab.provider.aws import Aws, AwsRefused
from quorate.lab.provider.row import Change, Made, Row, Wait, in_use, pick
from quorate.lab.provider.rows.ec2 import PAGE, TAGS, tag_list, tag_map
from quorate.lab.provider.schema import Kind, Property
from quorate.lab.provider.values import Values

GONE: Final = ("NoSuchEntity",)


def document(policy: Any) -> str:
    """A policy as JSON text, however AWS hands it back (decoded, or escaped text)."""
    return unquote(policy) if isinstance(policy, str) else json.dumps(policy)


def retag(aws: Aws, thing: str, key: dict[str, str], old: Values, new: Values) -> None:
    """Brings the tags of a role or profile from old to new."""
    before, after = old.get("tags", {}), new.get("tags", {})
    gone = [name for name in before if name not in after]
    fresh = {name: value for name, value in after.items() if before.get(name) != value}
    if gone:
        aws.call("iam", f"untag_{thing}", TagKeys=gone, **key)
    if fresh:
        aws.call("iam", f"tag_{thing}", Tags=tag_list(fresh), **key)


class Role(Row):
    token = "aws:iam/role:Role"
    page = PAGE + "iam_role"
    properties: ClassVar = {
        "name": Property(Kind.TEXT, computed=True, replaces="aws_iam_role schema: name is ForceNew"),
        "description": Property(Kind.TEXT),
        "assumeRolePolicy": Property(Kind.JSON, required=True),
        "tags": TAGS,
    }
    outputs = frozenset({"arn", "uniqueId", "createDate"})
    name_property = "name"
    regional = False

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        role = aws.call(
            "iam",
            "create_role",
            Tags=tag_list(inputs.get("tags", {})),
            **pick(
                inputs,
                RoleName="name",
                Description="description",
                AssumeRolePolicyDocument="assumeRolePolicy",
            ),
        )["Role"]
        return Made(role["RoleName"], self._told(role), settled=True)

    @staticmethod
    def _told(role: dict[str, Any]) -> Values:
        created = role["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"arn": role["Arn"], "uniqueId": role["RoleId"], "createDate": created}

    def _seen(self, aws: Aws, name: str) -> dict[str, Any] | None:
        answer = aws.lookup("iam", "get_role", GONE, RoleName=name)
        return answer["Role"] if answer else None

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        role = self._seen(aws, id_)
        if role is None:
            return None
        return self._told(role) | {
            "name": role["RoleName"],
            "description": role.get("Description"),
            "assumeRolePolicy": document(role["AssumeRolePolicyDocument"]),
            "tags": tag_map(role.get("Tags")),
        }

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        if "assumeRolePolicy" in change.names:
            aws.call(
                "iam",
                "update_assume_role_policy",
                RoleName=id_,
                PolicyDocument=change.new["assumeRolePolicy"],
            )
        if "description" in change.names:
            aws.call(
                "iam", "update_role_description", RoleName=id_, Description=change.new.get("description", "")
            )
        retag(aws, "role", {"RoleName": id_}, change.old, change.new)
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        policies = aws.lookup("iam", "list_role_policies", GONE, RoleName=id_) or {"PolicyNames": []}
        profiles = aws.lookup("iam", "list_instance_profiles_for_role", GONE, RoleName=id_) or {
            "InstanceProfiles": []
        }
        holders = [
            *policies["PolicyNames"],
            *(each["InstanceProfileName"] for each in profiles["InstanceProfiles"]),
        ]
        if holders:
            raise in_use(f"role {id_}", ", ".join(holders), "Delete these first (DeleteConflict)")
        aws.lookup("iam", "delete_role", GONE, RoleName=id_)

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        role = self._seen(aws, inputs["name"])
        return [role["RoleName"]] if role and tag_map(role.get("Tags")) == inputs.get("tags", {}) else []


class RolePolicy(Row):
    token = "aws:iam/rolePolicy:RolePolicy"
    page = PAGE + "iam_role_policy"
    properties: ClassVar = {
        "name": Property(Kind.TEXT, computed=True, replaces="aws_iam_role_policy schema: name is ForceNew"),
        "role": Property(Kind.TEXT, required=True, replaces="aws_iam_role_policy schema: role is ForceNew"),
        "policy": Property(Kind.JSON, required=True),
    }
    name_property = "name"
    regional = False

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        self._put(aws, inputs)
        return Made(f"{inputs['role']}:{inputs['name']}", settled=True)

    @staticmethod
    def _put(aws: Aws, inputs: Values) -> None:
        aws.call(
            "iam",
            "put_role_policy",
            **pick(inputs, RoleName="role", PolicyName="name", PolicyDocument="policy"),
        )

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        role, _, name = id_.partition(":")
        found = aws.lookup("iam", "get_role_policy", GONE, RoleName=role, PolicyName=name)
        return (
            None
            if found is None
            else {"name": name, "role": role, "policy": document(found["PolicyDocument"])}
        )

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        self._put(aws, change.new)
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        role, _, name = id_.partition(":")
        aws.lookup("iam", "delete_role_policy", GONE, RoleName=role, PolicyName=name)

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        id_ = f"{inputs['role']}:{inputs['name']}"
        return [id_] if self.read(aws, id_, inputs) else []


class InstanceProfile(Row):
    token = "aws:iam/instanceProfile:InstanceProfile"
    page = PAGE + "iam_instance_profile"
    properties: ClassVar = {
        "name": Property(
            Kind.TEXT, computed=True, replaces="aws_iam_instance_profile schema: name is ForceNew"
        ),
        "role": Property(Kind.TEXT),
        "tags": TAGS,
    }
    outputs = frozenset({"arn", "uniqueId", "createDate"})
    name_property = "name"
    regional = False

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        tags = tag_list(inputs.get("tags", {}))
        made = aws.call("iam", "create_instance_profile", InstanceProfileName=inputs["name"], Tags=tags)
        profile = made["InstanceProfile"]
        return Made(profile["InstanceProfileName"], self._told(profile), settled="role" not in inputs)

    def settle(self, aws: Aws, id_: str, inputs: Values, told: Values, wait: Wait) -> Values:
        if "role" in inputs:
            try:
                self._add(aws, id_, inputs["role"])
            except AwsRefused:
                if self._role(self._seen(aws, id_)) != inputs["role"]:
                    raise
        return {}

    @staticmethod
    def _add(aws: Aws, id_: str, role: str) -> None:
        aws.call("iam", "add_role_to_instance_profile", InstanceProfileName=id_, RoleName=role)

    @staticmethod
    def _remove(aws: Aws, id_: str, role: str) -> None:
        aws.lookup("iam", "remove_role_from_instance_profile", GONE, InstanceProfileName=id_, RoleName=role)

    @staticmethod
    def _told(profile: dict[str, Any]) -> Values:
        created = profile["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"arn": profile["Arn"], "uniqueId": profile["InstanceProfileId"], "createDate": created}

    def _seen(self, aws: Aws, name: str) -> dict[str, Any] | None:
        answer = aws.lookup("iam", "get_instance_profile", GONE, InstanceProfileName=name)
        return answer["InstanceProfile"] if answer else None

    @staticmethod
    def _role(profile: dict[str, Any] | None) -> str:
        roles = profile["Roles"] if profile else []
        return str(roles[0]["RoleName"]) if roles else ""

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        profile = self._seen(aws, id_)
        if profile is None:
            return None
        return self._told(profile) | {
            "name": profile["InstanceProfileName"],
            "role": self._role(profile),
            "tags": tag_map(profile.get("Tags")),
        }

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        if "role" in change.names:
            held = self._role(self._seen(aws, id_))
            if held and held != change.new.get("role"):
                self._remove(aws, id_, held)
            if change.new.get("role") and held != change.new["role"]:
                self._add(aws, id_, change.new["role"])
        retag(aws, "instance_profile", {"InstanceProfileName": id_}, change.old, change.new)
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        held = self._role(self._seen(aws, id_))
        if held:
            self._remove(aws, id_, held)
        aws.lookup("iam", "delete_instance_profile", GONE, InstanceProfileName=id_)

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        profile = self._seen(aws, inputs["name"])
        ours = profile and tag_map(profile.get("Tags")) == inputs.get("tags", {})
        return [inputs["name"]] if ours else []
