"""One decision of the steward over a swarm of a thousand nodes, against a bound of 50 ms.

PYTHONPATH=infra .venv/bin/python benchmarks/decide_thousand.py
"""

from __future__ import annotations

import sys
import time

from pairs import HEAD, Figure
from quorate.agent.steward.actions import Memory
from quorate.agent.steward.decide import decide
from quorate.swarm.snapshot import (
    Claim,
    Group,
    GroupInstance,
    Instance,
    Node,
    Plan,
    PlannedPool,
    PlannedSlot,
    Snapshot,
)

NODES, BOUND, RUNS = 1000, 0.050, 101
ZONES = ("use1-az1", "use1-az2", "use1-az4")
SPREAD = (2, 2, 1)


def swarm(nodes: int = NODES) -> Snapshot:
    """A whole cluster of five managers and workers, in which some worker of every kind of trouble stands.

    Every tenth worker is new and without labels, every fiftieth is down and terminated, every seventieth
    waits for its end, and one manager is down and terminated.
    """
    slots = tuple(
        PlannedSlot(f"manager-{zone}-{n}", zone, f"q-manager-{zone}-{n}")
        for zone, count in zip(ZONES, SPREAD, strict=True)
        for n in range(1, count + 1)
    )
    pool = PlannedPool("general", "q-worker-general", {"tier": "general"})
    listed: list[Node] = []
    groups: dict[str, list[GroupInstance]] = {slot.group: [] for slot in slots} | {pool.group: []}
    zones: dict[str, dict[str, Instance]] = {zone: {} for zone in ZONES}
    tasks: dict[str, int] = {}
    for number in range(nodes):
        slot = slots[number] if number < len(slots) else None
        zone = slot.zone if slot else ZONES[number % 3]
        instance, address = f"i-{number:04}", f"10.0.{number // 200}.{number % 200 + 4}"
        dead = number == 4 or (slot is None and number % 50 == 0)
        leaves = slot is None and number % 70 == 1
        new = slot is None and number % 10 == 3
        home = {"quorate.slot": slot.name} if slot else {"quorate.pool": "general", "tier": "general"}
        labels = {
            "quorate.instance": instance,
            "quorate.zone": zone,
            "quorate.role": "manager" if slot else "worker",
            **({"quorate.schedulable": "false"} if slot else {}),
            **home,
        }
        reach = ("unreachable" if dead else "reachable") if slot else None
        listed.append(
            Node(
                id=f"n-{number:04}",
                address=address,
                role="manager" if slot else "worker",
                state="down" if dead else "ready",
                availability="drain" if slot or new or leaves else "active",
                labels={} if new else labels,
                reachability=reach,
                leader=number == 0,
            )
        )
        zones[zone][instance] = Instance(
            instance, "terminated" if dead else "running", None if dead else address, zone
        )
        if not dead:
            state = "Terminating:Wait" if leaves else "InService"
            groups[slot.group if slot else pool.group].append(GroupInstance(instance, state, zone=zone))
        if leaves:
            tasks[f"n-{number:04}"] = 2
    return Snapshot(
        now=0.0,
        node_id="n-0000",
        instance_id="i-0000",
        cluster_id="cluster",
        nodes=tuple(listed),
        plan=Plan(
            cluster="q",
            survive="zone",
            zones=ZONES,
            slots=slots,
            pools=(pool,),
            launch_hook="quorate-launch",
            termination_hook="quorate-termination",
            token_parameter="/q/worker-token",
            token_key="key",
        ),
        groups={name: Group(name, max(1, len(there)), tuple(there)) for name, there in groups.items()},
        zones=zones,
        at_address={},
        tasks=tasks,
        claim=Claim("READY", cluster_id="cluster", addresses=()),
        claim_known=True,
        token_fresh=True,
    )


def one_decision(snapshot: Snapshot) -> float:
    """Seconds of one decide."""
    start = time.perf_counter()
    decision = decide(snapshot, Memory())
    end = time.perf_counter()
    assert decision.actions
    return end - start


def figures() -> list[Figure]:
    """One figure: each decide beside the 50 ms that it may take, so that the ratio may be 1 at most."""
    snapshot = swarm()
    times = tuple(one_decision(snapshot) for _ in range(RUNS))
    return [Figure(f"one decide over {NODES} nodes / {1000 * BOUND:.0f} ms", times, (BOUND,) * RUNS, 1)]


def main() -> int:
    print(HEAD)
    found = figures()
    for figure in found:
        print(figure.row())
        print(f"median {1000 * sorted(figure.ours)[RUNS // 2]:.1f} ms", file=sys.stderr)
    return 0 if all(figure.ratio <= figure.bound for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
