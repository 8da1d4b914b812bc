"""One hostile boot of five managers, drawn from a seed, and what must hold whatever befell it."""

from __future__ import annotations

import random
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from quorate.errors import QuorateError
from quorate.lab.hosts.inventory import HostState

from .cluster import Cluster, Meanwhile, Watch, until
from .handmade import CLUSTER

PATIENCE = 300.0
LOOK = 0.05
STEPS = {
    "join": ("waiting for", "trying again", "joined swarm", "launch hook"),
    "steward": ("started on", "following"),
}
ONES_STEPS = {
    "join": ("claimed the cluster's only init", "swarm made", "is ready to be joined"),
    "steward": (" leads", "begins", "label", "promote", "publish addresses"),
}
"""What an agent says as soon as it has begun or done a step: the kill comes then, or a little later. STEPS
are said on every manager, ONES_STEPS by one at a time."""

READS = ("dynamodb:GetItem", "ssm:GetParameter", "ec2:Describe*", "autoscaling:Describe*")
WRITES = ("dynamodb:PutItem", "ssm:PutParameter")
SERVICES = ("*", "dynamodb:*", "ssm:*", "ec2:*", "autoscaling:*")
SWARM_IS_MADE = "swarm made"
SWARM_NAMED = re.compile(r"swarm (\w+) is ready to be joined|(?:joined|back in) swarm (\w+)")


@dataclass(frozen=True)
class Kill:
    """kill -9 of a unit on the manager in `slot` (a number; None: whoever says it) `after` seconds, counted
    from when it has said `says`; from the launch where that is empty."""

    unit: str
    slot: int | None
    says: str
    after: float


@dataclass(frozen=True)
class Trouble:
    """AWS goes wrong in this way from `start` to `end`, seconds after the launch."""

    start: float
    end: float
    fault: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Fate:
    """All that is going to befall one boot; the same for the same seed.

    `owner` is what befalls the claim's owner between its claim and READY, before or after it has `made` the
    swarm: `join` is killed, its host loses its `power` and boots again, or its instance is told to `end`.
    """

    seed: int
    owner: str
    made: bool
    kills: tuple[Kill, ...]
    troubles: tuple[Trouble, ...]

    def __str__(self) -> str:
        step = "it has made the swarm" if self.made else "its claim"
        lines = [f"seed {self.seed}: the owner's {self.owner} ends after {step}"]
        lines += [f"  {kill}" for kill in self.kills]
        lines += [
            f"  {one.start:.1f}-{one.end:.1f} s " + " ".join(f"{k}={v}" for k, v in one.fault)
            for one in self.troubles
        ]
        return "\n".join(lines)


def fate(seed: int) -> Fate:
    draw = random.Random(seed)
    kills = []
    for unit, everyones in STEPS.items():
        for _ in range(draw.randint(1, 4)):
            says = draw.choice(("", *everyones, *ONES_STEPS[unit]))
            slot = None if says in ONES_STEPS[unit] else draw.randrange(5)
            after = draw.choice((0.0, draw.uniform(0, 0.8))) if says else draw.uniform(1, 9)
            kills.append(Kill(unit, slot, says, round(after, 2)))
    return Fate(
        seed,
        owner=draw.choice(("join", "power", "end")),
        made=draw.choice((False, True)),
        kills=tuple(kills),
        troubles=tuple(_trouble(draw) for _ in range(draw.randint(1, 3))),
    )


def _trouble(draw: random.Random) -> Trouble:
    start = draw.uniform(0, 5)
    kind = draw.choice(("error", "throttle", "latency", "empty", "cut"))
    # An empty answer to a call that has none by its nature would be a lie that nobody can see.
    action = draw.choice((*READS, *WRITES) if kind == "empty" else (*SERVICES, *READS, *WRITES))
    fault: dict[str, Any] = {"kind": kind, "action": action, "probability": draw.choice((0.3, 0.7, 1.0))}
    if kind == "latency":
        fault["seconds"] = draw.choice((0.3, 1.5, 6.0))  # an agent waits for five
    return Trouble(round(start, 1), round(start + draw.uniform(1, 4), 1), tuple(fault.items()))


