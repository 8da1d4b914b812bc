"""Deleting in order, side by side; creating side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from quorate.lab.engine.order import delete_all, dependents
from quorate.lab.engine.state import Resource


def resource(name: str, *needs: str, parent: str = "") -> Resource:
    return Resource(urn=name, type="t", id=name, parent=parent, dependencies=needs)


def test_nothing_goes_before_what_stands_on_it() -> None:
    vpc = resource("vpc")
    chain = [vpc, resource("subnet", "vpc"), resource("group", "subnet"), resource("rule", "vpc")]
    gone: list[str] = []
    lock = threading.Lock()

    def delete(each: Resource) -> bool:
        with lock:
            standing = {other.urn for other in chain if each.urn in other.needs}
            assert standing <= set(gone)
            gone.append(each.urn)
        return True

    delete_all(chain, delete, lambda: False)
    assert sorted(gone) == ["group", "rule", "subnet", "vpc"]


def test_a_child_goes_before_its_parent() -> None:
    gone: list[str] = []
    parts = [resource("component"), resource("child", parent="component")]
    delete_all(parts, lambda each: gone.append(each.urn) is None, lambda: False)
    assert gone == ["child", "component"]


def test_those_that_stand_side_by_side_go_side_by_side() -> None:
    # Each waits for all the others: one after the other they would never end.
    together = threading.Barrier(7)

    def delete(each: Resource) -> bool:
        together.wait(timeout=60)
        return True

    delete_all([resource(f"slot-{n}") for n in range(7)], delete, lambda: False)


def test_what_a_failed_one_stands_on_stays_and_the_others_go() -> None:
    gone: list[str] = []

    def delete(each: Resource) -> bool:
        gone.append(each.urn)
        return each.urn != "stuck"

    delete_all([resource("vpc"), resource("stuck", "vpc"), resource("key")], delete, lambda: False)
    assert sorted(gone) == ["key", "stuck"]


def test_nothing_begins_after_a_halt() -> None:
    gone: list[str] = []
    delete_all(
        [resource("vpc"), resource("subnet", "vpc")],
        lambda each: gone.append(each.urn) is None,
        lambda: bool(gone),
    )
    assert gone == ["subnet"]


def test_an_old_one_of_the_same_name_goes_before_what_it_stands_on() -> None:
    old_vpc, old_subnet = resource("vpc"), resource("subnet", "vpc")
    gone: list[str] = []
    delete_all([old_vpc, old_subnet], lambda each: gone.append(each.urn) is None, lambda: False)
    assert gone == ["subnet", "vpc"]


def test_dependents_are_found_through_others() -> None:
    parts = [resource("a"), resource("b", "a"), resource("c", "b"), resource("d")]
    assert [each.urn for each in dependents(parts, "a")] == ["b", "c"]


def test_resources_that_do_not_wait_for_each_other_are_made_side_by_side(
    written: Callable[[str], Any], boto: Callable[[str], Any]
) -> None:
    stack = written("\n".join(f'aws.ec2.Eip("ip-{n}", domain="vpc")' for n in range(8)))
    stack.up()
    stages = [each.stage.value for each in stack.events if each.custom]
    # Had they come one after the other, each would have ended before the next began.
    assert stages != ["begun", "done"] * 8
    assert len(boto("ec2").describe_addresses()["Addresses"]) == 8
