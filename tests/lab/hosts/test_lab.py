"""A lab's life: started, crashed, started clean, taken down in any state, beside others."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from quorate.errors import Failed, QuorateError, Refused
from quorate.lab.hosts.host import SOURCES
from quorate.lab.lab import Lab
from quorate.swarm.local import answers

IMAGE = "ami-0abcdef1234567890"


@pytest.fixture
def lab(tmp_path: Path, left_behind) -> Iterator[Lab]:
    """A lab in a folder of its own, down at the end whatever the test did to it."""
    lab = Lab(tmp_path / "lab")
    try:
        yield lab
    finally:
        lab.down()
    assert left_behind(lab.names) == []


def subnet(lab: Lab) -> str:
    ec2 = lab.aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    return ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]


def launch(lab: Lab, count: int = 1, group: bool = False) -> None:
    """Instances whose user-data no node accepts: their engines run, their join fails."""
    where, user_data = subnet(lab), json.dumps({"role": "worker"})
    if not group:
        lab.aws.client("ec2").run_instances(
            ImageId=IMAGE, MinCount=count, MaxCount=count, SubnetId=where, UserData=user_data
        )
        return
    lab.aws.client("ec2").create_launch_template(
        LaunchTemplateName="template",
        LaunchTemplateData={
            "ImageId": IMAGE,
            "InstanceType": "t3.micro",
            "UserData": base64.b64encode(user_data.encode()).decode(),
        },
    )
    lab.aws.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="group",
        MinSize=count,
        MaxSize=count,
        VPCZoneIdentifier=where,
        LaunchTemplate={"LaunchTemplateName": "template"},
    )


def engines(lab: Lab) -> int:
    return sum(bool(host.docker_host and answers(host.docker_host)) for host in lab.hosts())


class Heard:
    """Progress that remembers its notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def begin(self, step: str) -> None: ...
    def tell(self, detail: str) -> None: ...
    def done(self) -> None: ...
    def note(self, line: str) -> None:
        self.notes.append(line)


def test_starting_twice_is_one_lab_and_down_can_be_repeated(lab):
    lab.start()
    first = lab.identity

    lab.start()

    assert first is not None
    assert lab.identity == first
    assert lab.aws.client("sts").get_caller_identity()["Account"]
    assert lab.down()
    assert not lab.down()
    assert not lab.is_running() and not lab.is_dead()
    with pytest.raises(Failed, match=r"no lab is running in .* Start one with `scripts/lab up"):
        lab.hosts()


def test_a_launched_instance_gets_an_engine_and_a_terminated_one_loses_power_and_is_replaced(lab, eventually):
    lab.start()
    launch(lab, group=True)
    eventually(lambda: [host.state for host in lab.hosts()] == ["failed"] and engines(lab) == 1)
    (host,) = lab.hosts()
    assert host.name == "ip-" + host.address.replace(".", "-")
    assert host.role == "worker" and host.zone.startswith("use1-az")
    assert "user-data" in host.reason
    assert host.to_json().keys() == {
        *("name", "role", "zone", "address", "docker_host", "instance_id", "state"),
    }

    lab.aws.client("ec2").terminate_instances(InstanceIds=[host.instance_id])

    eventually(lambda: host.instance_id not in [each.instance_id for each in lab.hosts()])
    eventually(lambda: not answers(host.docker_host))
    eventually(lambda: engines(lab) == 1)
    eventually(lambda: not (lab.names.hosts / host.instance_id).exists())
    assert (lab.names.logs / host.instance_id / "join.log").exists()


def test_an_instance_that_is_stopped_and_started_keeps_its_disk(lab, eventually):
    lab.start()
    launch(lab)
    eventually(lambda: engines(lab) == 1)
    (host,) = lab.hosts()
    lab.exec(host.name, ["sh", "-c", "echo kept > /var/lib/kept"])

    lab.aws.client("ec2").stop_instances(InstanceIds=[host.instance_id])
    eventually(lambda: [each.state for each in lab.hosts()] == ["off"])
    assert lab.hosts()[0].docker_host is None
    with pytest.raises(Failed, match="is switched off"):
        lab.exec(host.name, ["true"])

    lab.aws.client("ec2").start_instances(InstanceIds=[host.instance_id])
    eventually(lambda: engines(lab) == 1)
    assert lab.exec(host.name, ["cat", "/var/lib/kept"]).stdout == "kept\n"


