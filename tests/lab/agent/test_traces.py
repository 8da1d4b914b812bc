"""Runs that the model holds (tests/unit/agent/traces), replayed on real engines."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from docker.api.client import APIClient
from docker.errors import DockerException

from quorate.lab.hosts.inventory import HostState
from quorate.swarm.engine import Engine

from .cluster import Cluster, Meanwhile, Watch, until

TRACES = sorted((Path(__file__).parents[2] / "unit/agent/traces").glob("*.json"))
ZONES = ("use1-az1", "use1-az2", "use1-az4")
FAULTS = {
    "error": {"kind": "error"},
    "empty": {"kind": "empty"},
    "timeout": {"kind": "latency", "seconds": 15},
}


def for_the_lab() -> list[Path]:
    return [path for path in TRACES if json.loads(path.read_text())["lab"]]


@dataclass
class Replay:
    """One trace on one lab. Its zones are the lab's own, in order."""

    cluster: Cluster
    waiting: list[tuple[str, str]] = field(default_factory=list)
    killed: set[tuple[str, str, str]] = field(default_factory=set)

    def prepare(self, world: Mapping[str, Any]) -> None:
        made = self.cluster.made
        layout = world["layout"]
        made.spread = (*layout, *(0 for _ in range(len(made.zones) - len(layout))))
        made.survive = world.get("survive", "zone")
        made.pools = {"general": world["workers"]} if world["workers"] else {}
        made.write_plan()

    def do(self, event: Mapping[str, Any]) -> None:
        step = getattr(self, f"_{event['do'].replace(' ', '_')}")
        step(**{key: value for key, value in event.items() if key != "do"})

    def _zone(self, name: str) -> str:
        return self.cluster.made.zones[ZONES.index(name)] if name in ZONES else self._host(name).zone

    def _slot(self, name: str) -> str:
        for ours, theirs in zip(ZONES, self.cluster.made.zones, strict=False):
            name = name.replace(ours, f"<{theirs}>")
        return name.replace("<", "").replace(">", "")

    def _host(self, where: str) -> HostState:
        if where == "leader":
            return until(self.cluster.leading_host)
        if where == "worker":
            return next(host for host in self.cluster.lab.hosts() if host.role == "worker")
        group = f"quorate-hand-{self._slot(where)}"
        instances = self.cluster.made.instances(group)
        return next(host for host in self.cluster.lab.hosts() if host.instance_id in instances)

    # Events, named as in the files

    def _launch(self) -> None:
        self.cluster.made.launch()

    def _wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def _expect_whole(self) -> None:
        until(self.is_whole)

    def is_whole(self) -> bool:
        """Whole, and every instance in service: what was to end has ended."""
        made = self.cluster.made
        groups = [f"quorate-hand-{slot}" for slot, _ in made.slots()]
        states = [state for group in groups for state in made.instances(group).values()]
        return self.cluster.is_whole() and set(states) == {"InService"} and len(states) == len(groups)

    def token_is_published(self) -> bool:
        """Whether the parameter is the worker token of the swarm."""
        engine = Engine(self.cluster.leading_host().docker_host, timeout=3)
        return engine.swarm()[1] == self.cluster.made.token()

    def _kill_when(self, unit: str, says: str) -> None:
        self.waiting.append((unit, says))

    def _kill(self, unit: str, where: str) -> None:
        self.cluster.kill(self._host(where), unit)

    def _terminate(self, where: str) -> None:
        self.cluster.terminate(self._host(where).instance_id)

    def _end_in_order(self, where: str) -> None:
        self.cluster.made.aws("autoscaling").terminate_instance_in_auto_scaling_group(
            InstanceId=self._host(where).instance_id, ShouldDecrementDesiredCapacity=False
        )

    def _zone_down(self, zone: str) -> None:
        self.cluster.lab.switches.zone_down(self._zone(zone))

    def _zone_partition(self, zone: str, aws: bool) -> None:
        assert not aws, "the lab cuts a zone off from AWS, too"
        self.cluster.lab.switches.zone_cut(self._zone(zone))

    def _zones_up(self) -> None:
        for zone in self.cluster.made.zones:
            self.cluster.lab.switches.zone_up(zone)

    def _fault(self, service: str, kind: str) -> None:
        self.cluster.fault(action="*" if service == "*" else f"{service}:*", **FAULTS[kind])

    def _well(self) -> None:
        self.cluster.well()

    def _rotate(self) -> None:
        """By whichever manager has a leader that can commit it."""

        def rotated() -> bool:
            for host in self.cluster.managers():
                try:
                    api = APIClient(base_url=host.docker_host, version="auto", timeout=3)
                    swarm = api.inspect_swarm()
                    version, spec = swarm["Version"]["Index"], swarm["Spec"]
                    api.update_swarm(version, swarm_spec=spec, rotate_worker_token=True)
                except (DockerException, OSError):
                    continue
                return True
            return False

        until(rotated)

    # Kills that wait for a word

    def reap(self) -> None:
        for host in self.cluster.managers() if self.waiting else ():
            self._strike(host)

    def _strike(self, host: HostState) -> None:
        for unit, says in self.waiting:
            kill = (host.instance_id, unit, says)
            if kill in self.killed or says not in self.cluster.log(host.instance_id, unit):
                continue
            if self.cluster.kill(host, unit):
                self.killed.add(kill)


@pytest.mark.parametrize("path", for_the_lab(), ids=lambda path: path.stem)
def test_a_run_of_the_model_ends_whole_on_real_engines_too(cluster: Cluster, path: Path) -> None:
    """Given a trace, when its events befall a real cluster, one swarm stands whole and kept its quorum."""
    trace = json.loads(path.read_text())
    replay = Replay(cluster)
    replay.prepare(trace["world"])
    with Watch(cluster) as watch, Meanwhile(replay.reap, 0.02):
        for event in trace["events"]:
            replay.do(event)
        until(replay.token_is_published)
    cut_off = any(event["do"] == "zone partition" for event in trace["events"])
    assert cut_off or watch.lost_quorum == []  # a zone that is cut off sees too few, and says so
    assert len(cluster.cluster_ids()) == 1
    assert "Traceback" not in cluster.said("join") + cluster.said("steward")
    kills = any(event["do"] == "kill when" for event in trace["events"])
    assert kills == bool(replay.killed)
