"""Anything that may befall a cluster, in any order; the witness looks on, and in the end all is well."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from .cloud import ZONES
from .traces import heal, new_world
from .world import World

LAYOUTS = ((2, 2, 1), (1, 1, 1), (3,), (1,))
ANYWHERE = ("leader", "owner", "worker", *(f"manager-{zone}-{n}" for zone in ZONES for n in (1, 2, 3)))
SKEWS = st.sampled_from([(0.0,), (0.0, 3600.0, -3600.0), (3600.0, 0.0), (-3600.0, 0.0, 0.0)])
SERVICES = st.sampled_from(["*", "dynamodb", "ec2", "autoscaling", "ssm"])
KINDS = st.sampled_from(["error", "timeout", "lost", "empty"])
UNITS = st.sampled_from(["join", "steward"])
PAUSES = st.sampled_from([15.0, 1.0, 2.5, 6.0, 60.0, 0.3, 130.0, 320.0])
THEN = st.sampled_from([2.5, 0.0, 0.5, 12.0, 25.0, 150.0])
BIRTHS = st.sampled_from(["whole", "whole", "fresh", "without a parameter", "answers are lost"])
WORDS = (
    ("join", "claimed the cluster's only init"),
    ("join", "swarm made"),
    ("join", "is ready to be joined"),
    ("join", "joined swarm"),
    ("steward", "leads"),
    ("steward", "promote"),
    ("steward", "demote"),
)


class Life(RuleBasedStateMachine):
    """Every rule is one event of the world, so that a run is a trace."""

    world: World

    def do(self, **event: Any) -> None:
        self.world.do(**event)

    @initialize(
        layout=st.sampled_from(LAYOUTS),
        workers=st.integers(0, 2),
        skews=SKEWS,
        reuse=st.booleans(),
        linger=st.booleans(),
        blind=st.booleans(),
        birth=BIRTHS,
    )
    def begin(self, layout: tuple[int, ...], birth: str, **more: Any) -> None:
        self.kind = {"layout": layout, "survive": "zone" if len(layout) > 1 else "none", **more}
        self.world = new_world(self.kind)
        if birth == "without a parameter":
            self.do(do="fault", service="ssm", kind="error")
        if birth == "answers are lost":
            self.do(do="fault", service="dynamodb", kind="lost")
        self.do(do="launch")
        self.do(**({"do": "expect whole"} if birth == "whole" else {"do": "wait", "seconds": 2.5}))

    def _where(self, data: st.DataObject) -> str:
        here = [one for one in ANYWHERE if self.world.in_slot(one) is not None]
        return data.draw(st.sampled_from(here or ["leader"]), label="where")

    def _then(self, seconds: float) -> None:
        if seconds:
            self.do(do="wait", seconds=seconds)

    @rule(seconds=PAUSES)
    def time_passes(self, seconds: float) -> None:
        self.do(do="wait", seconds=seconds)

    @rule(data=st.data(), unit=UNITS, calls=st.integers(0, 12), freeze=st.booleans())
    def a_process_runs_up_to_some_call(
        self, data: st.DataObject, unit: str, calls: int, freeze: bool
    ) -> None:
        where = self._where(data)
        self.do(do="step", unit=unit, where=where, calls=calls)
        if freeze:
            self.do(do="freeze", unit=unit, where=where)

    @rule()
    def all_go_on(self) -> None:
        self.do(do="thaw")

    @rule(data=st.data(), unit=UNITS, then=THEN)
    def a_process_is_killed(self, data: st.DataObject, unit: str, then: float) -> None:
        self.do(do="kill", unit=unit, where=self._where(data))
        self._then(then)

    @rule(word=st.sampled_from(WORDS))
    def a_process_is_killed_after_a_step(self, word: tuple[str, str]) -> None:
        self.do(do="kill when", unit=word[0], says=word[1])

    @rule(data=st.data(), then=THEN, even_the_last=st.sampled_from([False] * 20 + [True]))
    def an_instance_is_terminated(self, data: st.DataObject, then: float, even_the_last: bool) -> None:
        where = self._where(data)
        if even_the_last or not self._is_needed(where):
            self.do(do="terminate", where=where)
            self._then(then)

    @rule(then=THEN)
    def the_leader_is_terminated(self, then: float) -> None:
        if not self._is_needed("leader"):
            self.do(do="terminate", where="leader")
            self._then(then)

    @precondition(lambda self: self.world.cluster() is None)
    @rule(then=THEN)
    def the_owner_of_the_claim_is_terminated(self, then: float) -> None:
        self.do(do="terminate", where="owner")
        self._then(then)

    def _is_needed(self, where: str) -> bool:
        """Whether the quorum would be gone for good."""
        host, swarm = self.world.in_slot(where), self.world.cluster()
        if host is None or swarm is None:
            return False
        there = [
            n
            for n in swarm.members()
            if self.world.host_of(n)
            and not self.world.cloud.instances[n.instance].ended
            and n.instance != host.instance
        ]
        return len(there) < swarm.majority

    @rule(data=st.data(), then=THEN)
    def a_group_ends_an_instance(self, data: st.DataObject, then: float) -> None:
        self.do(do="end in order", where=self._where(data))
        self._then(then)

    @rule(zone=st.sampled_from(ZONES), then=THEN)
    def a_zone_goes_down(self, zone: str, then: float) -> None:
        self.do(do="zone down", zone=zone)
        self._then(then)

    @rule(zone=st.sampled_from(ZONES), aws=st.booleans(), then=THEN)
    def a_zone_is_cut_off(self, zone: str, aws: bool, then: float) -> None:
        self.do(do="zone partition", zone=zone, aws=aws)
        self._then(then)

    @rule(then=THEN)
    def the_zone_of_the_leader_is_cut_off(self, then: float) -> None:
        host = self.world.in_slot("leader")
        if host is not None:
            self.do(do="zone partition", zone=host.zone)
            self._then(then)

    @precondition(lambda self: self.world.down or self.world.cut)
    @rule(data=st.data())
    def a_zone_comes_back(self, data: st.DataObject) -> None:
        zones = sorted({*self.world.down, *self.world.cut})
        self.do(do="zone up", zone=data.draw(st.sampled_from(zones)))

    @precondition(lambda self: self.world.down or self.world.cut)
    @rule(seconds=PAUSES)
    def all_zones_come_back(self, seconds: float) -> None:
        for zone in sorted({*self.world.down, *self.world.cut}):
            self.do(do="zone up", zone=zone)
        self.do(do="wait", seconds=seconds)

    @rule(data=st.data(), then=THEN)
    def a_host_stops(self, data: st.DataObject, then: float) -> None:
        self.do(do="host stop", where=self._where(data))
        self._then(then)

    @rule()
    def stopped_hosts_start(self) -> None:
        self.do(do="hosts start")

    @rule(data=st.data(), service=SERVICES, kind=KINDS, everywhere=st.booleans(), then=THEN)
    def aws_goes_wrong(
        self, data: st.DataObject, service: str, kind: str, everywhere: bool, then: float
    ) -> None:
        where = {} if everywhere else {"where": self._where(data)}
        self.do(do="fault", service=service, kind=kind, **where)
        self._then(then)

    @precondition(lambda self: self.world.faults)
    @rule(seconds=PAUSES)
    def aws_is_well(self, seconds: float) -> None:
        self.do(do="well")
        self.do(do="wait", seconds=seconds)

    @rule(data=st.data())
    def an_engine_loses_an_answer(self, data: st.DataObject) -> None:
        self.do(do="lose answer", where=self._where(data))

    @precondition(lambda self: not self.world.swarms)
    @rule()
    def the_power_goes_in_the_middle_of_an_init(self) -> None:
        self.do(do="cut init")

    @rule()
    def ec2_forgets_the_dead(self) -> None:
        self.do(do="forget")

    @rule(workers=st.integers(0, 3), then=THEN)
    def a_pool_is_scaled(self, workers: int, then: float) -> None:
        if not self.world.destroyed:
            self.do(do="scale", workers=workers)
            self._then(then)

    @precondition(lambda self: len(self.world.zones) == 3)
    @rule(layout=st.sampled_from([(1, 1, 1), (2, 2, 1), (2, 1, 2), (3, 1, 1)]), then=THEN)
    def the_layout_changes(self, layout: tuple[int, ...], then: float) -> None:
        if not self.world.destroyed:
            self.do(do="plan", layout=layout)
            self._then(then)

    @rule(really=st.sampled_from([False] * 5 + [True]), then=THEN)
    def the_cluster_is_destroyed(self, really: bool, then: float) -> None:
        if really:
            self.do(do="destroy")
            self._then(then)

    @rule()
    def the_token_is_rotated(self) -> None:
        self.do(do="rotate")

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            if not self.world.broken:
                heal(self.world)
        finally:
            self.world.close()
