"""Boots under bad conditions end as a member, or with the reason on the console."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from quorate.lab.cloud.faults import Fault
from quorate.lab.vms.fleet import Vm
from quorate.lab.vms.machine import Boot
from quorate.operations.image.places import Places
from quorate.operations.image.programs import output_of

from .conftest import BOOTS, Moody, Site, nodes, wait_for, whole

BAD_SECONDS = 60.0
FIRST_BYTE = 2**20
"""Where the partition begins."""


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


@pytest.mark.parametrize("statuses", [(401, 404, 503), (None,)])
def test_a_metadata_service_that_fails_for_a_minute_delays_a_boot_and_no_more(
    swarm: Site, follower: Vm, statuses: tuple[int | None, ...]
) -> None:
    # given a service that answers with each of these in turn, or not at all, for a minute altogether
    service = follower.metadata
    assert isinstance(service, Moody)
    service.status, service.silent = statuses[0], statuses[0] is None
    swarm.fleet.reboot(follower)
    shell = follower.machine.console
    wait_for(lambda: "agent.join" in shell.attempt("pgrep -af quorate.agent.join")[1], "join at work")
    for status in statuses:
        service.status = status
        seconds = BAD_SECONDS / len(statuses)
        shell.run(f"sleep {seconds}", seconds + 300)
        assert not joined(follower)
    # when it answers again, then the node is a member again
    service.status, service.silent = None, False
    wait_for(lambda: joined(follower), "a member")


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_an_hour_off_is_set_before_a_node_joins(swarm: Site, follower: Vm, hours: int) -> None:
    wrong = datetime.now(UTC) + timedelta(hours=hours)
    swarm.fleet.reboot(follower, clock=wrong.strftime("%Y-%m-%dT%H:%M:%S"))
    wait_for(lambda: joined(follower), "a member")
    now = int(follower.machine.console.run("date +%s"))
    assert abs(now - datetime.now(UTC).timestamp()) < 300
    follower.machine.boot = replace(follower.machine.boot, clock="utc")


STEPS = ("dynamodb:GetItem", "ssm:GetParameter", "autoscaling:CompleteLifecycleAction")
"""What a fresh node asks AWS for, one after the other: the claim, the token, to be let into service."""


def test_a_fresh_node_whose_join_is_killed_at_each_of_its_steps_ends_as_a_member(
    swarm: Site, follower: Vm
) -> None:
    # given a successor that gets no good answer to anything it asks for
    witness = next(one for one in swarm.managers() if one is not follower)
    known = set(swarm.fleet.vms())
    follower.machine.power_off()
    swarm.client("autoscaling").set_instance_health(
        InstanceId=follower.view.id, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False
    )
    new: Vm = wait_for(
        lambda: next((vm for name, vm in swarm.fleet.vms().items() if name not in known), None), "a new VM"
    )
    cloud, service = swarm.cloud, new.metadata
    assert isinstance(service, Moody)
    service.silent = True
    held = {
        action: cloud.faults.add(Fault("error", action, f"*/{new.view.id}", seconds=5)) for action in STEPS
    }

    def asked(action: str) -> bool:
        return any(who.endswith(new.view.id) and what == action for who, what in cloud.calls())

    # when its join is killed as soon as it waits for its orders, and then for each of these
    shell = new.machine.console
    kill = "systemctl kill -s KILL quorate-join"
    wait_for(lambda: "agent.join" in shell.attempt("pgrep -af quorate.agent.join")[1], "join at work")
    shell.run(kill)
    service.silent = False
    for action, fault in held.items():
        wait_for(partial(asked, action), action)
        assert not joined(new)
        shell.run(kill)
        cloud.faults.remove(fault)
    # then it is a member in the end, in service, and the only one at its address
    wait_for(lambda: joined(new), "a member")
    assert int(shell.run("systemctl show -p NRestarts --value quorate-join")) == 1 + len(STEPS)
    rows = wait_for(lambda: whole(witness), "three managers")
    assert new.plug.address in rows


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


@pytest.fixture(scope="module")
def partitioned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boot]:
    """The manager's disk as an AMI has it: a partition, on a volume larger than it."""
    disk = Places().disk("manager")
    size = json.loads(output_of(["qemu-img", "info", "--output=json", disk.image]))["virtual-size"]
    raw = tmp_path_factory.mktemp("partitioned") / "volume.raw"
    with raw.open("wb") as file:
        file.truncate(FIRST_BYTE + size + 2 * 2**30)
    table = raw.with_suffix(".table")
    table.write_text(f"label: gpt\nstart={FIRST_BYTE // 512}, size={size // 512}, type=linux\n")
    output_of(["sh", "-c", 'sfdisk -q "$1" <"$2"', "sfdisk", raw, table])
    options = f"driver=raw,offset={FIRST_BYTE},size={size},file.driver=file,file.filename={raw}"
    output_of(["qemu-img", "convert", "-n", "--target-image-opts", disk.image, options])
    volume = raw.with_suffix(".qcow2")
    output_of(["qemu-img", "convert", "-O", "qcow2", raw, volume])
    raw.unlink()
    yield Boot(volume, disk.kernel, disk.initrd, root="/dev/vda1")
    volume.unlink()


