"""A permission is taken away: what needs fails, the lab names it; given back, all is well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import pytest

from quorate.errors import Failed
from quorate.lab.lab import Lab

from .conftest import Witness, eventually, folder

POOL = "quorate-lab-worker-general"
SMALL = {
    "quorate:managers": "1",
    "quorate:survive": "none",
    "quorate:workers": json.dumps([{"name": "general", "min": 0, "max": 3, "instanceTypes": ["t3.small"]}]),
}


@pytest.fixture(scope="module")
def small() -> Iterator[Witness]:
    """One manager and a pool of no workers yet."""
    with folder() as directory:
        lab = Lab(directory)
        lab.up(SMALL)
        yield Witness(lab)


@contextmanager
def without(small: Witness, role: str, action: str) -> Iterator[None]:
    """The role's inline policy lacks the action, until the end of the block."""
    iam = small.aws("iam")
    name = {"RoleName": f"quorate-lab-{role}", "PolicyName": f"quorate-lab-{role}"}
    whole = iam.get_role_policy(**name)["PolicyDocument"]
    kept = [
        {**statement, "Action": [one for one in statement["Action"] if one != action]}
        for statement in whole["Statement"]
    ]
    assert sum(len(s["Action"]) for s in kept) == sum(len(s["Action"]) for s in whole["Statement"]) - 1
    less = {**whole, "Statement": [statement for statement in kept if statement["Action"]]}
    iam.put_role_policy(**name, PolicyDocument=json.dumps(less))
    try:
        yield
    finally:
        iam.put_role_policy(**name, PolicyDocument=json.dumps(whole))


def denials(small: Witness, role: str = "") -> list[dict[str, Any]]:
    with urlopen(f"{small.lab.endpoint}/quorate-lab/denials") as answer:
        found = json.load(answer)["denials"]
    return [one for one in found if one["principal"].startswith(f"quorate-lab-{role}")]


def active(small: Witness) -> int:
    return sum(n["Spec"]["Role"] == "worker" and n["Spec"]["Availability"] == "active" for n in small.nodes())


def ask_for(small: Witness, workers: int) -> None:
    small.aws("autoscaling").set_desired_capacity(AutoScalingGroupName=POOL, DesiredCapacity=workers)


def is_named(small: Witness, role: str, action: str) -> str:
    """Some node of the role is denied the action before long, in the list and in the log."""
    eventually(lambda: any(one["action"] == action for one in denials(small, role)))
    logged = (small.lab.names.logs / "daemon.log").read_text()
    assert f"denied: quorate-lab-{role}/" in logged
    lacking = f"role quorate-lab-{role} lacks a statement that allows {action}"
    assert lacking in logged
    assert lacking in "\n".join(one["reason"] for one in denials(small, role))
    return lacking


def test_with_all_their_permissions_nodes_come_and_go_and_are_denied_nothing(small: Witness) -> None:
    ask_for(small, 1)
    eventually(lambda: active(small) == 1)
    ask_for(small, 0)
    eventually(lambda: len(small.nodes()) == 1 and len(small.instances()) == 1)
    assert denials(small) == []


@pytest.mark.parametrize(
    ("role", "action"),
    [
        ("worker", "ssm:GetParameter"),
        ("worker", "kms:Decrypt"),
        ("manager", "autoscaling:DescribeAutoScalingGroups"),
    ],
)
def test_a_worker_does_not_come_to_work_without_it_and_the_lab_names_it(
    small: Witness, role: str, action: str
) -> None:
    eventually(lambda: small.lab.status().healthy)
    with without(small, role, action):
        # when a worker is asked for, then somebody is denied what it needs, and it is named
        ask_for(small, 1)
        lacking = is_named(small, role, action)
        # and the worker is not at work
        with pytest.raises(Failed, match="0 of 1 workers ready and active") as failed:
            small.lab.wait_healthy(3)
        assert lacking in str(failed.value)
        assert active(small) == 0
    # when it is given back, then it is at work by itself
    try:
        eventually(lambda: active(small) == 1)
    finally:
        ask_for(small, 0)
        eventually(lambda: len(small.nodes()) == 1)


def test_a_leaver_stays_while_the_leader_cannot_prove_itself_and_the_lab_names_it(small: Witness) -> None:
    ask_for(small, 1)
    eventually(lambda: active(small) == 1)
    with without(small, "manager", "dynamodb:PutItem"):
        ask_for(small, 0)
        is_named(small, "manager", "dynamodb:PutItem")
        (leaver,) = small.groups()[POOL]["Instances"]
        assert leaver["LifecycleState"] == "Terminating:Wait"
    eventually(lambda: not small.groups()[POOL]["Instances"])
    eventually(lambda: small.lab.status().healthy)