def test_after_a_crash_of_its_cloud_a_lab_says_that_it_is_dead_and_starts_clean(lab, eventually):
    lab.start()
    launch(lab)
    eventually(lambda: engines(lab) == 1)
    before = lab.identity
    os.kill(before.pid, signal.SIGKILL)
    eventually(lab.is_dead)
    with pytest.raises(Failed, match=r"is dead.*Start it clean: `scripts/lab up"):
        lab.status()

    heard = Heard()
    lab.start(heard)

    assert heard.notes == [
        "the lab here is dead: its cloud ended and what it knew is lost; starting clean",
    ]
    assert lab.identity.nonce != before.nonce
    assert lab.hosts() == ()
    assert lab.aws.client("ec2").describe_instances()["Reservations"] == []


@pytest.mark.parametrize(
    "damage", ["the cloud killed", "the folder deleted", "the cloud stopped in its tracks"]
)
def test_down_finds_everything_in_any_state(lab, eventually, left_behind, damage):
    lab.start()
    launch(lab, count=2)
    eventually(lambda: engines(lab) == 2)
    daemon = lab.identity.pid
    if damage == "the folder deleted":
        os.kill(daemon, signal.SIGKILL)
        shutil.rmtree(lab.directory)
    else:
        os.kill(daemon, signal.SIGKILL if damage == "the cloud killed" else signal.SIGSTOP)
    assert left_behind(lab.names) != []

    ended = lab.down()

    assert len(ended.namespaces) == 3
    assert left_behind(lab.names) == []


def test_a_start_that_was_killed_half_way_is_taken_up_again(lab):
    starting = subprocess.Popen(
        [sys.executable, "-c", f"from quorate.lab.lab import Lab; Lab({str(lab.directory)!r}).start()"],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )
    while not (lab.names.logs / "daemon.log").exists() and starting.poll() is None:
        pass
    starting.kill()
    starting.wait()

    lab.start()

    assert lab.hosts() == ()


def test_two_commands_at_once_are_refused_with_the_name_of_the_first(lab):
    lab.start()
    with (lab.directory / "lock").open("r+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.truncate()
        other.write("`lab up` (process 4711)\n")
        other.flush()

        with pytest.raises(
            Refused, match=r"lab down: one at a time in .*; `lab up` \(process 4711\) is at work"
        ):
            lab.down()


def test_a_folder_with_something_else_in_it_is_refused_and_left_alone(tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "thesis.txt").write_text("two years of work")

    with pytest.raises(QuorateError, match="not empty, and not a lab's"):
        Lab(folder).start()
    Lab(folder).down()

    assert (folder / "thesis.txt").read_text() == "two years of work"


def test_two_labs_live_side_by_side_and_one_goes_without_the_other(lab, tmp_path, eventually):
    other = Lab(tmp_path / "other")
    try:
        lab.start()
        other.start()
        assert lab.endpoint != other.endpoint
        launch(lab)
        launch(other)
        eventually(lambda: engines(lab) == 1 and engines(other) == 1)

        other.down()

        assert engines(lab) == 1
    finally:
        other.down()


def test_the_environment_for_a_shell_leads_to_this_lab_alone(lab):
    lab.start()

    environment = lab.environment()

    assert environment["AWS_ENDPOINT_URL"] == lab.endpoint
    assert environment["PATH"].split(os.pathsep)[0] == str(SOURCES.parent / "scripts/lab-plugin")
    assert environment["QUORATE_LAB_NONCE"] == lab.identity.nonce
    assert Path(environment["PULUMI_BACKEND_URL"].removeprefix("file://")).is_dir()
    assert (lab.directory / "daemon.json").stat().st_mode & 0o077 == 0
