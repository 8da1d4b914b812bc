"""Pulumi's resource monitor in this process: the protocol on one side, the deployment on the other."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import empty_pb2
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import engine_pb2, resource_pb2

from quorate.errors import Failed, QuorateError, UsageError
from quorate.lab.engine.deployment import Deployment
from quorate.lab.engine.providers import Providers
from quorate.lab.engine.report import Report
from quorate.lab.engine.wanted import Wanted
from quorate.lab.provider.values import Values
from quorate.lab.provider.wire import Decoder, decode, encode

STACK: Final = "pulumi:pulumi:Stack"


class _NoMocks(Mocks):
    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError(args.token)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        raise NotImplementedError(args.typ)


class Monitor(MockMonitor):
    """Answers the program's registrations and calls."""

    def __init__(
        self, project: str, stack: str, deployment: Deployment, providers: Providers, report: Report
    ) -> None:
        super().__init__(_NoMocks())
        self._prefix = f"urn:pulumi:{stack}::{project}::"
        self._deployment = deployment
        self._providers = providers
        self._report = report
        self.outputs: Values = {}
        self.secret_outputs: set[str] = set()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As the CLI makes them: the parents' types lead, but for the stack's own."""
        chain = parent.split("::")[2] if parent else ""
        lead = "" if chain in ("", STACK) else f"{chain}$"
        return f"{self._prefix}{lead}{type_}::{name}"

    def RegisterResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        try:
            wanted = Wanted.of(request, urn)
        except UsageError as error:
            self._report.failed(None, error)
            return resource_pb2.RegisterResourceResponse(urn=urn, result=resource_pb2.Result.FAIL)
        resource = self._deployment.register(wanted)
        if resource is None:
            return resource_pb2.RegisterResourceResponse(urn=urn, result=resource_pb2.Result.FAIL)
        outputs = resource.outputs if wanted.custom else wanted.inputs
        return resource_pb2.RegisterResourceResponse(urn=urn, id=resource.id, object=encode(outputs))

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if request.urn.split("::")[2] == STACK:
            decoder = Decoder()
            self.outputs = decoder.struct(request.outputs)
            self.secret_outputs = decoder.secrets
        return empty_pb2.Empty()

    def ReadResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        thing = self._providers.of(request.provider).read(request.type, request.id, None)
        if thing is None:
            raise self._failed(Failed(f"{request.type} {request.name}: there is no {request.id}"))
        return resource_pb2.ReadResourceResponse(urn=urn, id=thing.id, properties=encode(thing.outputs))

    def Invoke(self, request: Any) -> Any:
        try:
            answer = self._providers.of(request.provider).invoke(request.tok, decode(request.args))
        except QuorateError as error:
            raise self._failed(error) from error
        return resource_pb2.ResourceInvokeResponse(**{"return": encode(answer)})

    def _failed(self, error: QuorateError) -> QuorateError:
        self._report.failed(None, error)
        return error


class Log:
    """What the program logs becomes notes; debugging goes nowhere."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def Log(self, request: Any) -> None:
        """One line of the program's."""
        if request.severity != engine_pb2.DEBUG:
            self._report.note(" ".join(request.message.split()))
