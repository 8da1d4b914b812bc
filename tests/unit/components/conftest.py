"""Runs the Pulumi program against a monitor that records every registration whole, and answers like AWS."""

from __future__ import annotations

import asyncio
import contextvars
import json
import runpy
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import mocks, rpc, set_all_config
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.settings import SETTINGS, get_root_resource
from pulumi.runtime.stack import run_pulumi_func

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "infra" / "__main__.py"
ACCOUNT = "123456789012"
ZONES = {
    f"us-east-1{letter}": f"use1-az{number}"
    for letter, number in zip("abcdef", (6, 1, 2, 4, 3, 5), strict=True)
}


@dataclass(frozen=True)
class Recorded:
    """One registration: what the program asked for, with every output resolved."""

    type: str
    name: str
    urn: str
    parent: str
    inputs: dict[str, Any]
    custom: bool
    dependencies: frozenset[str]
    ignored: tuple[str, ...]
    delete_before_replace: bool
    delete_timeout: str


@dataclass
class Stack:
    """What a run of the program left behind."""

    resources: list[Recorded] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def of(self, type_: str) -> list[Recorded]:
        return [item for item in self.resources if item.type == type_]

    def one(self, type_: str, name: str) -> Recorded:
        found = [item for item in self.of(type_) if item.name == name]
        assert len(found) == 1, f"{len(found)} of {type_} are named {name}"
        return found[0]

    @property
    def custom(self) -> list[Recorded]:
        return [item for item in self.resources if item.custom]


class Answers(Mocks):
    """Outputs that AWS would invent, recognisable by the resource's name."""

    def call(self, args: MockCallArgs) -> dict[str, Any]:
        match args.token:
            case "aws:index/getAvailabilityZones:getAvailabilityZones":
                zones = {"names": list(ZONES), "zoneIds": list(ZONES.values()), "groupNames": []}
                return {**zones, "region": "us-east-1", "id": "us-east-1"}
            case "aws:index/getCallerIdentity:getCallerIdentity":
                return {"accountId": ACCOUNT, "arn": "", "userId": "", "id": ACCOUNT}
            case "aws:index/getPartition:getPartition":
                return {"partition": "aws", "dnsSuffix": "", "reverseDnsPrefix": "", "id": "aws"}
        raise AssertionError(f"the program asked for {args.token}")

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        kind = args.typ.rsplit(":", 1)[-1]
        outputs = dict(args.inputs)
        match kind:
            case "Key":
                outputs |= {"keyId": f"id-of-{args.name}", "arn": f"arn:of:key/{args.name}"}
            case "LaunchTemplate":
                outputs |= {"latestVersion": 7}
            case "VpcEndpoint" if args.inputs["vpcEndpointType"] == "Gateway":
                outputs |= {"prefixListId": f"pl-{args.name}"}
            case "InstanceProfile" | "Role":
                outputs |= {"arn": f"arn:of:{kind}/{args.inputs['name']}"}
        return f"{kind}/{args.name}", outputs


class Recorder(MockMonitor):
    """Keeps each request beside what the mocks answered."""

    def __init__(self, answers: Mocks) -> None:
        super().__init__(answers)
        self.stack = Stack()
        self.lock = threading.Lock()

    def Invoke(self, request: Any) -> Any:
        self.stack.calls.append(request.tok)
        return super().Invoke(request)

    def RegisterResource(self, request: Any) -> Any:
        with self.lock:
            response = super().RegisterResource(request)
            if request.type == "pulumi:pulumi:Stack":
                return response
            self.stack.resources.append(
                Recorded(
                    type=request.type,
                    name=request.name,
                    urn=response.urn,
                    parent=request.parent,
                    inputs=rpc.deserialize_properties(request.object),
                    custom=request.custom,
                    dependencies=frozenset(request.dependencies),
                    ignored=tuple(request.ignoreChanges),
                    delete_before_replace=request.deleteBeforeReplace,
                    delete_timeout=request.customTimeouts.delete,
                )
            )
            return response


