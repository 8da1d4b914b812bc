"""The model can fail: the agent with one of its rules taken out breaks the law that the rule is for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from quorate.agent.join.boot import Boot
from quorate.agent.join.claim import Fate
from quorate.agent.join.founding import Founding
from quorate.agent.steward import apply, departed, members, promotion
from quorate.agent.steward.standing import Standing
from quorate.errors import Unknown
from quorate.layout import Verdict
from quorate.swarm.aws import Aws, read_instance
from quorate.swarm.rendezvous import Rendezvous

from .machine import Life
from .processes import Violation
from .traces import replay

LAUNCH, WHOLE = {"do": "launch"}, {"do": "expect whole"}
Taken = Callable[[], AbstractContextManager[Any]]


def allow(*_: Any, **__: Any) -> Verdict:
    return Verdict(True, 0, "yes")


def write_anyway(self: Any, item: Mapping[str, Any], *_: Any) -> bool:
    self._aws.put_item(self._table, item, "attribute_not_exists(id) OR id = :id", None, {":id": item["id"]})
    return True


def believe_any_answer(self: Any, asker: str, name: str, own: str, values: Any) -> Any:
    filters = [{"Name": name, "Values": [own, *values]}]
    answer = self._call("ec2", "describe_instances", Filters=filters)
    there = [raw for entry in answer["Reservations"] for raw in entry["Instances"]]
    return {raw["InstanceId"]: read_instance(raw) for raw in there}


_init = Founding._init


def trust_what_is_there(self: Founding) -> None:
    found = self.engine.membership()
    if found.state == "inactive":
        _init(self)
    elif not found.manages:
        raise Unknown("the engine is not ready")


def wait(seconds: float) -> dict[str, Any]:
    return {"do": "wait", "seconds": seconds}


# The rule that is taken out, and what its law then says: hypothesis finds the way there itself.
FOUND: dict[str, tuple[Taken, str]] = {
    "a second look before a promotion": (
        lambda: patch.object(promotion, "STEADY_SECONDS", 0.0),
        "not fit twice",
    ),
    "the proof of leadership": (
        lambda: patch.object(apply.Leadership, "prove", lambda self, node_id: None),
        "without proof of leadership",
    ),
}


@pytest.fixture
def life() -> Iterator[type[Life]]:
    class Short(Life):
        """Only the laws: whether it ends whole is not asked."""

        def teardown(self) -> None:
            if hasattr(self, "world"):
                self.world.close()

    yield Short


@pytest.mark.parametrize("rule", FOUND)
def test_without_a_rule_some_run_breaks_its_law(rule: str, life: type[Life]) -> None:
    taken, law = FOUND[rule]
    search = settings(
        max_examples=100,
        stateful_step_count=30,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with taken(), pytest.raises(Violation, match=law):
        run_state_machine_as_test(life, settings=search)


# The same for rules that seldom matter: the run in which they do is given.
GIVEN: dict[str, tuple[Taken, str, dict[str, Any], list[dict[str, Any]]]] = {
    "layout's gate before a demotion": (
        lambda: patch.object(members, "gate", allow),
        "would be left",
        {"layout": (3,), "survive": "none"},
        [
            LAUNCH,
            WHOLE,
            {"do": "terminate", "where": "manager-use1-az1-3"},
            {"do": "fault", "service": "ec2", "kind": "error"},
            {"do": "end in order", "where": "manager-use1-az1-2"},
            wait(330),
        ],
    ),
    "layout's gate before a promotion": (
        lambda: patch.object(promotion, "admit", allow),
        "promoted with 2 of 3 reachable",
        {"layout": (2, 1, 2)},
        [
            {"do": "zone down", "zone": "use1-az4"},
            LAUNCH,
            wait(40),
            {"do": "host stop", "where": "manager-use1-az2-1"},
            wait(15),
            {"do": "zones up"},
            wait(30),
        ],
    ),
    "that a claim's owner must be gone": (
        lambda: patch.object(Boot, "_fate", lambda self, owner: Fate.GONE),
        "swarms .* have managers at the same time",
        {"layout": (1, 1, 1)},
        [
            {"do": "fault", "service": "ssm", "kind": "error"},
            LAUNCH,
            wait(10),
            {"do": "freeze", "unit": "join", "where": "owner"},
            wait(200),
        ],
    ),
    "a second look at the dead": (
        lambda: patch.object(departed, "GONE_SECONDS", 0.0),
        "not gone twice",
        {"layout": (2, 2, 1)},
        [
            LAUNCH,
            WHOLE,
            {"do": "terminate", "where": "manager-use1-az4-1"},
            {"do": "host stop", "where": "leader"},
            wait(60),
        ],
    ),
    "that a proof grows old": (
        lambda: patch.object(apply, "PROOF_SECONDS", 1e9),
        "14 s after its proof",
        {"layout": (2, 2, 1)},
        [
            LAUNCH,
            WHOLE,
            wait(15),
            {"do": "fault", "service": "ssm", "kind": "timeout"},
            {"do": "rotate"},
            {"do": "terminate", "where": "manager-use1-az4-1"},
            wait(60),
        ],
    ),
    "that the absent need a successor": (
        lambda: patch.object(Standing, "_succeeded", lambda self, node: True),
        "not gone twice",
        {"layout": (2, 2, 1)},
        [
            LAUNCH,
            WHOLE,
            {"do": "zone down", "zone": "use1-az4"},
            {"do": "terminate", "where": "manager-use1-az4-1"},
            {"do": "forget"},
            wait(60),
        ],
    ),
    "that an answer includes who asked": (
        lambda: patch.object(Aws, "_instances", believe_any_answer),
        "not gone twice",
        {"layout": (2, 2, 1), "workers": 1},
        [
            LAUNCH,
            WHOLE,
            {"do": "host stop", "where": "worker"},
            wait(20),
            {"do": "terminate", "where": "worker"},
            {"do": "fault", "service": "ec2", "kind": "empty"},
            wait(60),
        ],
    ),
    "that only an init that answered is trusted": (
        lambda: patch.object(Founding, "_init", trust_what_is_there),
        "not whole|no member after",
        {"layout": (1, 1, 1)},
        [{"do": "cut init"}, LAUNCH, wait(10), {"do": "hosts start"}],
    ),
    "that a lone manager is replaced beside it": (
        lambda: patch.object(promotion, "_last_one_leaves", lambda standing: False),
        "not whole",
        {"layout": (1,), "survive": "none"},
        [LAUNCH, WHOLE, {"do": "end in order", "where": "leader"}, wait(3)],
    ),
    "that a member waits for AWS": (
        lambda: patch.object(Boot, "_again_until", impatient),
        "not whole",
        {"layout": (3,), "survive": "none"},
        [
            LAUNCH,
            WHOLE,
            {"do": "zone down", "zone": "use1-az1"},
            {"do": "fault", "service": "dynamodb", "kind": "error"},
            wait(5),
            {"do": "zones up"},
            wait(600),
            {"do": "rotate"},
        ],
    ),
}

_again_until = Boot._again_until


def impatient(self: Boot, done: Callable[[], bool], trouble: str, **_: Any) -> None:
    _again_until(self, done, trouble)


@pytest.mark.parametrize("rule", GIVEN)
def test_without_a_rule_a_given_run_breaks_its_law(rule: str) -> None:
    taken, law, kind, events = GIVEN[rule]
    replay(kind, events)
    with ExitStack() as stack:
        stack.enter_context(taken())
        with pytest.raises(AssertionError, match=law):
            replay(kind, events)


# Rules that matter only between two calls: somebody is stopped before each of its calls in turn.
STOPPED: dict[str, tuple[Taken, str, list[dict[str, Any]], list[dict[str, Any]]]] = {
    "the condition on the claim": (
        lambda: patch.object(Rendezvous, "_put", write_anyway),
        "READY was written|managers at the same time",
        [LAUNCH, wait(1)],
        [{"do": "freeze", "unit": "join", "where": "manager-use1-az2-1"}, wait(30), {"do": "thaw"}, wait(30)],
    ),
    "the condition on the epoch": (
        lambda: patch.object(Rendezvous, "_put", write_anyway),
        "writes epoch",
        [LAUNCH, WHOLE, wait(30), {"do": "rotate"}],
        [
            {"do": "freeze", "unit": "steward", "where": "leader"},
            {"do": "zone partition", "zone": "leader"},
            wait(60),
            {"do": "thaw"},
            wait(20),
        ],
    ),
}
CALLS = range(1, 16)


@pytest.mark.parametrize("rule", STOPPED)
def test_stopped_before_any_of_its_calls_a_process_breaks_no_law_but_without_a_rule(rule: str) -> None:
    taken, law, before, after = STOPPED[rule]
    unit, where = after[0]["unit"], after[0]["where"]
    broken = []
    for calls in CALLS:
        step = {"do": "step", "unit": unit, "where": where, "calls": calls}
        events = [*before, step, *after]
        replay({"layout": (2, 2, 1)}, events)
        with taken():
            try:
                replay({"layout": (2, 2, 1)}, events, healed=False)
            except Violation as violation:
                broken.append(str(violation))
    assert any(re.search(law, text) for text in broken), broken
