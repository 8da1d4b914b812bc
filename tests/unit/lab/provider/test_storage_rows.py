"""DynamoDB and SSM rows, read back by boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from quorate.errors import Refused

TABLE = "aws:dynamodb/table:Table"
ITEM = "aws:dynamodb/tableItem:TableItem"
PARAMETER = "aws:ssm/parameter:Parameter"

Boto = Callable[[str], Any]


def table_of(make: Any, name: str, **more: Any) -> Any:
    return make(
        TABLE,
        name=name,
        billingMode="PAY_PER_REQUEST",
        hashKey="id",
        attributes=[{"name": "id", "type": "S"}],
        **more,
    )


def test_a_table_has_its_key_recovery_and_protection(make: Any, boto: Boto) -> None:
    made = table_of(
        make,
        "cluster",
        pointInTimeRecovery={"enabled": True},
        deletionProtectionEnabled=True,
        tags={"a": "1"},
    )

    def seen() -> dict[str, Any]:
        return boto("dynamodb").describe_table(TableName="cluster")["Table"]

    backups = boto("dynamodb").describe_continuous_backups(TableName="cluster")[
        "ContinuousBackupsDescription"
    ]
    assert seen()["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert seen()["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert seen()["DeletionProtectionEnabled"] is True
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert made.outputs["arn"] == seen()["TableArn"]
    assert make.unchanged(TABLE, made)

    open_ = make.update(
        TABLE, made, **{**made.inputs, "deletionProtectionEnabled": False, "tags": {"b": "2"}}
    )
    assert seen()["DeletionProtectionEnabled"] is False
    tags = boto("dynamodb").list_tags_of_resource(ResourceArn=seen()["TableArn"])["Tags"]
    assert tags == [{"Key": "b", "Value": "2"}]

    make.delete(TABLE, open_)
    assert "cluster" not in boto("dynamodb").list_tables()["TableNames"]


def test_a_protected_table_is_not_deleted(make: Any) -> None:
    made = table_of(make, "guarded", deletionProtectionEnabled=True)
    with pytest.raises(Exception, match="DeletionProtectionEnabled"):
        make.provider.delete(TABLE, made.id, made.inputs)


def test_an_item_is_written_once_and_changed_beside_what_others_wrote(make: Any, boto: Boto) -> None:
    table = table_of(make, "items")
    asked = {"tableName": table.id, "hashKey": "id"}
    item = {"id": {"S": "plan"}, "document": {"S": "one"}, "old": {"N": "1"}}
    made = make(ITEM, **asked, item=json.dumps(item))

    def seen() -> Any:
        return boto("dynamodb").get_item(TableName="items", Key={"id": {"S": "plan"}}).get("Item")

    assert seen() == item
    assert made.id == "items|id||plan|"
    assert make.unchanged(ITEM, made)
    with pytest.raises(Exception, match="ConditionalCheckFailed"):
        make(ITEM, **asked, item=json.dumps(item))

    boto("dynamodb").update_item(
        TableName="items",
        Key={"id": {"S": "plan"}},
        UpdateExpression="SET note = :note",
        ExpressionAttributeValues={":note": {"S": "theirs"}},
    )
    changed = make.update(
        ITEM, made, **asked, item=json.dumps({"id": {"S": "plan"}, "document": {"S": "two"}})
    )
    assert seen() == {"id": {"S": "plan"}, "document": {"S": "two"}, "note": {"S": "theirs"}}

    make.delete(ITEM, changed)
    assert seen() is None


def test_an_item_under_another_key_leaves_none_behind(make: Any, boto: Boto) -> None:
    table = table_of(make, "moving")
    asked = {"tableName": table.id, "hashKey": "id"}
    made = make(ITEM, **asked, item=json.dumps({"id": {"S": "a"}, "n": {"N": "1"}}))

    moved = make.update(ITEM, made, **asked, item=json.dumps({"id": {"S": "b"}, "n": {"N": "1"}}))

    assert boto("dynamodb").scan(TableName="moving")["Items"] == [{"id": {"S": "b"}, "n": {"N": "1"}}]
    assert moved.id == "moving|id||b|"


class TestParameter:
    SECRET = "the-only-copy"

    def make(self, make: Any, name: str) -> Any:
        key = make("aws:kms/key:Key", description=name)
        return make(
            PARAMETER,
            name=name,
            description="token",
            type="SecureString",
            keyId=key.outputs["arn"],
            valueWo=self.SECRET,
            valueWoVersion=1,
            tags={"a": "1"},
        )

    def test_a_parameter_is_encrypted_with_the_named_key(self, make: Any, boto: Boto) -> None:
        made = self.make(make, "/cluster/token")

        seen = boto("ssm").get_parameter(Name="/cluster/token", WithDecryption=True)["Parameter"]
        about = boto("ssm").describe_parameters()["Parameters"][0]
        assert (seen["Type"], seen["Value"]) == ("SecureString", self.SECRET)
        assert about["KeyId"] == made.inputs["keyId"]
        assert made.outputs["arn"] == seen["ARN"]
        assert make.unchanged(PARAMETER, made)

        make.delete(PARAMETER, made)
        assert boto("ssm").describe_parameters()["Parameters"] == []

    def test_the_value_is_kept_nowhere_also_after_a_read(self, make: Any) -> None:
        made = self.make(make, "/kept/nowhere")
        read = make.provider.read(PARAMETER, made.id, made.inputs)

        assert self.SECRET not in repr(made)
        assert self.SECRET not in repr(read)

    def test_a_new_version_writes_the_value_anew_and_nothing_else_does(self, make: Any, boto: Boto) -> None:
        made = self.make(make, "/written/anew")
        boto("ssm").put_parameter(
            Name="/written/anew",
            Value="the steward's",
            Type="SecureString",
            KeyId=made.inputs["keyId"],
            Overwrite=True,
        )

        def value() -> str:
            return boto("ssm").get_parameter(Name="/written/anew", WithDecryption=True)["Parameter"]["Value"]

        tagged = make.update(PARAMETER, made, **{**made.inputs, "valueWo": "x", "tags": {"b": "2"}})
        assert value() == "the steward's"
        rewritten = make.update(
            PARAMETER, tagged, **{**tagged.inputs, "valueWo": "second", "valueWoVersion": 2}
        )
        assert value() == "second"
        assert "second" not in repr(rewritten)

    def test_a_description_cannot_change_without_a_value(self, make: Any) -> None:
        made = self.make(make, "/described")
        with pytest.raises(Refused, match="description of parameter /described"):
            make.update(PARAMETER, made, **{**made.inputs, "valueWo": "x", "description": "other"})

    def test_a_secure_string_names_its_key(self, make: Any) -> None:
        asked = {"type": "SecureString", "valueWo": "x", "valueWoVersion": 1}
        assert make.provider.check(PARAMETER, "x", {}, asked).failures[0].property == "keyId"

    def test_a_value_that_would_be_kept_is_refused_by_name(self, make: Any) -> None:
        checked = make.provider.check(PARAMETER, "x", {}, {"type": "String", "value": "seen by all"})
        assert checked.failures[0].property == "value"
        assert "seen by all" not in repr(checked.failures)