def stack_file(name: str) -> dict[str, str]:
    """The configuration of Pulumi.<name>.yaml as the CLI hands it over: texts, JSON for what has parts."""
    config = yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())["config"]
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}


def run(
    config: Mapping[str, str], *, stack: str = "lab", answers: Mocks | None = None
) -> tuple[Stack, Exception | None]:
    """Runs the program to its end: what it left behind, and the error that it ended with."""
    recorder = Recorder(answers or Answers())
    # Pulumi keeps its settings in context variables
    return recorder.stack, contextvars.Context().run(_run, recorder, config, stack)


def _run(recorder: Recorder, config: Mapping[str, str], stack: str) -> Exception | None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(lambda loop, context: None)
    try:
        mocks.set_mocks(recorder.mocks, project="quorate", stack=stack, preview=False, monitor=recorder)
        # outputs that an earlier run never resolved, as after a refusal
        SETTINGS.outputs.clear()
        set_all_config(dict(config))
        try:
            loop.run_until_complete(run_pulumi_func(_program))
        except Exception as error:  # noqa: BLE001 - the tests say which error it has to be
            return error
        root = get_root_resource()
        assert root is not None
        recorder.stack.outputs = {key: _plain(loop, value) for key, value in root.outputs.items()}
        return None
    finally:
        loop.close()


def _program() -> None:
    runpy.run_path(str(PROGRAM), run_name="__main__")


def _plain(loop: asyncio.AbstractEventLoop, value: Any) -> Any:
    async def resolve() -> Any:
        return await pulumi.Output.from_input(value).future()

    return loop.run_until_complete(resolve())


Deploy = Callable[..., Stack]
Refusal = Callable[..., tuple[str, Stack]]


def changed(**keys: Any) -> dict[str, str]:
    """The lab's configuration with these keys of ours set, or taken out where None."""
    config = stack_file("lab")
    for key, value in keys.items():
        if value is None:
            config.pop(f"quorate:{key}", None)
        else:
            config[f"quorate:{key}"] = value if isinstance(value, str) else json.dumps(value)
    return config


@pytest.fixture(scope="session")
def deploy() -> Deploy:
    """Runs the program with the lab's configuration, changed; each configuration runs once."""
    done: dict[str, Stack] = {}

    def deployed(stack: str = "lab", **keys: Any) -> Stack:
        config = changed(**keys)
        known = json.dumps([stack, config], sort_keys=True)
        if known not in done:
            done[known], error = run(config, stack=stack)
            assert error is None, error
        return done[known]

    return deployed


@pytest.fixture(scope="session")
def refusal() -> Refusal:
    """Runs the program, which must refuse: its words, and what was recorded until then."""

    def refused(
        stack: str = "lab", answers: Mocks | None = None, extra: Mapping[str, str] | None = None, **keys: Any
    ) -> tuple[str, Stack]:
        recorded, error = run({**changed(**keys), **(extra or {})}, stack=stack, answers=answers)
        assert type(error) is pulumi.RunError, error
        return str(error), recorded

    return refused


@pytest.fixture
def answers() -> type[Answers]:
    """What AWS answers, to be answered otherwise."""
    return Answers


@pytest.fixture(scope="session")
def example() -> Stack:
    """What Pulumi.aws-example.yaml makes, in a region whose zones it names."""

    class Frankfurt(Answers):
        def call(self, args: MockCallArgs) -> dict[str, Any]:
            if args.token == "aws:index/getAvailabilityZones:getAvailabilityZones":
                names = [f"eu-central-1{letter}" for letter in "abc"]
                ids = ["euc1-az2", "euc1-az3", "euc1-az1"]
                return {"names": names, "zoneIds": ids, "region": "eu-central-1", "id": "eu-central-1"}
            return super().call(args)

    recorded, error = run(stack_file("aws-example"), stack="aws-example", answers=Frankfurt())
    assert error is None, error
    return recorded
