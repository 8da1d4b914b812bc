"""`pulumi-resource-aws`: the lab's provider behind Pulumi's plugin protocol, for the real CLI.

The CLI starts it from PATH (`eval "$(scripts/lab env)"`), reads the port from its first line and calls it
over gRPC on loopback. Whatever it is configured for, it answers for this lab's cloud only.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any, Final, NoReturn

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from quorate.errors import Failed, QuorateError
from quorate.lab.provider.configuration import NONCE_VARIABLE, Configuration
from quorate.lab.provider.provider import PartlyMade, Provider, Thing
from quorate.lab.provider.values import Values
from quorate.lab.provider.wire import decode, encode

WORKERS: Final = 64
"""Calls at once; deletes of groups wait for a long time, side by side."""
ORPHAN_CHECK: Final = 1.0
UNFINISHED: Final = "__unfinished"
"""An output of what was made in part. The CLI answers such a create by an update, often without a change."""


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """Pulumi's provider protocol, one method a call."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce
        self._provider: Provider | None = None

    @property
    def _configured(self) -> Provider:
        if self._provider is None:
            raise Failed("the lab's provider was not configured; this is the CLI's first call")
        return self._provider

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=version("pulumi-aws"))

    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.GetSchemaResponse(schema="{}")

    def GetMapping(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.GetMappingResponse()

    def GetMappings(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.GetMappingsResponse()

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        if self._provider is not None:
            self._provider.call_off()
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        # Another endpoint is the same lab at another port: the nonce decides, not the address.
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        given = decode(request.args) or {
            name.removeprefix("aws:config:"): value for name, value in request.variables.items()
        }

        def configure() -> Any:
            self._provider = Provider.configure(Configuration.parse(given), self._nonce)
            return provider_pb2.ConfigureResponse(supportsPreview=True)

        return _told(context, configure)

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        def invoke() -> Any:
            answer = self._configured.invoke(request.tok, decode(request.args))
            return provider_pb2.InvokeResponse(**{"return": encode(answer)})

        return _told(context, invoke)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        def check() -> Any:
            old, new = decode(request.olds), decode(request.news)
            type_, name = _type(request), request.urn.rpartition("::")[2]
            checked = self._configured.check(type_, name, old, new, request.randomSeed)
            failures = [
                provider_pb2.CheckFailure(property=each.property, reason=each.reason)
                for each in checked.failures
            ]
            return provider_pb2.CheckResponse(inputs=encode(checked.inputs), failures=failures)

        return _told(context, check)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        def diff() -> Any:
            found = self._configured.diff(_type(request), decode(request.old_inputs), decode(request.news))
            some = (
                provider_pb2.DiffResponse.DIFF_SOME if found.changed else provider_pb2.DiffResponse.DIFF_NONE
            )
            return provider_pb2.DiffResponse(
                changes=some,
                diffs=found.changed,
                replaces=found.replaces,
                deleteBeforeReplace=found.delete_before_replace,
            )

        return _told(context, diff)

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        type_, inputs = _type(request), decode(request.properties)

        def create() -> Any:
            if request.preview:
                return provider_pb2.CreateResponse(
                    properties=encode(self._configured.foreseen(type_, inputs, None))
                )
            thing = self._configured.create(type_, inputs, None, request.timeout)
            return provider_pb2.CreateResponse(id=thing.id, properties=encode(thing.outputs))

        try:
            return _told(context, create)
        except PartlyMade as partly:
            _abort_partly(context, partly, inputs)

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        def read() -> Any:
            known = decode(request.inputs) or None
            thing = self._configured.read(_type(request), request.id, known)
            if thing is None:
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(
                id=thing.id, inputs=encode(thing.inputs), properties=encode(thing.outputs)
            )

        return _told(context, read)

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        def update() -> Any:
            type_, new = _type(request), decode(request.news)
            outputs = decode(request.olds)
            unfinished = outputs.pop(UNFINISHED, False)
            old = Thing(request.id, decode(request.old_inputs), outputs)
            if request.preview:
                return provider_pb2.UpdateResponse(
                    properties=encode(self._configured.foreseen(type_, new, old))
                )
            if unfinished:
                old = self._finished(type_, old, request.timeout)
            done = self._configured.update(type_, request.id, old, new, request.timeout)
            return provider_pb2.UpdateResponse(properties=encode(done.outputs))

        try:
            return _told(context, update)
        except PartlyMade as partly:
            _abort_partly(context, partly, decode(request.old_inputs))

    def _finished(self, type_: str, thing: Thing, seconds: float) -> Thing:
        found = self._configured.finish(type_, thing.id, thing.inputs, seconds)
        if found is None:
            raise Failed(f"{type_} {thing.id}, made in part, is gone; `pulumi refresh` forgets it")
        return Thing(thing.id, thing.inputs, found.outputs)

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        def delete() -> Any:
            inputs = decode(request.old_inputs) or decode(request.properties)
            self._configured.delete(_type(request), request.id, inputs, request.timeout)
            return empty_pb2.Empty()

        return _told(context, delete)


def _type(request: Any) -> str:
    return str(request.type or request.urn.split("::")[2].rpartition("$")[2])


def _told(context: grpc.ServicerContext, answer: Callable[[], Any]) -> Any:
    """The answer, or the error's one line as the call's status."""
    try:
        return answer()
    except PartlyMade:
        raise
    except QuorateError as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _abort_partly(context: grpc.ServicerContext, partly: PartlyMade, inputs: Values) -> NoReturn:
    """Tells the CLI that it exists, so that the next run goes on from there."""
    details = any_pb2.Any()
    details.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=partly.thing.id,
            properties=encode(partly.thing.outputs | {UNFINISHED: True}),
            inputs=encode(inputs),
            reasons=[str(partly)],
        )
    )
    code = grpc.StatusCode.UNKNOWN
    status = status_pb2.Status(code=code.value[0], message=str(partly), details=[details])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, str(partly))
    raise partly


def _leave_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(ORPHAN_CHECK)
    os._exit(0)


def main() -> None:
    """Serves until the CLI that started it ends."""
    # Ctrl-C is the CLI's to handle: it lets what is under way end and then stops its plugins.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, args=(os.getppid(),), daemon=True).start()
    server = grpc.server(
        ThreadPoolExecutor(WORKERS),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(
        Plugin(os.environ.get(NONCE_VARIABLE, "")), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
