"""User-data: what a node believes of its orders, and what it says of those it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.agent.userdata import LIMIT, group_in, read_user_data
from quorate.errors import UsageError

MANAGER: dict[str, Any] = {
    "schema": 1,
    "cluster": "quorate-lab",
    "role": "manager",
    "region": "us-east-1",
    "table": "quorate-lab",
    "token_parameter": "/quorate-lab/worker-token",
    "token_key": "arn:aws:kms:us-east-1:123456789012:key/1",
    "group": "quorate-lab-manager-use1-az1-1",
    "slot": "manager-use1-az1-1",
    "pool": None,
    "launch_hook": "quorate-launch",
    "termination_hook": "quorate-termination",
    "overlay_cidr": "10.128.0.0/12",
}
WORKER = MANAGER | {"role": "worker", "slot": None, "pool": "general", "token_key": None}


def body(document: Any) -> bytes:
    return json.dumps(document).encode()


def test_a_manager_and_a_worker_are_understood() -> None:
    assert read_user_data(body(MANAGER)).manages
    worker = read_user_data(body(WORKER))
    assert not worker.manages and worker.pool == "general" and worker.slot is None


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "it is empty"),
        (b"#!/bin/sh\necho hello\n", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[" * 5000, "no JSON"),
        (body([1, 2]), "a JSON list: an object is needed"),
        (body(MANAGER | {"schema": 2}), "schema 2: this image reads schema 1"),
        (body(MANAGER | {"schema": True}), "schema True"),
        (body({"hello": "world"}), "schema None"),
        (body(MANAGER | {"rol": "manager"}), "key 'rol': unknown; did you mean 'role'"),
        (body(MANAGER | {"role": "leader"}), "role = 'leader': manager or worker"),
        (body(MANAGER | {"table": ""}), "table = ''"),
        (body(MANAGER | {"table": 7}), "table = 7"),
        (body({k: v for k, v in MANAGER.items() if k != "group"}), "group = None"),
        (body(MANAGER | {"slot": None}), "role manager: it needs slot and no pool"),
        (body(MANAGER | {"pool": "general"}), "role manager: it needs slot and no pool"),
        (body(WORKER | {"slot": "manager-use1-az1-1"}), "role worker: it needs pool and no slot"),
        (body(MANAGER | {"token_key": None}), "it needs token_key"),
        (body(MANAGER | {"overlay_cidr": "10.128.0.0/33"}), "overlay_cidr = '10.128.0.0/33'"),
        (body(MANAGER | {"overlay_cidr": "10.128.0.1/12"}), "overlay_cidr = '10.128.0.1/12'"),
        (body(MANAGER | {"cluster": "x" * LIMIT}), f"at most {LIMIT}"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line_with_reason_and_next_step(
    document: bytes, words: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        read_user_data(document)
    said = str(refusal.value)
    assert words in said and "\n" not in said and len(said) < 400
    assert said.startswith("user-data: ") and said.endswith("pulumi up")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.binary(max_size=200) | JSON.map(body))
def test_anything_else_is_refused_without_a_traceback(document: bytes) -> None:
    with pytest.raises(UsageError) as refusal:
        read_user_data(document)
    assert "\n" not in str(refusal.value)


def test_orders_of_another_schema_still_say_which_group_to_give_up() -> None:
    assert group_in(json.dumps(MANAGER | {"schema": 2, "more": []}).encode()) == MANAGER["group"]


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'"group"', b"{}", b'{"group": 3}', b"[" * 100_000])
def test_what_names_no_group_gives_none_up(body: bytes) -> None:
    assert group_in(body) == ""
