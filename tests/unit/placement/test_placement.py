"""Where Swarm would put the tasks of a lost zone."""

from __future__ import annotations

import pytest

from quorate.placement import Node, Service, Task, without_zone
from quorate.placement.filters import refusal, satisfies

GIB = 2**30
CPU = 10**9


def node(name, zone, **settings):
    given = {"cpus": 2 * CPU, "memory": 2 * GIB, "labels": {"quorate.zone": zone}, **settings}
    return Node(id=name, hostname=name, zone=zone, **given)


NODES = [node("a1", "a"), node("b1", "b"), node("c1", "c")]


def spread_out(service, count):
    return [Task(service, NODES[i % 3].id) for i in range(count)]


def test_tasks_of_the_lost_zone_find_room_on_the_rest():
    web = Service("s", "web", 6, cpus=CPU // 4)
    (fate,) = without_zone(NODES, [web], spread_out("s", 6), "a")
    assert fate.fits
    assert fate.placed == 6


def test_reservations_that_do_not_fit_leave_tasks_waiting_with_the_reason():
    big = Service("s", "big", 3, memory=GIB + GIB // 2)
    (fate,) = without_zone(NODES, [big], spread_out("s", 3), "a")
    assert (fate.wanted, fate.placed) == (3, 2)
    assert fate.reasons == (("less than 1536 MiB unreserved", 2),)


def test_a_constraint_to_the_lost_zone_leaves_tasks_waiting():
    pinned = Service("s", "pinned", 1, constraints=("node.labels.quorate.zone == a",))
    (fate,) = without_zone(NODES, [pinned], [Task("s", "a1")], "a")
    assert not fate.fits
    assert fate.reasons == (("constraint node.labels.quorate.zone == a", 2),)


def test_a_host_port_is_taken_once_per_node():
    edge = Service("s", "edge", 3, host_ports=frozenset({("tcp", 443)}))
    (fate,) = without_zone(NODES, [edge], spread_out("s", 3), "a")
    assert fate.placed == 2
    assert fate.reasons == (("host port 443/tcp is taken", 2),)


def test_replicas_per_node_are_bounded():
    bounded = Service("s", "bounded", 3, max_per_node=1)
    (fate,) = without_zone(NODES, [bounded], spread_out("s", 3), "a")
    assert fate.reasons == (("already 1 of at most 1 per node", 2),)


def test_drained_and_down_nodes_take_nothing():
    nodes = [node("a1", "a"), node("b1", "b", active=False), node("c1", "c", ready=False)]
    (fate,) = without_zone(nodes, [Service("s", "web", 1)], [Task("s", "a1")], "a")
    assert fate.reasons == (("not active", 2),)


def test_a_global_service_asks_for_nothing_on_nodes_that_are_gone():
    (fate,) = without_zone(NODES, [Service("s", "agent", None)], spread_out("s", 3), "a")
    assert fate.fits
    assert fate.wanted == 2


def test_tasks_elsewhere_stay_and_the_emptiest_node_takes_the_next():
    one, other = Service("1", "one", 2), Service("2", "two", 2)
    tasks = [Task("1", "a1"), Task("1", "b1"), Task("2", "b1"), Task("2", "a1")]
    assert all(fate.fits for fate in without_zone(NODES, [one, other], tasks, "a"))


def test_two_services_share_what_is_left():
    services = [Service("1", "one", 2, cpus=CPU), Service("2", "two", 4, cpus=CPU)]
    tasks = [
        Task("1", "a1"),
        Task("1", "b1"),
        Task("2", "a1"),
        Task("2", "b1"),
        Task("2", "c1"),
        Task("2", "c1"),
    ]
    one, two = without_zone(NODES, services, tasks, "a")
    # b1 and c1 were full with what they kept
    assert (one.placed, two.placed) == (1, 3)


@pytest.mark.parametrize(
    ("constraint", "met"),
    [
        ("node.role == manager", False),
        ("node.role!=manager", True),
        ("node.hostname==A1", True),
        ("node.labels.disk==ssd", False),
        ("node.labels.disk!=ssd", True),
        ("node.labels.quorate.zone==a", True),
        ("engine.labels.gpu==yes", True),
        ("node.platform.arch==x86_64", True),
        ("node.platform.arch==amd64", False),
        ("node.ip==10.0.0.0/8", True),
        ("node.ip!=10.0.0.5", False),
        ("node.colour==red", False),
        ("nonsense", False),
    ],
)
def test_constraints_are_read_as_swarm_reads_them(constraint, met):
    here = node("a1", "a", address="10.0.0.5", engine_labels={"gpu": "yes"})
    assert satisfies(here, constraint) is met


def test_a_platform_must_match_one_of_the_services():
    arm = Service("s", "arm", 1, platforms=(("linux", "arm64"),))
    both = Service("s", "both", 1, platforms=(("linux", "arm64"), ("linux", "amd64")))
    assert refusal(NODES[0], arm, ((), {})) == "platform linux/x86_64"
    assert refusal(NODES[0], both, ((), {})) is None
