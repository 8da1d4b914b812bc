"""The provider speaks to this lab's cloud and to nobody else."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from quorate.errors import Refused, UsageError
from quorate.lab.provider.aws import SERVICES, AwsSilent
from quorate.lab.provider.configuration import Configuration, verify
from quorate.lab.provider.provider import Provider


def given(endpoint: str, **more: Any) -> dict[str, Any]:
    return {"region": "us-east-1", "endpoints": json.dumps([dict.fromkeys(SERVICES, endpoint)]), **more}


def test_the_endpoints_come_as_json_text_from_the_cli_and_as_lists_from_a_file() -> None:
    as_text = Configuration.parse(given("http://127.0.0.1:1"))
    as_list = Configuration.parse({"region": "us-east-1", "endpoints": [{"ec2": "http://127.0.0.1:1"}]})
    assert as_text.endpoints["ec2"] == as_list.endpoints["ec2"] == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://ec2.us-east-1.amazonaws.com",
        "http://10.0.0.1:4615",
        "http://localhost.example.com:4615",
        "http://0.0.0.0:4615",
        "http://[::]:4615",
        "http://localhost:4615",
        "https://127.0.0.1:4615",
        "http://127.0.0.1.nip.io:4615",
    ],
)
def test_an_endpoint_that_is_not_loopback_is_refused_before_any_call(endpoint: str, cloud: Any) -> None:
    with pytest.raises(Refused, match=r"only http:// on 127\.0\.0\.0/8 or ::1"):
        Provider.configure(Configuration.parse(given(endpoint)), cloud.nonce)


def test_one_service_elsewhere_is_enough_to_refuse(cloud: Any) -> None:
    endpoints = {**dict.fromkeys(SERVICES, cloud.endpoint), "iam": "https://iam.amazonaws.com"}
    with pytest.raises(Refused, match=r"iam.amazonaws.com"):
        verify(Configuration("us-east-1", endpoints), cloud.nonce)


def test_a_service_without_an_endpoint_would_be_the_real_aws(cloud: Any) -> None:
    endpoints = {service: cloud.endpoint for service in SERVICES if service != "kms"}
    with pytest.raises(Refused, match="aws:endpoints without kms"):
        verify(Configuration("us-east-1", endpoints), cloud.nonce)


def test_another_labs_cloud_is_refused(cloud: Any) -> None:
    with pytest.raises(Refused, match="nonce is not this lab's"):
        verify(Configuration.everywhere(cloud.endpoint, "us-east-1"), "another")


def test_without_a_nonce_nothing_is_trusted(cloud: Any) -> None:
    with pytest.raises(Refused, match="QUORATE_LAB_NONCE is not set"):
        verify(Configuration.everywhere(cloud.endpoint, "us-east-1"), "")


def test_a_cloud_that_does_not_run_is_said_to_be_so() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(Refused, match="it is not running"):
        verify(Configuration.everywhere(endpoint, "us-east-1"), "any")


def test_the_lab_itself_is_accepted_and_answers(cloud: Any) -> None:
    provider = Provider.configure(
        Configuration.parse(given(cloud.endpoint, skipRegionValidation="true")), cloud.nonce
    )
    zones = provider.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {})
    assert "use1-az1" in zones["zoneIds"]
    assert len(zones["names"]) == len(zones["zoneIds"])
    assert provider.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"].isdigit()
    assert provider.invoke("aws:index/getPartition:getPartition", {})["partition"] == "aws"


def test_a_proxy_in_the_environment_is_not_used(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    provider = Provider.configure(Configuration.parse(given(cloud.endpoint)), cloud.nonce)
    assert provider.invoke("aws:index/getPartition:getPartition", {})["partition"] == "aws"
    assert provider.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"]


def test_a_setting_that_the_lab_would_ignore_is_refused() -> None:
    with pytest.raises(UsageError, match="aws:defaultTags"):
        Configuration.parse(given("http://127.0.0.1:1", defaultTags='{"tags":{"a":"b"}}'))


def test_a_cloud_that_falls_silent_gives_one_line(cloud: Any) -> None:
    from quorate.lab.cloud.faults import Fault

    provider = Provider.configure(Configuration.everywhere(cloud.endpoint, "us-east-1"), cloud.nonce)
    number = cloud.faults.add(Fault(kind="error", action="ec2:CreateVpc"))
    with pytest.raises(AwsSilent) as caught:
        provider.create("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"})
    cloud.faults.remove(number)
    assert "\n" not in str(caught.value)
    assert "ec2 create-vpc" in str(caught.value)
