"""Security groups as packet filters: what no rule lets through is dropped, and named."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from .conftest import PATIENCE, Outsider, eventually

REACHED, DROPPED = 0, 124


def knock(five: Outsider, source: str, address: str, port: int) -> int:
    """What a TCP connect inside of a host ends with: 0 connected, 1 refused, 124 no answer at all."""
    words = f"timeout 4 bash -c '</dev/tcp/{address}/{port}'"
    return five.lab.exec(source, ["sh", "-c", words]).returncode


def knocks(five: Outsider, source: str, *doors: tuple[str, int]) -> list[int]:
    """The same for many, at once: each that is closed takes its whole wait."""
    with ThreadPoolExecutor(len(doors)) as pool:
        return list(pool.map(lambda door: knock(five, source, *door), doors))


def hosts(five: Outsider, role: str) -> list[Any]:
    return [host for host in five.lab.hosts() if host.role == role]


def test_a_worker_reaches_what_the_rules_open_and_nothing_else(five: Outsider):
    worker, other = hosts(five, "worker")[:2]
    manager = hosts(five, "manager")[0]
    neighbour = next(host for host in hosts(five, "manager") if host.zone == worker.zone)
    members = {manager.address, neighbour.address}
    opened = [(member, port) for member in members for port in (2377, 7946)]
    opened += [(other.address, 7946), ("169.254.171.1", 4615)]
    closed = [(member, port) for member in members for port in (22, 2375, 2376, 4789, 9323)]
    closed += [(other.address, 2377), ("169.254.171.1", 22)]  # 2377 is open on managers alone
    doors = opened + closed
    found = dict(zip(doors, knocks(five, worker.name, *doors), strict=True))
    assert found == {door: REACHED if door in opened else DROPPED for door in doors}
    assert knock(five, manager.name, worker.address, 2377) == DROPPED
    said = [line for line in five.lab.status().trouble if "denied: tcp 2377" in line]
    assert any(f"from {worker.name} to {other.name}" in line for line in said)
    assert any("no egress rule of quorate-lab-nodes" in line for line in said)


def test_a_host_that_sends_from_another_s_address_is_not_heard(five: Outsider):
    worker = hosts(five, "worker")[0]
    neighbour = next(host for host in hosts(five, "manager") if host.zone == worker.zone)
    free = f"{worker.address.rpartition('.')[0]}.200"
    five.lab.exec(worker.name, f"ip addr add {free}/32 dev eth0".split())
    try:
        script = (
            "import socket; s = socket.socket(); s.settimeout(3); "
            f"s.bind(({free!r}, 0)); s.connect(({neighbour.address!r}, 2377))"
        )
        tried = five.lab.exec(worker.name, ["python3", "-c", script])
    finally:
        five.lab.exec(worker.name, f"ip addr del {free}/32 dev eth0".split())
    assert "timed out" in tried.stderr.lower()
    assert any("not its sender's own address" in line for line in five.lab.status().trouble)


@pytest.mark.parametrize("side", ["egress", "ingress"])
def test_a_rule_that_is_removed_keeps_a_worker_out_and_is_named_until_it_is_back(five: Outsider, side: str):
    ec2 = five.aws("ec2")
    named = "quorate-lab-managers" if side == "ingress" else "quorate-lab-nodes"
    group = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [named]}])
    permissions = "IpPermissions" if side == "ingress" else "IpPermissionsEgress"
    (found,) = group["SecurityGroups"]
    rules = [rule for rule in found[permissions] if rule.get("FromPort") == 2377]
    assert len(rules) == 1, "the test would remove nothing, or too much"
    worker = hosts(five, "worker")[0]
    change = {"GroupId": found["GroupId"], "IpPermissions": rules}

    getattr(ec2, f"revoke_security_group_{side}")(**change)
    five.lab.switches.host_kill(worker.name)
    five.lab.switches.host_start(worker.name)
    try:
        wanted = [f"no {side} rule of {named}", f"denied: tcp 2377 from {worker.name}"]
        told = eventually(
            lambda: [line for line in five.lab.status().trouble if all(word in line for word in wanted)],
            PATIENCE,
        )
        assert "lets tcp 2377" in told[0]
        assert not five.lab.status().healthy
    finally:
        getattr(ec2, f"authorize_security_group_{side}")(**change)
    five.becomes_whole()
    assert five.lab.host(worker.name).instance_id == worker.instance_id
