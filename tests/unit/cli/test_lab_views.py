"""The status tree and the progress of steps, as text."""

from __future__ import annotations

import io
import re

import pytest

from quorate.cli import tree
from quorate.cli.progress import Steps
from quorate.lab.status import Status
from quorate.lab.truth import Asked
from quorate.swarm.snapshot import Node, Plan


def node(
    number: int, zone: str, leader: bool = False, manages: bool = True, reachability="reachable"
) -> Node:
    return Node(
        id=f"n{number}",
        address=f"10.120.{number}.250",
        role="manager" if manages else "worker",
        labels={"quorate.zone": zone},
        reachability=reachability if manages else None,
        leader=leader,
        hostname=f"ip-10-120-{number}-250",
    )


def shown(*nodes: Node, trouble: tuple[str, ...] = ()) -> str:
    plan = Plan("quorate-lab", "zone", ("euc1-az1",), (), (), "l", "t", "p", None)
    stream = io.StringIO()
    tree.show(Status(Asked(plan, 0), (), nodes, ("id",), trouble), stream)
    return stream.getvalue()


def test_the_tree_shows_zones_nodes_and_what_may_fail_in_80_columns():
    text = shown(
        node(1, "euc1-az1", leader=True),
        node(2, "euc1-az2"),
        node(3, "euc1-az3"),
        node(4, "euc1-az3", manages=False),
    )

    assert text.splitlines() == [
        "quorate-lab  healthy  3 managers 1-1-1, 1 worker",
        "├── euc1-az1",
        "│   └── ip-10-120-1-250   manager  leader        10.120.1.250",
        "├── euc1-az2",
        "│   └── ip-10-120-2-250   manager  reachable     10.120.2.250",
        "└── euc1-az3",
        "    ├── ip-10-120-3-250   manager  reachable     10.120.3.250",
        "    └── ip-10-120-4-250   worker   ready         10.120.4.250",
        "may fail: any one zone / 1 node",
    ]


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([node(1, "a", leader=True)], "no manager: one more lost takes the quorum"),
        (
            [node(1, "a", leader=True), node(2, "a"), node(3, "b", reachability="unreachable")],
            "no manager: one more lost takes the quorum",
        ),
        ([node(1, "a"), node(2, "b", reachability="unreachable")], "there is no quorum to lose"),
        ([node(n, f"z{n}", leader=n == 1) for n in range(1, 6)], "any two zones / 2 nodes"),
    ],
)
def test_what_may_fail_is_counted_from_what_is_reachable_now(nodes, said):
    assert f"may fail: {said}" in shown(*nodes)


def test_trouble_is_said_below_the_tree():
    assert "not well: no leader" in shown(trouble=("no leader",))


def test_steps_elsewhere_than_on_a_terminal_are_plain_lines_with_times():
    stream = io.StringIO()
    with Steps(stream) as steps:
        steps.begin("local cloud")
        steps.tell("AWS on 127.0.0.1:4615")
        steps.note("a note")
        steps.done()
        steps.begin("joined")

    note, line = stream.getvalue().splitlines()
    assert note == "a note"
    assert re.fullmatch(r"  local cloud +\d+\.\d s  AWS on 127\.0\.0\.1:4615", line)


def test_a_step_that_fails_is_marked():
    stream = io.StringIO()
    with pytest.raises(ValueError, match="no"), Steps(stream) as steps:
        steps.begin("joined")
        steps.tell("7 of 8")
        raise ValueError("no")

    assert re.fullmatch(r"x joined +\d+\.\d s  7 of 8\n", stream.getvalue())


def test_steps_on_a_terminal_show_marks_and_times():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with Steps(stream) as steps:
        steps.begin("local cloud")
        steps.done()
        steps.begin("engines")
        steps.tell("3 of 8")
        steps.done()

    assert stream.getvalue().count("✓") >= 2
    assert "local cloud" in stream.getvalue() and "3 of 8" in stream.getvalue()
