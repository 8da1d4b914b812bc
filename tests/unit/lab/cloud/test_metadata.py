"""The metadata service of an instance, asked by plain HTTP and by botocore's own client for it."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from botocore.utils import InstanceMetadataFetcher

from quorate.lab.cloud import Credentials, InstanceView, MetadataOptions
from quorate.lab.cloud.faults import Fault, Faults
from quorate.lab.cloud.metadata import MetadataService

from .conftest import Aws, ManualClock

VIEW = InstanceView(
    id="i-0123456789abcdef0",
    launch_index=1,
    state="running",
    image_id="ami-1",
    instance_type="t3.small",
    lifecycle="on-demand",
    launch_time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    region="us-east-1",
    account="123456789012",
    zone_name="us-east-1b",
    zone_id="use1-az1",
    vpc_id="vpc-1",
    subnet_id="subnet-1",
    subnet_cidr="10.20.1.0/24",
    private_ip="10.20.1.5",
    mac="02:00:00:00:00:05",
    security_groups=("sg-1",),
    user_data='{"schema": 1}',
    profile_arn="arn:aws:iam::123456789012:instance-profile/manager",
    role_name="manager",
    metadata=MetadataOptions(tokens="required"),
    group="g",
    lifecycle_state="Pending:Wait",
    health="Healthy",
    tags={"quorate:slot": "manager-use1-az1-1"},
)
CREDENTIALS = Credentials(
    "ASIAKEY",
    "secret",
    "token",
    datetime(2099, 1, 1, tzinfo=UTC),
    datetime(2026, 1, 1, tzinfo=UTC),
    "manager",
)


@dataclass
class Source:
    view: InstanceView | None = VIEW
    held: Credentials | None = CREDENTIALS

    def instance(self, instance_id: str) -> InstanceView | None:
        return self.view if self.view is not None and self.view.id == instance_id else None

    def credentials(self, instance_id: str) -> Credentials | None:
        return self.held


@dataclass
class Imds:
    port: int
    source: Source
    clock: ManualClock
    faults: Faults
    caller: str = "127.0.0.1"

    def request(self, method: str, path: str, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=20, source_address=(self.caller, 0)
        )
        names = {
            "ttl": "X-aws-ec2-metadata-token-ttl-seconds",
            "token": "X-aws-ec2-metadata-token",
            "forwarded": "X-Forwarded-For",
        }
        try:
            connection.request(method, path, headers={names[k]: v for k, v in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def token(self, ttl: int = 60) -> str:
        status, token = self.request("PUT", "/latest/api/token", ttl=str(ttl))
        assert status == 200
        return token

    def get(self, path: str) -> tuple[int, str]:
        return self.request("GET", path, token=self.token())


@contextmanager
def _service(source: Source) -> Iterator[Imds]:
    listener = socket.socket()
    listener.bind(("0.0.0.0", 0))
    clock = ManualClock()
    faults = Faults()
    service = MetadataService(listener, source, VIEW.id, clock, faults)
    port = listener.getsockname()[1]
    listener.close()
    service.start()
    try:
        yield Imds(port, source, clock, faults)
    finally:
        service.close()


@pytest.fixture
def imds() -> Iterator[Imds]:
    with _service(Source()) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/latest/user-data", '{"schema": 1}'),
        ("/latest/meta-data/instance-id", VIEW.id),
        ("/latest/meta-data/local-ipv4", "10.20.1.5"),
        ("/latest/meta-data/mac", "02:00:00:00:00:05"),
        ("/latest/meta-data/local-hostname", "ip-10-20-1-5.ec2.internal"),
        ("/latest/meta-data/placement/availability-zone", "us-east-1b"),
        ("/latest/meta-data/placement/availability-zone-id", "use1-az1"),
        ("/latest/meta-data/placement/region", "us-east-1"),
        ("/latest/meta-data/placement/", "availability-zone\navailability-zone-id\nregion"),
        ("/latest/meta-data/iam/security-credentials/", "manager"),
        ("/latest/meta-data/iam/", "info\nsecurity-credentials/"),
        ("/latest/meta-data/autoscaling/target-lifecycle-state", "InService"),
        ("/latest/meta-data/network/interfaces/macs/02:00:00:00:00:05/subnet-id", "subnet-1"),
        ("/2021-07-15/meta-data/instance-type", "t3.small"),
    ],
)
def test_paths_answer_as_the_documentation_lists_them(imds: Imds, path: str, content: str) -> None:
    assert imds.get(path) == (200, content)


def test_the_identity_document_names_account_region_and_zone(imds: Imds) -> None:
    document = json.loads(imds.get("/latest/dynamic/instance-identity/document")[1])
    assert document["accountId"] == "123456789012"
    assert (document["region"], document["availabilityZone"]) == ("us-east-1", "us-east-1b")
    assert (document["instanceId"], document["privateIp"]) == (VIEW.id, "10.20.1.5")
    assert document["pendingTime"] == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    "path",
    [
        "/latest/meta-data/nothing",
        "/latest/meta-data/iam/security-credentials/other",
        "/latest/meta-data/tags/instance/quorate:slot",
        "/",
        "/1999-01-01/meta-data/instance-id",
        "/latest/meta-data/spot/instance-action",
    ],
)
def test_what_is_not_there_is_not_found(imds: Imds, path: str) -> None:
    assert imds.get(path)[0] == 404


def test_version_one_is_not_answered(imds: Imds) -> None:
    assert imds.request("GET", "/latest/meta-data/instance-id")[0] == 401
    assert imds.request("GET", "/latest/meta-data/instance-id", token="made-up")[0] == 401


def test_a_token_ends_with_its_time_to_live(imds: Imds) -> None:
    token = imds.token(ttl=10)
    imds.clock.now += 9
    assert imds.request("GET", "/latest/user-data", token=token)[0] == 200
    imds.clock.now += 1
    assert imds.request("GET", "/latest/user-data", token=token)[0] == 401


@pytest.mark.parametrize("ttl", ["0", "21601", "-1", "soon", ""])
def test_a_token_for_a_time_out_of_bounds_is_refused(imds: Imds, ttl: str) -> None:
    assert imds.request("PUT", "/latest/api/token", ttl=ttl)[0] == 400


def test_a_token_is_refused_without_time_to_live_or_through_a_proxy(imds: Imds) -> None:
    assert imds.request("PUT", "/latest/api/token")[0] == 400
    assert imds.request("PUT", "/latest/api/token", ttl="60", forwarded="10.0.0.1")[0] == 403
    assert imds.request("PUT", "/latest/meta-data", ttl="60")[0] == 404


def test_a_container_gets_no_token_with_a_hop_limit_of_one(imds: Imds) -> None:
    container = replace(imds, caller="127.0.0.2")
    with pytest.raises(http.client.RemoteDisconnected):
        container.request("PUT", "/latest/api/token", ttl="60")
    imds.source.view = replace(VIEW, metadata=MetadataOptions(hop_limit=2))
    assert container.get("/latest/meta-data/instance-id") == (200, VIEW.id)


def test_a_disabled_service_answers_nothing(imds: Imds) -> None:
    imds.source.view = replace(VIEW, metadata=MetadataOptions(enabled=False))
    assert imds.request("PUT", "/latest/api/token", ttl="60")[0] == 403


def test_tags_are_there_where_the_template_allows_them(imds: Imds) -> None:
    imds.source.view = replace(VIEW, metadata=MetadataOptions(tags=True))
    assert imds.get("/latest/meta-data/tags/instance/quorate:slot") == (200, "manager-use1-az1-1")
    assert imds.get("/latest/meta-data/tags/instance/") == (200, "quorate:slot")


def test_the_target_lifecycle_state_follows_auto_scaling(imds: Imds) -> None:
    for state, target in (("InService", "InService"), ("Terminating:Wait", "Terminated")):
        imds.source.view = replace(VIEW, lifecycle_state=state)
        assert imds.get("/latest/meta-data/autoscaling/target-lifecycle-state") == (200, target)
    imds.source.view = replace(VIEW, lifecycle_state=None, group=None)
    assert imds.get("/latest/meta-data/autoscaling/target-lifecycle-state")[0] == 404


def test_an_instance_without_role_or_user_data_has_no_such_path(imds: Imds) -> None:
    imds.source.view = replace(VIEW, role_name=None, profile_arn=None, user_data="")
    assert imds.get("/latest/meta-data/iam/security-credentials/")[0] == 404
    assert imds.get("/latest/user-data")[0] == 404


def test_botocore_finds_the_role_s_credentials_by_itself(imds: Imds) -> None:
    fetcher = InstanceMetadataFetcher(base_url=f"http://127.0.0.1:{imds.port}/")
    found = fetcher.retrieve_iam_role_credentials()
    assert found["role_name"] == "manager"
    assert (found["access_key"], found["secret_key"], found["token"]) == ("ASIAKEY", "secret", "token")


def test_one_connection_carries_many_requests(imds: Imds) -> None:
    token = imds.token()
    connection = http.client.HTTPConnection("127.0.0.1", imds.port, timeout=20)
    for _ in range(3):
        connection.request("GET", "/latest/meta-data/mac", headers={"X-aws-ec2-metadata-token": token})
        assert connection.getresponse().read() == b"02:00:00:00:00:05"
    connection.close()


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_a_fault_takes_the_place_of_an_answer_for_its_path_as_often_as_asked(imds: Imds, status: int) -> None:
    token = imds.token()
    imds.faults.add(Fault("error", action="metadata:GET */user-data", status=status, times=2))
    seen = [imds.request("GET", "/latest/user-data", token=token)[0] for _ in range(3)]
    assert seen == [status, status, 200]


def test_a_fault_is_for_the_instances_that_it_names_and_those_for_aws_are_for_none(imds: Imds) -> None:
    imds.faults.add(Fault("error", action="metadata:*", principal="*/i-another"))
    imds.faults.add(Fault("error"))
    assert imds.get("/latest/user-data")[0] == 200
    imds.faults.add(Fault("error", action="metadata:*", principal=f"*/{VIEW.id}", status=503))
    assert imds.request("PUT", "/latest/api/token", ttl="60")[0] == 503


def test_a_service_that_is_cut_off_gives_no_answer_at_all(imds: Imds) -> None:
    imds.faults.add(Fault("cut", action="metadata:*"))
    with pytest.raises((http.client.HTTPException, OSError)):
        imds.token()


def test_a_closed_service_answers_nobody() -> None:
    with _service(Source()) as running:
        assert running.token()
        port = running.port
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_running_instance_s_service_gives_credentials_that_aws_takes(aws: Aws) -> None:
    # given an instance of a group with a role, and its metadata service
    aws.group(template=aws.template(IamInstanceProfile={"Arn": aws.role("manager")}))
    (instance,) = aws.settled(["InService"])
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    service = MetadataService(listener, aws.cloud, instance)
    service.start()
    try:
        # when botocore takes credentials from it
        fetcher = InstanceMetadataFetcher(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}/")
        found = fetcher.retrieve_iam_role_credentials()
        # then AWS knows who calls with them
        node = replace(
            aws,
            access_key=found["access_key"],
            secret_key=found["secret_key"],
            token=found["token"],
            _clients={},
        )
        assert node.client("sts").get_caller_identity()["Arn"].endswith(f"assumed-role/manager/{instance}")
    finally:
        service.close()
        listener.close()
