"""The agent's gateways on the model's world: each real class, with its lowest method answered in memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from quorate.agent import ending
from quorate.agent.join import __main__ as join_main
from quorate.agent.join import boot, claim, hook, joining
from quorate.agent.join.certificate import Issued
from quorate.agent.steward import follow, loop
from quorate.agent.steward.observe import Observer
from quorate.errors import Unknown
from quorate.swarm.aws import DENIALS, NO_ACTION, Absent, Aws, ConditionFailed, Denied
from quorate.swarm.engine import Engine, EngineRefused
from quorate.swarm.patience import Backoff, Deadline
from quorate.swarm.snapshot import Snapshot

from .cloud import Refusal
from .host import EngineSaid, NoAnswer
from .processes import Process

if TYPE_CHECKING:
    from .world import World

TIMED = ("complete_lifecycle_action", "record_lifecycle_action_heartbeat")
TIMEOUT_SECONDS = 14.0  # two attempts of two and five seconds


def _running(world: World) -> Process:
    assert world.clock.running is not None
    return world.clock.running


class ModelAws(Aws):
    """AWS for one host; `metadata` is its instance id."""

    def __init__(self, region: str, metadata: str | None, *, world: World) -> None:
        self._world, self._instance = world, str(metadata)

    def _call(self, service: str, operation: str, **arguments: Any) -> Any:
        world = self._world
        world.witness.issued(operation, arguments)
        _running(world).call()
        kind = world.fault_of(self._instance, service)
        if kind in {"timeout", "cut"}:
            _running(world).sleep(TIMEOUT_SECONDS)
            raise Unknown(f"{service} {operation}: AWS did not answer")
        if kind == "error" or (operation == "describe_instances" and self._is_about_a_lost_zone(arguments)):
            raise Unknown(f"{service} {operation}: AWS said InternalFailure")
        if kind == "empty" and operation.startswith("describe_"):
            return {"Reservations": [], "AutoScalingGroups": [], "AvailabilityZones": []}
        if kind == "empty" and operation.startswith(("get_", "put_")):
            return {}
        extra = {"now": world.clock.now} if operation in TIMED else {}
        try:
            answer = getattr(world.cloud, operation)(**arguments, **extra)
        except Refusal as refusal:
            if refusal.code == "ConditionalCheckFailedException":
                raise ConditionFailed("somebody else wrote first") from refusal
            if refusal.code in DENIALS:
                raise Denied(refusal.code) from refusal
            assert NO_ACTION in refusal.message
            raise Unknown(refusal.message) from refusal
        world.witness.answered(operation, arguments, answer)
        if kind == "lost":
            _running(world).sleep(TIMEOUT_SECONDS)
            raise Unknown(f"{service} {operation}: AWS did not answer")
        if operation == "get_parameter" and answer["Parameter"]["Value"] == "absent":
            raise Absent("ParameterNotFound")
        return answer

    def _is_about_a_lost_zone(self, arguments: Any) -> bool:
        """EC2's part for a zone may be lost with it."""
        world, (wanted,) = self._world, arguments["Filters"]
        lost = [one for one in world.cloud.instances.values() if one.zone in world.down]
        return world.blind and any({one.id, one.address} & set(wanted["Values"]) for one in lost)


class ModelEngine(Engine):
    """The engine of one host; `docker_host` is its instance id."""

    def __init__(self, docker_host: str, timeout: float = 5.0, *, world: World) -> None:
        self._world, self._host = world, world.hosts[docker_host]

    def _ask(self, what: str, call: Callable[[Any], Any]) -> Any:
        process = _running(self._world)
        process.call()
        try:
            answer = call(self._host)
        except EngineSaid as said:
            raise EngineRefused(what, said.status, str(said)) from said
        except NoAnswer as nothing:
            process.sleep(nothing.seconds)
            raise Unknown(f"{what}: the engine did not answer") from nothing
        if self._host.lose_answer:
            self._host.lose_answer = False
            process.sleep(5.0)
            raise Unknown(f"{what}: the engine did not answer")
        return answer

    def _post(self, what: str, path: str, body: Any, timeout: float) -> Any:
        return self._ask(what, lambda host: host.post(path, body))