def stray(swarm: Site, group: str, *, hook: bool) -> Vm:
    """A VM of a group like a slot's, named by the role's policy too, whose user-data is of no use."""
    ec2, scaling = swarm.client("ec2"), swarm.client("autoscaling")
    view = swarm.managers()[0].view
    document = json.dumps({"schema": 1, "role": "manger", "group": group})
    ec2.create_launch_template(
        LaunchTemplateName=group,
        LaunchTemplateData={
            "ImageId": view.image_id,
            "InstanceType": "t3.small",
            "UserData": base64.b64encode(document.encode()).decode(),
            "IamInstanceProfile": {"Arn": view.profile_arn},
            "MetadataOptions": {"HttpTokens": "required", "InstanceMetadataTags": "disabled"},
        },
    )
    allow = {"Effect": "Allow", "Action": "autoscaling:CompleteLifecycleAction"}
    resource = f"arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/{group}"
    policy = {"Version": "2012-10-17", "Statement": [{**allow, "Resource": resource}]}
    swarm.client("iam").put_role_policy(
        RoleName=view.role_name, PolicyName=group, PolicyDocument=json.dumps(policy)
    )
    hooks = [
        {
            "LifecycleHookName": "quorate-launch",
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
            "HeartbeatTimeout": 7200,
            "DefaultResult": "ABANDON",
        }
    ]
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=group,
        MinSize=0,
        MaxSize=1,
        DesiredCapacity=1,
        VPCZoneIdentifier=view.subnet_id,
        LaunchTemplate={"LaunchTemplateName": group, "Version": "$Latest"},
        LifecycleHookSpecificationList=hooks if hook else [],
    )
    found: Vm = wait_for(
        lambda: next((v for v in swarm.fleet.vms().values() if v.view.group == group), None), "a VM"
    )
    return found


def end(swarm: Site, vm: Vm) -> None:
    group = vm.view.group
    swarm.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=group, DesiredCapacity=0)
    wait_for(lambda: not [v for v in swarm.fleet.vms().values() if v.view.group == group], "the group's end")


def test_bad_user_data_ends_on_the_console_and_in_an_abandoned_hook(swarm: Site) -> None:
    bad = stray(swarm, "bad", hook=True)
    # when it boots, then it says why on the console, and its hook is abandoned long before its time
    wait_for(lambda: "user-data" in bad.machine.log, "its reason")
    wait_for(lambda: bad.view.id not in swarm.fleet.vms(), "the end of the instance")
    end(swarm, bad)
    # and it was never a node
    assert bad.plug.address not in nodes(swarm.managers()[0])


def test_the_root_filesystem_takes_the_whole_volume(swarm: Site, partitioned: Boot) -> None:
    BOOTS["volume"] = partitioned
    vm = stray(swarm, "volume", hook=False)
    shell = vm.machine.console
    wait_for(lambda: shell.attempt("systemctl is-active quorate-grow-root")[0] == 0, "it has grown")
    volume = int(shell.run("cat /sys/block/vda/size")) * 512
    root = int(shell.run("df --output=size -B1 / | tail -n 1"))
    assert root > 0.95 * volume > 7 * 2**30
    end(swarm, vm)
