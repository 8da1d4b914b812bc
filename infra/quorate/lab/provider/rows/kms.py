"""Keys, their aliases, and grants."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from quorate.lab.provider.aws import Aws
from quorate.lab.provider.row import Change, Made, Row, Wait, pick
from quorate.lab.provider.rows.ec2 import INTENT_TAG, PAGE, TAGS
from quorate.lab.provider.schema import Failure, Kind, Property
from quorate.lab.provider.values import Values

GONE: Final = ("NotFoundException",)


def _tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]


def _tags(aws: Aws, id_: str) -> dict[str, str]:
    tags = aws.call("kms", "list_resource_tags", KeyId=id_)["Tags"]
    return {tag["TagKey"]: tag["TagValue"] for tag in tags}


class Key(Row):
    token = "aws:kms/key:Key"
    page = PAGE + "kms_key"
    properties: ClassVar = {
        "description": Property(Kind.TEXT, computed=True),
        "enableKeyRotation": Property(Kind.FLAG, default=False),
        "deletionWindowInDays": Property(Kind.WHOLE),
        "policy": Property(Kind.JSON, computed=True),
        "tags": TAGS,
    }
    outputs = frozenset({"arn", "keyId", "keyUsage", "isEnabled", "multiRegion"})

    def check(self, inputs: Values) -> list[Failure]:
        days = inputs.get("deletionWindowInDays", 30)
        if isinstance(days, int) and not 7 <= days <= 30:
            return [Failure("deletionWindowInDays", f"is {days}; KMS takes 7 to 30 days")]
        return []

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        tags = inputs.get("tags", {}) | ({INTENT_TAG: intent} if intent else {})
        key = aws.call(
            "kms",
            "create_key",
            Tags=_tag_list(tags),
            **pick(inputs, Description="description", Policy="policy"),
        )["KeyMetadata"]
        return Made(key["KeyId"], self._told(key), settled=not inputs.get("enableKeyRotation"))

    def settle(self, aws: Aws, id_: str, inputs: Values, told: Values, wait: Wait) -> Values:
        if inputs.get("enableKeyRotation"):
            aws.call("kms", "enable_key_rotation", KeyId=id_)
        return {}

    @staticmethod
    def _told(key: dict[str, Any]) -> Values:
        return {
            "arn": key["Arn"],
            "keyId": key["KeyId"],
            "keyUsage": key.get("KeyUsage", "ENCRYPT_DECRYPT"),
            "isEnabled": key["Enabled"],
            "multiRegion": key.get("MultiRegion", False),
        }

    def _seen(self, aws: Aws, id_: str) -> dict[str, Any] | None:
        answer = aws.lookup("kms", "describe_key", GONE, KeyId=id_)
        key = answer["KeyMetadata"] if answer else None
        return key if key and key["KeyState"] != "PendingDeletion" else None

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        key = self._seen(aws, id_)
        if key is None:
            return None
        tags = _tags(aws, id_)
        tags.pop(INTENT_TAG, None)
        return self._told(key) | {
            "description": key.get("Description"),
            "enableKeyRotation": aws.call("kms", "get_key_rotation_status", KeyId=id_)["KeyRotationEnabled"],
            "policy": aws.call("kms", "get_key_policy", KeyId=id_, PolicyName="default")["Policy"],
            "tags": tags,
        }

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        if "description" in change.names:
            aws.call(
                "kms", "update_key_description", KeyId=id_, Description=change.new.get("description", "")
            )
        if "enableKeyRotation" in change.names:
            turn = "enable_key_rotation" if change.new.get("enableKeyRotation") else "disable_key_rotation"
            aws.call("kms", turn, KeyId=id_)
        if "policy" in change.names:
            aws.call("kms", "put_key_policy", KeyId=id_, PolicyName="default", Policy=change.new["policy"])
        before, after = change.old.get("tags", {}), change.new.get("tags", {})
        gone = [name for name in before if name not in after]
        if gone:
            aws.call("kms", "untag_resource", KeyId=id_, TagKeys=gone)
        if after != before:
            aws.call("kms", "tag_resource", KeyId=id_, Tags=_tag_list(after))
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        if self._seen(aws, id_):
            days = inputs.get("deletionWindowInDays", 30)
            aws.lookup("kms", "schedule_key_deletion", GONE, KeyId=id_, PendingWindowInDays=days)

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        keys = [key["KeyId"] for key in aws.call("kms", "list_keys")["Keys"]]
        return [id_ for id_ in keys if self._seen(aws, id_) and _tags(aws, id_).get(INTENT_TAG) == intent]


class Alias(Row):
    token = "aws:kms/alias:Alias"
    page = PAGE + "kms_alias"
    properties: ClassVar = {
        "name": Property(Kind.TEXT, computed=True, replaces="aws_kms_alias schema: name is ForceNew"),
        "targetKeyId": Property(Kind.TEXT, required=True),
    }
    outputs = frozenset({"arn", "targetKeyArn"})
    name_property = "name"

    def check(self, inputs: Values) -> list[Failure]:
        name = inputs.get("name")
        if isinstance(name, str) and not name.startswith("alias/"):
            return [Failure("name", f'is "{name}"; an alias begins with alias/')]
        return []

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        aws.call("kms", "create_alias", AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
        return Made(inputs["name"], self._told(aws, inputs["name"], inputs["targetKeyId"]), settled=True)

    def fresh(self, new: Values, changed: list[str]) -> set[str]:
        return {"targetKeyArn"}

    @staticmethod
    def _told(aws: Aws, name: str, target: str) -> Values:
        key = target if target.startswith("arn:") else aws.arn("kms", f"key/{target}")
        return {"arn": aws.arn("kms", name), "targetKeyArn": key}

    def _seen(self, aws: Aws, name: str) -> dict[str, Any] | None:
        aliases = aws.call("kms", "list_aliases")["Aliases"]
        return next((alias for alias in aliases if alias["AliasName"] == name), None)

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        alias = self._seen(aws, id_)
        if alias is None:
            return None
        target = alias.get("TargetKeyId", "")
        asked = inputs.get("targetKeyId", "")
        # The program may name the key by id or by ARN; AWS answers with the id.
        shown = asked if asked.rpartition("/")[2] == target else target
        return self._told(aws, id_, shown) | {"name": id_, "targetKeyId": shown}

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        aws.call("kms", "update_alias", AliasName=id_, TargetKeyId=change.new["targetKeyId"])
        return self._told(aws, id_, change.new["targetKeyId"])

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        aws.lookup("kms", "delete_alias", GONE, AliasName=id_)

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        return [inputs["name"]] if self.read(aws, inputs["name"], inputs) else []


class Grant(Row):
    token = "aws:kms/grant:Grant"
    page = PAGE + "kms_grant"
    properties: ClassVar = {
        "name": Property(Kind.TEXT, computed=True, replaces="aws_kms_grant schema: name is ForceNew"),
        "keyId": Property(Kind.TEXT, required=True, replaces="aws_kms_grant schema: key_id is ForceNew"),
        "granteePrincipal": Property(
            Kind.TEXT, required=True, replaces="aws_kms_grant schema: grantee_principal is ForceNew"
        ),
        "operations": Property(
            Kind.TEXT_SET, required=True, replaces="aws_kms_grant schema: operations is ForceNew"
        ),
    }
    outputs = frozenset({"grantId"})
    name_property = "name"

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        made = aws.call(
            "kms",
            "create_grant",
            **pick(
                inputs,
                Name="name",
                KeyId="keyId",
                GranteePrincipal="granteePrincipal",
                Operations="operations",
            ),
        )
        return Made(f"{inputs['keyId']}:{made['GrantId']}", {"grantId": made["GrantId"]}, settled=True)

    @staticmethod
    def _grants(aws: Aws, key: str) -> list[dict[str, Any]]:
        answer = aws.lookup("kms", "list_grants", GONE, KeyId=key)
        return list(answer["Grants"]) if answer else []

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        key, _, grant_id = id_.rpartition(":")
        grant = next((each for each in self._grants(aws, key) if each["GrantId"] == grant_id), None)
        if grant is None:
            return None
        return {
            "grantId": grant_id,
            "name": grant.get("Name"),
            "keyId": key,
            "granteePrincipal": grant["GranteePrincipal"],
            "operations": grant["Operations"],
        }

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        return {}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        key, _, grant_id = id_.rpartition(":")
        if any(each["GrantId"] == grant_id for each in self._grants(aws, key)):
            aws.lookup("kms", "revoke_grant", GONE, KeyId=key, GrantId=grant_id)

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        grants = self._grants(aws, inputs["keyId"])
        return [
            f"{inputs['keyId']}:{each['GrantId']}" for each in grants if each.get("Name") == inputs["name"]
        ]
