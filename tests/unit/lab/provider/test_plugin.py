"""The plugin as the CLI meets it: a process of its own that is spoken to over gRPC."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from quorate.lab.cloud import Cloud
from quorate.lab.cloud.faults import Fault
from quorate.lab.provider.aws import SERVICES

PROGRAM = Path(__file__).parents[4] / "scripts/lab-plugin/pulumi-resource-aws"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
URN = f"urn:pulumi:lab::small::{GATEWAY}::out"


def struct(values: dict[str, Any]) -> Struct:
    made = Struct()
    made.update(values)
    return made


def made_in_part(error: grpc.RpcError) -> Any:
    """What the CLI finds in the status of a create that failed when the thing was there already."""
    told = dict(error.trailing_metadata())["grpc-status-details-bin"]
    (detail,) = status_pb2.Status.FromString(told).details
    found = provider_pb2.ErrorResourceInitFailed()
    assert detail.Unpack(found)
    return found


@pytest.fixture(scope="module")
def plugin(cloud: Cloud) -> Iterator[Any]:
    environment = os.environ | {"QUORATE_LAB_NONCE": cloud.nonce}
    with subprocess.Popen([PROGRAM], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            given = {
                "region": cloud.region,
                "accessKey": "lab",
                "secretKey": "lab",
                "endpoints": [dict.fromkeys(SERVICES, cloud.endpoint)],
            }
            stub.Configure(provider_pb2.ConfigureRequest(args=struct(given)))
            yield stub
        process.terminate()


def same_again(partly: Any) -> Any:
    """The update that the engine asks for where a creation has failed in its middle: to the same inputs."""
    return provider_pb2.UpdateRequest(
        urn=URN,
        type=GATEWAY,
        id=partly.id,
        olds=partly.properties,
        old_inputs=partly.inputs,
        news=partly.inputs,
    )


def test_what_was_made_in_part_is_finished_by_an_update_that_changes_nothing(
    plugin: Any, cloud: Cloud, boto: Callable[[str], Any]
) -> None:
    ec2 = boto("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    inputs = {"vpcId": vpc}
    cloud.faults.add(Fault(kind="error", action="ec2:AttachInternetGateway", times=1))
    with pytest.raises(grpc.RpcError) as failed:
        plugin.Create(provider_pb2.CreateRequest(urn=URN, type=GATEWAY, properties=struct(inputs)))
    partly = made_in_part(failed.value)
    assert "attach-internet-gateway" in partly.reasons[0]

    cloud.faults.add(Fault(kind="error", action="ec2:AttachInternetGateway", times=1))
    with pytest.raises(grpc.RpcError) as again:
        plugin.Update(same_again(partly))
    assert made_in_part(again.value).id == partly.id

    finished = MessageToDict(plugin.Update(same_again(partly)).properties)
    (gateway,) = ec2.describe_internet_gateways(InternetGatewayIds=[partly.id])["InternetGateways"]
    assert [each["VpcId"] for each in gateway["Attachments"]] == [vpc]
    assert finished["vpcId"] == vpc
    assert not any(name.startswith("__") for name in finished)


def test_an_update_of_what_is_gone_says_so_in_one_line(
    plugin: Any, cloud: Cloud, boto: Callable[[str], Any]
) -> None:
    ec2 = boto("ec2")
    inputs = {"vpcId": ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]}
    cloud.faults.add(Fault(kind="error", action="ec2:AttachInternetGateway", times=1))
    with pytest.raises(grpc.RpcError) as failed:
        plugin.Create(provider_pb2.CreateRequest(urn=URN, type=GATEWAY, properties=struct(inputs)))
    partly = made_in_part(failed.value)
    ec2.delete_internet_gateway(InternetGatewayId=partly.id)
    with pytest.raises(grpc.RpcError) as refused:
        plugin.Update(same_again(partly))
    assert "is gone" in refused.value.details()
    assert "\n" not in refused.value.details()
