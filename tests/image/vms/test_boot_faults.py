"""Boots under bad conditions end as a member, or with the reason on the console."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.image.vms.conftest import Moody, Site, nodes, wait_for, whole

from quorate.lab.vms.fleet import Vm

BAD_SECONDS = 60.0


@pytest.fixture
def follower(swarm: Site) -> Iterator[Vm]:
    """A manager that does not lead; the swarm is whole before and after."""
    first = swarm.managers()[0]
    rows = wait_for(lambda: whole(first), "three managers")
    (address, *_) = [row["address"] for row in rows.values() if row["leader"] != "true"]
    vm = next(one for one in swarm.managers() if one.plug.address == address)
    yield vm
    witness = next(one for one in swarm.managers() if one is not vm)
    wait_for(lambda: whole(witness), "three managers again")


def joined(vm: Vm) -> bool:
    return vm.machine.console.attempt("systemctl is-active quorate-join")[0] == 0


@pytest.mark.parametrize("status", [401, 404, 503, None])
def test_a_metadata_service_that_fails_for_a_minute_delays_a_boot_and_no_more(
    swarm: Site, follower: Vm, status: int | None
) -> None:
    service = follower.metadata
    assert isinstance(service, Moody)
    service.status, service.silent = status, status is None
    swarm.fleet.reboot(follower)
    shell = follower.machine.console
    wait_for(lambda: "activating" in shell.attempt("systemctl is-active quorate-join")[1], "join at work")
    shell.run(f"sleep {BAD_SECONDS}", BAD_SECONDS + 300)
    assert not joined(follower)
    service.status, service.silent = None, False
    wait_for(lambda: joined(follower), "a member")


def test_a_clock_an_hour_off_is_set_before_a_node_joins(swarm: Site, follower: Vm) -> None:
    wrong = datetime.now(UTC) + timedelta(hours=1)
    swarm.fleet.reboot(follower, clock=wrong.strftime("%Y-%m-%dT%H:%M:%S"))
    wait_for(lambda: joined(follower), "a member")
    now = int(follower.machine.console.run("date +%s"))
    assert abs(now - datetime.now(UTC).timestamp()) < 300
    follower.machine.boot = replace(follower.machine.boot, clock="utc")


def test_a_join_that_is_killed_again_and_again_ends_as_a_member(swarm: Site, follower: Vm) -> None:
    swarm.fleet.reboot(follower)
    shell = follower.machine.console
    for seconds in (0, 2, 5, 9):
        wait_for(
            lambda: "activating" in shell.attempt("systemctl is-active quorate-join")[1] or joined(follower),
            "join",
        )
        shell.run(f"sleep {seconds}; systemctl kill -s KILL quorate-join || true")
    wait_for(lambda: joined(follower), "a member")
    assert shell.attempt("systemctl is-active quorate-steward")[1].strip() in {"active", "activating"}


def test_bad_user_data_ends_on_the_console_and_in_an_abandoned_hook(swarm: Site) -> None:
    # given a group like a slot's, whose template says something that is no user-data
    ec2, scaling = swarm.client("ec2"), swarm.client("autoscaling")
    view = swarm.managers()[0].view
    document = json.dumps({"schema": 1, "role": "manger"})
    ec2.create_launch_template(
        LaunchTemplateName="bad",
        LaunchTemplateData={
            "ImageId": view.image_id,
            "InstanceType": "t3.small",
            "UserData": base64.b64encode(document.encode()).decode(),
            "IamInstanceProfile": {"Arn": view.profile_arn},
            "MetadataOptions": {"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
        },
    )
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="bad",
        MinSize=0,
        MaxSize=1,
        DesiredCapacity=1,
        VPCZoneIdentifier=view.subnet_id,
        LaunchTemplate={"LaunchTemplateName": "bad", "Version": "$Latest"},
        LifecycleHookSpecificationList=[
            {
                "LifecycleHookName": "quorate-launch",
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
                "HeartbeatTimeout": 7200,
                "DefaultResult": "ABANDON",
            }
        ],
    )
    bad = wait_for(
        lambda: next((v for v in swarm.fleet.vms().values() if v.view.group == "bad"), None), "a VM"
    )
    # when it boots, then it says why on the console, and its hook is abandoned long before its time
    log = bad.machine.folder / "console.log"
    wait_for(lambda: "user-data" in log.read_text(errors="replace"), "its reason")
    scaling.update_auto_scaling_group(AutoScalingGroupName="bad", DesiredCapacity=0)
    wait_for(lambda: bad.view.id not in swarm.fleet.vms(), "the end of the instance")
    # and it was never a node
    assert bad.plug.address not in nodes(swarm.managers()[0])