class ModelObserver(Observer):
    """Tells the witness when a look begins and ends."""

    witness: Any = None

    def look(self, node_id: str) -> Snapshot:
        self.witness.begins()
        snapshot = super().look(node_id)
        self.witness.ends()
        return snapshot


class ModelEvents:
    """Node events: the model sends none, so every look comes when its time is up."""

    def __init__(self, world: World, docker_host: str) -> None:
        self._world = world

    def __enter__(self) -> ModelEvents:
        return self

    def __exit__(self, *_: object) -> None: ...

    def wait(self, seconds: float) -> bool:
        if seconds > 0:
            self._world.clock.sleep(seconds)
        return False


class ModelMetadata:
    """The metadata service of one instance."""

    def __init__(self, world: World, instance: str) -> None:
        self._world, self.endpoint = world, instance

    def identity(self, deadline: Deadline) -> Any:
        return self._world.hosts[self.endpoint].identity

    def is_to_end(self) -> bool:
        one = self._world.cloud.instances[self.endpoint]
        return one.lifecycle is not None and one.lifecycle.startswith("Terminat")


def _ask_http(world: World, docker_host: str, path: str, timeout: float = 5.0) -> tuple[int, Any]:
    _running(world).call()
    host = world.hosts[docker_host]
    try:
        if path == "/info":
            return 200, host.info()
        return 200, host.inspect_node(path.rpartition("/")[2])
    except EngineSaid as said:
        return said.status, {"message": str(said)}


def _issued(world: World, certificate: Any) -> Issued | None:
    host = world.hosts[str(certificate)]
    if host.swarm is None:
        return None
    return Issued(host.swarm, "swarm-manager" if host.manages else "swarm-worker")


def installed(world: World) -> ExitStack:
    """The agent's modules with gateways and clocks of this world, until the stack is closed."""
    clock = world.clock
    backoff = partial(Backoff, sleep=clock.sleep, draw=lambda least, most: most)
    deadline = partial(Deadline, clock=clock.monotonic)
    aws, engine = partial(ModelAws, world=world), partial(ModelEngine, world=world)
    observer = type("Observer", (ModelObserver,), {"witness": world.witness})

    def new_boot(orders: Any, identity: Any, *rest: Any, **named: Any) -> boot.Boot:
        skew = world.hosts[identity.instance].skew
        return boot.Boot(
            orders, identity, *rest, **named, wall=lambda: 1e9 + clock.now + skew, clock=clock.monotonic
        )

    def nonce(size: int) -> str:
        world.nonces += 1
        return f"nonce{world.nonces}"

    stack = ExitStack()

    def use(module: Any, **names: Any) -> None:
        stack.enter_context(patch.multiple(module, **names))

    try:
        use(
            join_main,
            Aws=aws,
            Engine=engine,
            Boot=new_boot,
            LaunchHook=partial(hook.LaunchHook, clock=clock.monotonic),
            answers=lambda docker: True,
            read_certificate=partial(_issued, world),
            Backoff=backoff,
            Deadline=deadline,
        )
        for module in (boot, joining, hook):
            use(module, Backoff=backoff, Deadline=deadline)
        use(joining, listening=lambda addresses, seconds: addresses)
        use(claim, secrets=SimpleNamespace(token_hex=nonce))
        use(ending, Aws=aws)
        use(
            loop,
            Aws=aws,
            Engine=engine,
            Observer=partial(observer, clock=clock.monotonic),
            Applier=partial(loop.Applier, clock=clock.monotonic),
            time=SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep),
        )
        use(
            follow,
            ask=partial(_ask_http, world),
            NodeEvents=partial(ModelEvents, world),
            random=SimpleNamespace(uniform=lambda least, most: (least + most) / 2),
        )
    except BaseException:
        stack.close()
        raise
    return stack
