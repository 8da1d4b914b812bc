"""DynamoDB: the table, and the partition keys of the items that a call touches.

Source: "Using IAM policy conditions for fine-grained access control" (DynamoDB): dynamodb:LeadingKeys are
the partition keys; a Scan has none. Transactions need the permission of each of their actions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from quorate.lab.cloud.judge.ask import Ask
from quorate.lab.cloud.judge.needs.question import Question

LEADING_KEYS = "dynamodb:LeadingKeys"

_ITEM = {"GetItem": "Key", "DeleteItem": "Key", "UpdateItem": "Key", "PutItem": "Item"}
"""Action -> the parameter that holds the item's key."""
_TRANSACTED = {
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_TABLE = frozenset(
    {
        "DescribeTable",
        "DeleteTable",
        "UpdateTable",
        "DescribeTimeToLive",
        "UpdateTimeToLive",
        "DescribeContinuousBackups",
        "UpdateContinuousBackups",
        "CreateBackup",
    }
)
_PARTIQL_CALLS = {
    "ExecuteStatement": None,
    "BatchExecuteStatement": "Statements",
    "ExecuteTransaction": "TransactStatements",
}
"""Action -> the parameter that holds its statements, None where it is one itself."""
_PARTIQL = {
    "SELECT": "PartiQLSelect",
    "INSERT": "PartiQLInsert",
    "UPDATE": "PartiQLUpdate",
    "DELETE": "PartiQLDelete",
    "EXISTS": "PartiQLSelect",
}


def asks(question: Question) -> list[Ask] | None:
    """None for a call that cannot be judged."""
    action, parameters = question.call.action, question.call.parameters
    if action in _ITEM:
        return [_items(question, action, question.text("TableName"), [parameters.get(_ITEM[action])])]
    if action in _TABLE:
        return [question.ask(question.call.name, _table(question, question.text("TableName")))]
    if action in _PARTIQL_CALLS:
        held = _PARTIQL_CALLS[action]
        return _partiql(question, parameters.get(held) if held else [parameters])
    several = _SEVERAL.get(action)
    return several(question) or None if several else None


def _scan(question: Question) -> list[Ask]:
    return [_items(question, "Scan", question.text("TableName"), [])]


def _batches(question: Question) -> list[Ask]:
    tables = _mapping(question.call.parameters.get("RequestItems"))
    return [_items(question, question.call.action, table, _batch(held)) for table, held in tables.items()]


def _tables(question: Question) -> list[Ask]:
    return [question.ask("dynamodb:ListTables", "*")]


def _items(question: Question, action: str, table: str | None, items: Iterable[Any]) -> Ask:
    hash_key = question.stored.hash_key(question.call.region, table.rpartition("/")[2]) if table else None
    keys = dict.fromkeys(value for item in items for value in _leading(item, hash_key))
    return _keyed(question, action, _table(question, table), keys)


def _keyed(question: Question, action: str, resource: str | None, keys: Iterable[str]) -> Ask:
    return question.ask(f"dynamodb:{action}", resource, [(LEADING_KEYS, list(keys))], [LEADING_KEYS])


def _table(question: Question, table: str | None) -> str | None:
    if table is None or table.startswith("arn:"):
        return table
    return question.arn("dynamodb", f"table/{table}")


def _leading(item: Any, hash_key: str | None) -> list[str]:
    """The partition key's value; a key of one attribute is the partition key, whatever table it is for."""
    attributes = _mapping(item)
    if hash_key is None and len(attributes) == 1:
        (hash_key,) = attributes
    return [str(value) for value in _mapping(attributes.get(hash_key or "")).values()]


def _batch(requests: Any) -> list[Any]:
    if isinstance(requests, list):
        writes = [_mapping(request) for request in requests]
        return [next(iter(_mapping(one).values()), None) for write in writes for one in write.values()]
    keys = _mapping(requests).get("Keys", [])
    return keys if isinstance(keys, list) else []


def _transaction(question: Question) -> list[Ask]:
    needed = []
    steps = question.call.parameters.get("TransactItems")
    for step in steps if isinstance(steps, list) else []:
        for kind, request in _mapping(step).items():
            held = _mapping(request)
            table = held.get("TableName")
            item = held.get("Key", held.get("Item"))
            needed.append(_items(question, _TRANSACTED.get(kind, kind), str(table), [item]))
    return needed


def _partiql(question: Question, holders: Any) -> list[Ask] | None:
    """By the kind of each statement; which items it touches is not read."""
    needed = []
    for holder in holders if isinstance(holders, list) else []:
        word = re.match(r"\s*(\w+)", str(_mapping(holder).get("Statement", "")))
        action = _PARTIQL.get(word[1].upper()) if word else None
        if action is None:
            return None
        needed.append(question.ask(f"dynamodb:{action}", None))
    return needed or None


def _query(question: Question) -> list[Ask]:
    table = question.text("TableName")
    name = table.rpartition("/")[2] if table else ""
    hash_key = question.stored.hash_key(question.call.region, name)
    resource = _table(question, table)
    index = question.text("IndexName")
    if index:
        # an index has a partition key of its own
        return [_keyed(question, "Query", f"{resource}/index/{index}", [])]
    names = _mapping(question.call.parameters.get("ExpressionAttributeNames"))
    values = _mapping(question.call.parameters.get("ExpressionAttributeValues"))
    keys = []
    for left, right in re.findall(r"([#\w]+)\s*=\s*(:\w+)", question.text("KeyConditionExpression") or ""):
        if names.get(left, left) == hash_key:
            keys += [str(value) for value in _mapping(values.get(right)).values()]
    return [_keyed(question, "Query", resource, keys)]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


_SEVERAL = {
    "BatchGetItem": _batches,
    "BatchWriteItem": _batches,
    "ListTables": _tables,
    "Query": _query,
    "Scan": _scan,
    "TransactGetItems": _transaction,
    "TransactWriteItems": _transaction,
}
