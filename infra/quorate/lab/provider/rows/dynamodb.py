"""Tables, and single items that a program writes."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from quorate.lab.provider.aws import Aws
from quorate.lab.provider.row import Change, Made, Row, Wait, pick
from quorate.lab.provider.rows.ec2 import PAGE, TAGS, tag_list, tag_map
from quorate.lab.provider.schema import Failure, Kind, Property
from quorate.lab.provider.values import Values

GONE: Final = ("ResourceNotFoundException",)


class Table(Row):
    token = "aws:dynamodb/table:Table"
    page = PAGE + "dynamodb_table"
    properties: ClassVar = {
        "name": Property(Kind.TEXT, computed=True, replaces="aws_dynamodb_table schema: name is ForceNew"),
        "billingMode": Property(Kind.TEXT, default="PROVISIONED"),
        "hashKey": Property(
            Kind.TEXT, computed=True, replaces="aws_dynamodb_table schema: hash_key is ForceNew"
        ),
        "attributes": Property(
            Kind.BLOCK_SET,
            computed=True,
            fields={"name": Property(Kind.TEXT, required=True), "type": Property(Kind.TEXT, required=True)},
        ),
        "pointInTimeRecovery": Property(
            Kind.BLOCK, computed=True, fields={"enabled": Property(Kind.FLAG, required=True)}
        ),
        "deletionProtectionEnabled": Property(Kind.FLAG, default=False),
        "tags": TAGS,
    }
    outputs = frozenset({"arn"})
    name_property = "name"
    create_seconds = 1800.0

    def check(self, inputs: Values) -> list[Failure]:
        if inputs.get("billingMode", "PROVISIONED") not in ("PAY_PER_REQUEST",):
            return [
                Failure("billingMode", "the lab's tables are PAY_PER_REQUEST; capacities are not consumed")
            ]
        return []

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        table = aws.call(
            "dynamodb",
            "create_table",
            AttributeDefinitions=self._attributes(inputs),
            KeySchema=[{"AttributeName": inputs["hashKey"], "KeyType": "HASH"}],
            DeletionProtectionEnabled=inputs.get("deletionProtectionEnabled", False),
            Tags=tag_list(inputs.get("tags", {})),
            **pick(inputs, TableName="name", BillingMode="billingMode"),
        )["TableDescription"]
        ready = table["TableStatus"] == "ACTIVE" and not self._recovery(inputs)
        return Made(
            table["TableName"], {"arn": table["TableArn"], "_status": table["TableStatus"]}, settled=ready
        )

    @staticmethod
    def _attributes(inputs: Values) -> list[dict[str, str]]:
        return [
            {"AttributeName": a["name"], "AttributeType": a["type"]} for a in inputs.get("attributes", [])
        ]

    @staticmethod
    def _recovery(inputs: Values) -> bool:
        return bool(inputs.get("pointInTimeRecovery", {}).get("enabled"))

    def settle(self, aws: Aws, id_: str, inputs: Values, told: Values, wait: Wait) -> Values:
        if told.get("_status") != "ACTIVE":
            self._until_active(aws, id_, wait)
        if self._recovery(inputs):
            self._recover(aws, id_, True)
        return {}

    def _until_active(self, aws: Aws, id_: str, wait: Wait) -> None:
        wait.until(lambda: (self._seen(aws, id_) or {}).get("TableStatus") == "ACTIVE", f"table {id_} active")

    @staticmethod
    def _recover(aws: Aws, id_: str, enabled: bool) -> None:
        wanted = {"PointInTimeRecoveryEnabled": enabled}
        aws.call(
            "dynamodb", "update_continuous_backups", TableName=id_, PointInTimeRecoverySpecification=wanted
        )

    def _seen(self, aws: Aws, id_: str) -> dict[str, Any] | None:
        answer = aws.lookup("dynamodb", "describe_table", GONE, TableName=id_)
        return answer["Table"] if answer else None

    @staticmethod
    def _tags(aws: Aws, arn: str) -> dict[str, str]:
        return tag_map(aws.call("dynamodb", "list_tags_of_resource", ResourceArn=arn)["Tags"])

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        table = self._seen(aws, id_)
        if table is None:
            return None
        backups = aws.call("dynamodb", "describe_continuous_backups", TableName=id_)[
            "ContinuousBackupsDescription"
        ]
        recovery = (
            backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"
        )
        return {
            "arn": table["TableArn"],
            "name": table["TableName"],
            "billingMode": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
            "hashKey": next(key["AttributeName"] for key in table["KeySchema"] if key["KeyType"] == "HASH"),
            "attributes": [
                {"name": each["AttributeName"], "type": each["AttributeType"]}
                for each in table["AttributeDefinitions"]
            ],
            "pointInTimeRecovery": {"enabled": recovery},
            "deletionProtectionEnabled": table.get("DeletionProtectionEnabled", False),
            "tags": self._tags(aws, table["TableArn"]),
        }

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        changes: dict[str, Any] = {}
        if "billingMode" in change.names:
            changes["BillingMode"] = change.new["billingMode"]
        if "attributes" in change.names:
            changes["AttributeDefinitions"] = self._attributes(change.new)
        if "deletionProtectionEnabled" in change.names:
            changes["DeletionProtectionEnabled"] = change.new.get("deletionProtectionEnabled", False)
        if changes:
            aws.call("dynamodb", "update_table", TableName=id_, **changes)
            self._until_active(aws, id_, wait)
        if "pointInTimeRecovery" in change.names:
            self._recover(aws, id_, self._recovery(change.new))
        if "tags" in change.names:
            self._retag(aws, id_, change.old.get("tags", {}), change.new.get("tags", {}))
        return {}

    def _retag(self, aws: Aws, id_: str, before: dict[str, str], after: dict[str, str]) -> None:
        arn = aws.arn("dynamodb", f"table/{id_}")
        gone = [name for name in before if name not in after]
        if gone:
            aws.call("dynamodb", "untag_resource", ResourceArn=arn, TagKeys=gone)
        if after:
            aws.call("dynamodb", "tag_resource", ResourceArn=arn, Tags=tag_list(after))

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        aws.lookup("dynamodb", "delete_table", GONE, TableName=id_)
        wait.until(lambda: self._seen(aws, id_) is None, f"table {id_} deleted")

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        table = self._seen(aws, inputs["name"])
        if table and self._tags(aws, table["TableArn"]) == inputs.get("tags", {}):
            return [table["TableName"]]
        return []


class TableItem(Row):
    token = "aws:dynamodb/tableItem:TableItem"
    page = PAGE + "dynamodb_table_item"
    properties: ClassVar = {
        "tableName": Property(
            Kind.TEXT, required=True, replaces="aws_dynamodb_table_item schema: table_name is ForceNew"
        ),
        "hashKey": Property(
            Kind.TEXT, required=True, replaces="aws_dynamodb_table_item schema: hash_key is ForceNew"
        ),
        "item": Property(Kind.JSON, required=True),
    }

    def check(self, inputs: Values) -> list[Failure]:
        hash_key, item = inputs.get("hashKey"), inputs.get("item")
        if isinstance(hash_key, str) and isinstance(item, str) and hash_key not in self._item(inputs):
            return [Failure("item", f"has no attribute {hash_key}, the table's hash key")]
        return []

    @staticmethod
    def _item(inputs: Values) -> dict[str, dict[str, Any]]:
        try:
            return dict(json.loads(inputs["item"]))
        except ValueError:
            return {}

    def _key(self, inputs: Values) -> dict[str, Any]:
        return {inputs["hashKey"]: self._item(inputs)[inputs["hashKey"]]}

    def _id(self, inputs: Values) -> str:
        # The official provider's id: table|hash key|binary|string|number.
        value = self._item(inputs)[inputs["hashKey"]]
        return "|".join(
            (inputs["tableName"], inputs["hashKey"], *(str(value.get(kind, "")) for kind in "BSN"))
        )

    def make(self, aws: Aws, inputs: Values, intent: str | None) -> Made:
        aws.call(
            "dynamodb",
            "put_item",
            TableName=inputs["tableName"],
            Item=self._item(inputs),
            ConditionExpression="attribute_not_exists(#key)",
            ExpressionAttributeNames={"#key": inputs["hashKey"]},
        )
        return Made(self._id(inputs), settled=True)

    def _seen(self, aws: Aws, inputs: Values) -> dict[str, Any] | None:
        table = inputs["tableName"]
        answer = aws.lookup(
            "dynamodb", "get_item", GONE, TableName=table, Key=self._key(inputs), ConsistentRead=True
        )
        return answer.get("Item") if answer else None

    def read(self, aws: Aws, id_: str, inputs: Values) -> Values | None:
        item = self._seen(aws, inputs)
        if item is None:
            return None
        return {"tableName": inputs["tableName"], "hashKey": inputs["hashKey"], "item": json.dumps(item)}

    def update(self, aws: Aws, id_: str, change: Change, wait: Wait) -> Values:
        # Attribute by attribute, as the official provider does: what others wrote beside them stays.
        hash_key = change.new["hashKey"]
        before, after = self._item(change.old), self._item(change.new)
        updates: dict[str, Any] = {
            name: {"Action": "PUT", "Value": value} for name, value in after.items() if name != hash_key
        }
        updates |= {name: {"Action": "DELETE"} for name in before if name != hash_key and name not in after}
        table = change.new["tableName"]
        aws.call(
            "dynamodb", "update_item", TableName=table, Key=self._key(change.new), AttributeUpdates=updates
        )
        if self._key(change.old) != self._key(change.new):
            aws.call("dynamodb", "delete_item", TableName=table, Key=self._key(change.old))
        return {"id": self._id(change.new)}

    def delete(self, aws: Aws, id_: str, inputs: Values, wait: Wait) -> None:
        aws.lookup("dynamodb", "delete_item", GONE, TableName=inputs["tableName"], Key=self._key(inputs))

    def find(self, aws: Aws, inputs: Values, intent: str) -> list[str]:
        return [self._id(inputs)] if self._seen(aws, inputs) == self._item(inputs) else []