@dataclass
class Boots:
    """Boot after boot on one lab; between them everything is ended and forgotten."""

    cluster: Cluster
    events: list[str] = field(default_factory=list)
    _began: float = 0.0

    def prepare(self) -> None:
        self.cluster.made.pools.clear()
        self.cluster.made.write_plan()

    # One boot

    def run(self, seed: int) -> float:
        """Its seconds, after the reset; AssertionError, with all there is to see why, if it does not hold."""
        began = time.monotonic()
        self.reset()
        self.events, self._began = [], time.monotonic()
        self._say(f"reset in {self._began - began:.1f} s")
        try:
            self._boot(fate(seed))
        except AssertionError as broken:
            raise AssertionError(f"{broken}\n{self.account(seed)}") from None
        return time.monotonic() - self._began

    def _boot(self, doom: Fate) -> None:
        cluster = self.cluster
        hold = cluster.fault("error", action="ssm:PutParameter")  # no READY until the owner was struck
        with Watch(cluster) as watch, self._befalling(doom, hold) as strikes:
            cluster.made.launch()
            self._say("launched")
            until(lambda: strikes.goes_on() and self.is_whole(), PATIENCE)
            self._say("whole")
        cluster.well()
        assert watch.lost_quorum == [], watch.lost_quorum
        claim = cluster.made.item("claim") or {}
        ids = cluster.cluster_ids() | {a or b for a, b in SWARM_NAMED.findall(cluster.said("join"))}
        assert ids == {claim["cluster_id"]["S"]}, ids
        assert len(cluster.nodes()) == 5
        said = cluster.said("join") + cluster.said("steward")
        for word in ("Traceback", "join: failed: ", "SWMTKN"):
            assert word not in said, f"an agent said {word!r}"
        assert any("owner" in event for event in self.events), "the claim's owner was never struck"

    def is_whole(self) -> bool:
        """Five members as planned, every instance in service, and the claim names all of them."""
        made = self.cluster.made
        if not self.cluster.is_whole():
            return False
        states = [s for slot, _ in made.slots() for s in made.instances(f"{CLUSTER}-{slot}").values()]
        named = {one["S"] for one in (made.item("claim") or {}).get("addresses", {}).get("L", [])}
        members = {f"{node.address}:2377" for node in self.cluster.members()}
        return states == ["InService"] * 5 and named == members

    # What befalls it

    def _befalling(self, doom: Fate, hold: int) -> Meanwhile:
        blows: list[Callable[[], bool]] = [
            *(self._killing(kill) for kill in doom.kills),
            *(self._troubling(trouble) for trouble in doom.troubles),
            self._striking_the_owner(doom, hold),
        ]

        def strike() -> None:
            blows[:] = [blow for blow in blows if not blow()]

        return Meanwhile(strike, LOOK)

    def _killing(self, kill: Kill) -> Callable[[], bool]:
        """Whether it is done; to be asked again until then."""
        due = None if kill.says else self._began + kill.after
        victim: HostState | None = None

        def blow() -> bool:
            nonlocal due, victim
            if due is None:
                victim = next(filter(self._has_said(kill), self._in(kill.slot)), None)
                due = time.monotonic() + kill.after if victim is not None else None
            if due is None or time.monotonic() < due:
                return False
            hosts = self._in(kill.slot) if victim is None else [victim]
            if not any(self.cluster.kill(host, kill.unit) for host in hosts):
                return victim is not None and kill.unit == "join"  # it has ended by itself
            self._say(f"kill -9 {kill.unit} on {hosts[0].name}, after {kill.says or 'a while'!r}")
            return True

        return blow

    def _troubling(self, trouble: Trouble) -> Callable[[], bool]:
        number: int | None = None

        def blow() -> bool:
            nonlocal number
            now = time.monotonic() - self._began
            if number is None and now >= trouble.start:
                number = self.cluster.fault(**dict(trouble.fault))
                self._say(f"AWS: {dict(trouble.fault)}")
            if number is None or now < trouble.end:
                return False
            self.cluster.end_fault(number)
            self._say(f"AWS: well again, {dict(trouble.fault)}")
            return True

        return blow

    def _striking_the_owner(self, doom: Fate, hold: int) -> Callable[[], bool]:
        struck = False

        def blow() -> bool:
            nonlocal struck
            claim = self.cluster.made.item("claim")
            if claim is None or claim["state"]["S"] != "CREATING":
                return False
            owner = claim["owner"]["S"]
            if not struck:
                said = self.cluster.log(owner, "join")
                due = not doom.made or SWARM_IS_MADE in said
                struck = due and self._strike(doom.owner, owner)
                return False
            if doom.owner == "end" and owner in {host.instance_id for host in self.cluster.lab.hosts()}:
                return False
            if doom.owner == "end":
                self._age(claim)
            self.cluster.end_fault(hold)
            self._say("READY may be written")
            return True

        return blow

    def _strike(self, how: str, owner: str) -> bool:
        host = self.cluster.lab.host(owner)
        if how == "join" and not self.cluster.kill(host, "join"):
            return False
        if how == "power":
            self.cluster.lab.switches.host_kill(owner)
            self.cluster.lab.switches.host_start(owner)
        if how == "end":
            self.cluster.terminate(owner)
        self._say(f"the owner, {host.name}: its {how} ends")
        return True

    def _age(self, claim: dict[str, Any]) -> None:
        """As if its two minutes were over, unless another has it already."""
        table = self.cluster.made.aws("dynamodb")
        with suppress(table.exceptions.ConditionalCheckFailedException):
            table.put_item(
                TableName=CLUSTER,
                Item=claim | {"expiry": {"N": "1"}},
                ConditionExpression="nonce = :nonce",
                ExpressionAttributeValues={":nonce": claim["nonce"]},
            )

    def _has_said(self, kill: Kill) -> Callable[[HostState], bool]:
        return lambda host: kill.says in self.cluster.log(host.instance_id, kill.unit)

    def _in(self, slot: int | None) -> list[HostState]:
        """The newest host that a slot's group lists, if there is one; None: every manager."""
        managers = self.cluster.managers()
        if slot is None:
            return managers
        name, zone = self.cluster.made.slots()[slot]
        there = [host for host in managers if host.zone == zone]
        newest = list(self.cluster.made.instances(f"{CLUSTER}-{name}"))[-1:] if there else []
        return [host for host in there if host.instance_id in newest]

    # Between two boots

    def reset(self) -> None:
        """Nothing is left of the boot before."""
        self.cluster.well()
        self.cluster.made.end_all()
        until(lambda: not self._remains(), PATIENCE)
        for logs in self.cluster.lab.names.logs.glob("i-*"):
            shutil.rmtree(logs)

    def _remains(self) -> bool:
        folder = self.cluster.lab.names.hosts
        return bool(self.cluster.lab.hosts()) or (folder.exists() and any(folder.iterdir()))

    # What is told of it

    def _say(self, event: str) -> None:
        self.events.append(f"{time.monotonic() - self._began:6.2f}  {event}")

    @property
    def summary(self) -> str:
        """`owner's power, 5 kills, 2 times trouble with AWS`."""
        counted = [sum(word in event for event in self.events) for word in ("kill -9", "AWS: {")]
        owner = next((event.split()[-2] for event in self.events if "the owner" in event), "nothing")
        return f"the owner's {owner} ended, {counted[0]} kills, {counted[1]} times trouble with AWS"

    def account(self, seed: int) -> str:
        """Fate, events, the state at the end and what every agent said, in the order of time."""
        names = self.cluster.lab.names
        lines = []
        for log in (*names.hosts.glob("*/log/*.log"), *names.logs.glob("i-*/*.log")):
            instance = next(part for part in log.parts if part.startswith("i-"))
            if log.stem in STEPS:
                lines += [
                    line[11:].replace(f" {log.stem}:", f" {instance[-5:]} {log.stem}:", 1)
                    for line in log.read_text(errors="replace").splitlines()
                ]
        parts = [
            "what was to befall it:",
            str(fate(seed)),
            "what did, in seconds:",
            *self.events,
            "the claim:",
        ]
        with suppress(QuorateError, OSError):
            parts += [str(self.cluster.made.item("claim")), "the nodes:", *map(str, self.cluster.nodes())]
        return "\n".join([*parts, "what the agents said:", *sorted(lines)])
