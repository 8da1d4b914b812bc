"""`quorum-layout live`, `gate --node`, `move --verify` on real engines joined by the docker CLI."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ZONES = ("use1-az1", "use1-az2", "use1-az4")


@pytest.fixture
def swarm(ground):
    """Three managers in three zones and a labelled worker in the first; the planner asks the first."""
    hosts = [ground.host(1, 0), ground.host(2, 1), ground.host(3, 2), ground.host(4, 0)]
    for host in hosts:
        ground.started(host)
    for host in hosts:
        ground.engine(host)
    addresses = [str(host.spec.plug.address) for host in hosts]
    ground.docker(hosts[0], "swarm", "init", "--advertise-addr", addresses[0])
    for role, joining in (("manager", (1, 2)), ("worker", (3,))):
        token = ground.docker(hosts[0], "swarm", "join-token", "-q", role)
        for number in joining:
            ground.docker(
                hosts[number],
                "swarm",
                "join",
                "--advertise-addr",
                addresses[number],
                "--token",
                token,
                f"{addresses[0]}:2377",
            )
    for number, zone in ((0, 0), (1, 1), (2, 2), (3, 0)):
        node = ground.docker(hosts[number], "info", "--format", "{{.Swarm.NodeID}}")
        ground.docker(hosts[0], "node", "update", "--label-add", f"quorate.zone={ZONES[zone]}", node)
    return hosts


def ask(host, *words):
    environment = {**os.environ, "DOCKER_HOST": f"unix://{host.socket}"}
    return subprocess.run(
        [ROOT / "scripts/quorum-layout", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )


def zones():
    return [word for zone in ZONES for word in ("--zone", zone)]


def test_a_living_swarm_is_judged_followed_and_asked_what_may_still_fail(ground, swarm, eventually, tmp_path):
    first, second, _, worker = swarm

    # whole: the goal holds, and nothing differs from the plan
    eventually(lambda: ask(first, "live").returncode == 0)
    found = json.loads(ask(first, "live", "--layout", "1,1,1", *zones(), "--json").stdout)
    assert found["schema"] == 1
    assert (found["zones"], found["layout"], found["reachable"]) == (list(ZONES), [1, 1, 1], [1, 1, 1])
    assert found["tolerates"] == {"nodes": 1, "zones": 1, "zone_plus_nodes": 0}
    assert (found["meets_goal"], found["differences"]) == (True, [])
    planned = ask(first, "live", "--layout", "2,1,1", *zones())
    assert "zone use1-az1 has 1, planned 2" in planned.stdout

    # services: what is pinned to the lost zone waits, what is not fits
    ground.docker(
        first,
        "service",
        "create",
        "--detach",
        "--no-resolve-image",
        "--name",
        "pinned",
        "--replicas",
        "2",
        "--constraint",
        "node.labels.quorate.zone==use1-az1",
        "nowhere/none",
    )
    ground.docker(
        first,
        "service",
        "create",
        "--detach",
        "--no-resolve-image",
        "--name",
        "roams",
        "--replicas",
        "2",
        "nowhere/none",
    )
    away = ask(first, "live", "--zone-lost", "use1-az1", "--json")
    assert away.stdout, away.stderr
    fates = {fate["service"]: fate for fate in json.loads(away.stdout)["services"]}
    assert (fates["pinned"]["waiting"], fates["roams"]["waiting"]) == (2, 0)
    assert away.returncode == 1
    assert "services that would not fit: pinned" in away.stderr
    assert ask(first, "live", "--zone-lost", "use1-az9").returncode == 2

    # a plan is followed: the first step may go, the swarm is not yet at the second
    plan = tmp_path / "move.json"
    ask(first, "move", "1,1,1", "2,2,1", *zones(), "--spare-zone", "--out", str(plan))
    step = json.loads(ask(first, "move", "--verify", str(plan), "--json").stdout)
    assert (step["allowed"], step["done"], step["next"]["slot"]) == (True, 0, "manager-spare-1")
    ahead = ask(first, "move", "--verify", str(plan), "--step", "2")
    assert ahead.returncode == 1
    assert "before step 2 the plan has 1,1,1,1, the swarm has 1,1,1,0" in ahead.stderr

    # a worker cannot list nodes, and says so
    assert "the engine is a worker" in ask(worker, "live").stderr

    # one zone away for real
    name = ground.docker(second, "info", "--format", "{{.Name}}")
    second.power_off()
    eventually(lambda: ask(first, "live").returncode == 1)
    found = json.loads(ask(first, "live", "--json").stdout)
    assert found["reachable"] == [1, 0, 1]
    assert found["tolerates"] == {"nodes": 0, "zones": 0, "zone_plus_nodes": 0}
    assert found["unreachable"] == [name]
    assert found["failures"][0]["fatal"] is True
    assert "1 of 3 managers do not answer" in ask(first, "move", "--verify", str(plan)).stderr
    # Swarm's rule lets the dead one go and no other
    assert ask(first, "gate", "--node", name).returncode == 0
    other = ground.docker(first, "info", "--format", "{{.Name}}")
    assert ask(first, "gate", "--node", other).returncode == 1

    # the majority away
    swarm[2].power_off()
    eventually(lambda: "did not answer" in (said := ask(first, "live").stderr) or "leader" in said)
