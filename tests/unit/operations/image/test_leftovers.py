"""What is taken away after a build that Packer could not clean up itself; moto is AWS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from quorate.operations.image import leftovers
from quorate.operations.image.leftovers import remove_leftovers

OURS, OTHERS = "5ce1", "0a7b"
GROUP, KEY = "packer_6f00-group", "packer_6f00"
BEGUN = f"""
==> amazon-ebs.node: Creating temporary keypair: {KEY}
==> amazon-ebs.node: Creating temporary security group for this instance: {GROUP}
==> amazon-ebs.node: Launching a source AWS instance...
"""


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    monkeypatch.setattr(leftovers, "LISTED_WITHIN", 0.5)
    monkeypatch.setattr(leftovers, "PAUSE", 0.05)
    with mock_aws():
        yield boto3.client("ec2", region_name="us-east-1")


def launch(ec2: Any, build: str) -> str:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "quorate:build", "Value": build}]}]
    answer = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, TagSpecifications=tags)
    return str(answer["Instances"][0]["InstanceId"])


def states(ec2: Any) -> dict[str, str]:
    reservations = ec2.describe_instances()["Reservations"]
    return {one["InstanceId"]: one["State"]["Name"] for each in reservations for one in each["Instances"]}


def clear(log: Path, text: str, all_of_it: bool = True) -> list[str]:
    said: list[str] = []
    log.write_text(text)
    assert remove_leftovers(["us-east-1"], "quorate-worker-x", OURS, log, said.append) is all_of_it
    return said


def test_what_packer_forgot_goes_and_what_others_build_stays(ec2: Any, tmp_path: Path):
    ours, others = launch(ec2, OURS), launch(ec2, OTHERS)
    for name in (GROUP, "packer_others"):
        ec2.create_security_group(GroupName=name, Description="Temporary group for Packer")
    for name in (KEY, "packer_others"):
        ec2.create_key_pair(KeyName=name)

    said = clear(tmp_path / "log", BEGUN)

    assert states(ec2) == {ours: "terminated", others: "running"}
    groups = {group["GroupName"] for group in ec2.describe_security_groups()["SecurityGroups"]}
    assert GROUP not in groups and "packer_others" in groups
    assert {pair["KeyName"] for pair in ec2.describe_key_pairs()["KeyPairs"]} == {"packer_others"}
    assert all(any(name in line for line in said) for name in (ours, GROUP, KEY))


def test_an_instance_that_ec2_lists_late_is_waited_for(
    ec2: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    looks: list[str] = []

    def sleep(_: float) -> None:
        looks.append(launch(ec2, OURS))

    monkeypatch.setattr(leftovers.time, "sleep", sleep)
    clear(tmp_path / "log", BEGUN)
    assert len(looks) == 1 and states(ec2) == {looks[0]: "terminated"}


def test_nothing_is_waited_for_when_packer_knew_its_instance(
    ec2: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(leftovers.time, "sleep", lambda _: pytest.fail("it waited"))
    assert clear(tmp_path / "log", BEGUN + "    amazon-ebs.node: Instance ID: i-0123\n") == []
    assert clear(tmp_path / "log", "") == []


def test_what_aws_does_not_answer_is_named(ec2: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    said = clear(tmp_path / "log", BEGUN, all_of_it=False)
    left = [line for line in said if "may be left: remove by hand" in line]
    assert len(left) == 3
    assert f"quorate:build={OURS}" in left[0] and GROUP in left[1] and KEY in left[1]
    assert "AMIs named quorate-worker-x" in left[2]


def test_an_interrupt_gives_up_what_is_being_removed_and_names_it(
    ec2: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def sleep(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(leftovers.time, "sleep", sleep)
    ec2.create_key_pair(KeyName=KEY)
    said = clear(tmp_path / "log", BEGUN, all_of_it=False)
    assert any(f"quorate:build={OURS} in us-east-1 may be left" in line for line in said)
    assert not ec2.describe_key_pairs()["KeyPairs"]
