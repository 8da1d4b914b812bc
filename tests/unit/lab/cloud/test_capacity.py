"""How a group gets to its desired capacity and stays there; pages of the Auto Scaling User Guide."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quorate.lab.cloud import Cloud, Timing

from .conftest import LAUNCHING, TERMINATING, Aws, ManualClock


def test_a_group_of_none_launches_nothing(aws: Aws) -> None:
    aws.group(desired=0)
    aws.pass_time(10)
    assert aws.states() == {}
    assert aws.cloud.instances() == ()


def test_scale_out_and_in_reach_the_desired_capacity(aws: Aws) -> None:
    aws.group(desired=1)
    for size in (4, 2, 5, 0):
        aws.asg.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=size)
        aws.settled(["InService"] * size)


def test_instances_spread_evenly_over_the_zones_of_a_group(aws: Aws) -> None:
    aws.group(desired=5, zones=("use1-az1", "use1-az2", "use1-az4"))
    aws.settled(["InService"] * 5)
    spread = Counter(i.zone_id for i in aws.cloud.instances())
    assert sorted(spread.values()) == [1, 2, 2]
    assert set(spread) == {"use1-az1", "use1-az2", "use1-az4"}


def test_scale_in_takes_from_the_fullest_zone_and_there_the_oldest(aws: Aws) -> None:
    aws.group(desired=3, zones=("use1-az1", "use1-az2"))
    before = aws.settled(["InService"] * 3)
    first, _second, third = (i.id for i in aws.cloud.instances())
    assert aws.cloud.instance(first).zone_id == aws.cloud.instance(third).zone_id  # type: ignore[union-attr]
    aws.asg.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=2)
    after = aws.settled(["InService"] * 2)
    assert set(before) - set(after) == {first}


def test_newest_instance_policy_and_scale_in_protection_are_kept(aws: Aws) -> None:
    aws.group(desired=3, TerminationPolicies=["NewestInstance"])
    aws.settled(["InService"] * 3)
    first, second, third = (i.id for i in aws.cloud.instances())
    aws.asg.set_instance_protection(
        AutoScalingGroupName="group", InstanceIds=[third], ProtectedFromScaleIn=True
    )
    aws.asg.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=2)
    assert set(aws.settled(["InService"] * 2)) == {first, third}
    assert aws.ec2_state(second) == "terminated"


@pytest.mark.parametrize(("size", "bound"), [(6, "above max value 5"), (0, "below min value 1")])
def test_a_desired_capacity_out_of_bounds_is_refused(aws: Aws, size: int, bound: str) -> None:
    aws.group(desired=1)
    aws.asg.update_auto_scaling_group(AutoScalingGroupName="group", MinSize=1)
    aws.settled(["InService"])
    with pytest.raises(ClientError, match=bound) as refusal:
        aws.asg.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=size)
    assert refusal.value.response["Error"]["Code"] == "ValidationError"
    aws.settled(["InService"])


def test_new_bounds_pull_the_desired_capacity_with_them(aws: Aws) -> None:
    aws.group(desired=2)
    aws.settled(["InService"] * 2)
    aws.asg.update_auto_scaling_group(AutoScalingGroupName="group", MinSize=3)
    aws.settled(["InService"] * 3)
    aws.asg.update_auto_scaling_group(AutoScalingGroupName="group", MinSize=0, MaxSize=1)
    aws.settled(["InService"])
    group = aws.asg.describe_auto_scaling_groups()["AutoScalingGroups"][0]
    assert (group["MinSize"], group["DesiredCapacity"], group["MaxSize"]) == (0, 1, 1)


def test_the_last_instance_above_the_minimum_cannot_be_taken_without_a_replacement(aws: Aws) -> None:
    aws.group(desired=1)
    (first,) = aws.settled(["InService"])
    aws.asg.update_auto_scaling_group(AutoScalingGroupName="group", MinSize=1)
    with pytest.raises(ClientError, match="violate group's min size constraint"):
        aws.asg.terminate_instance_in_auto_scaling_group(
            InstanceId=first, ShouldDecrementDesiredCapacity=True
        )
    assert aws.states() == {first: "InService"}


def test_an_unhealthy_report_respects_the_grace_period_unless_told_not_to(aws: Aws) -> None:
    aws.group(HealthCheckGracePeriod=120)
    (first,) = aws.settled(["InService"])
    aws.asg.set_instance_health(InstanceId=first, HealthStatus="Unhealthy")
    aws.pass_time(119)
    assert aws.states() == {first: "InService"}
    aws.pass_time(1)
    (second,) = aws.eventually(lambda: first not in (now := aws.settled(["InService"])) and list(now))
    aws.asg.set_instance_health(InstanceId=second, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False)
    aws.eventually(lambda: second not in aws.settled(["InService"]))


def test_health_of_an_instance_of_no_group_is_refused_by_name(aws: Aws) -> None:
    with pytest.raises(ClientError, match="i-00000000000000000"):
        aws.asg.set_instance_health(InstanceId="i-00000000000000000", HealthStatus="Unhealthy")


def test_suspended_processes_leave_the_group_alone(aws: Aws) -> None:
    aws.group(desired=2)
    first, second = aws.settled(["InService"] * 2)
    aws.asg.suspend_processes(AutoScalingGroupName="group", ScalingProcesses=["ReplaceUnhealthy", "Launch"])
    aws.asg.set_instance_health(InstanceId=first, HealthStatus="Unhealthy")
    aws.pass_time(600)
    assert set(aws.states()) == {first, second}
    aws.asg.resume_processes(AutoScalingGroupName="group", ScalingProcesses=["ReplaceUnhealthy"])
    aws.settled(["InService"])
    aws.asg.resume_processes(AutoScalingGroupName="group")
    assert second in aws.settled(["InService"] * 2)


# deletion


def test_a_group_with_instances_cannot_be_deleted_without_force(aws: Aws) -> None:
    aws.group(hooks={"down": TERMINATING})
    (first,) = aws.settled(["InService"])
    for _ in range(2):
        with pytest.raises(ClientError) as refusal:
            aws.asg.delete_auto_scaling_group(AutoScalingGroupName="group")
        assert refusal.value.response["Error"]["Code"] == "ResourceInUse"
        aws.asg.update_auto_scaling_group(
            AutoScalingGroupName="group", MinSize=0, MaxSize=0, DesiredCapacity=0
        )
        aws.settled(["Terminating:Wait"])
    aws.complete(first, "down")
    aws.settled([])
    aws.asg.delete_auto_scaling_group(AutoScalingGroupName="group")
    assert aws.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_force_delete_ends_everything_and_discards_hooks(aws: Aws) -> None:
    aws.group(desired=2, hooks={"up": LAUNCHING, "down": TERMINATING})
    held = aws.settled(["Pending:Wait"] * 2)
    aws.asg.delete_auto_scaling_group(AutoScalingGroupName="group", ForceDelete=True)
    assert aws.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert {aws.ec2_state(instance) for instance in held} == {"terminated"}


def test_a_group_of_the_same_name_starts_without_the_hooks_of_the_old_one(aws: Aws) -> None:
    _vpc, subnets = aws.network("use1-az1")
    template = aws.template()
    aws.group(hooks={"up": LAUNCHING}, desired=0, subnets=subnets, template=template)
    aws.asg.delete_auto_scaling_group(AutoScalingGroupName="group")
    aws.group(desired=1, subnets=subnets, template=template)
    aws.settled(["InService"])


@pytest.mark.parametrize(
    "call",
    [
        ("set_desired_capacity", {"DesiredCapacity": 1}),
        ("update_auto_scaling_group", {"MinSize": 0}),
        ("delete_auto_scaling_group", {}),
        ("suspend_processes", {}),
        ("put_lifecycle_hook", {"LifecycleHookName": "h", "LifecycleTransition": LAUNCHING}),
    ],
    ids=lambda call: call[0],
)
def test_a_call_for_a_group_that_is_not_there_is_refused_by_name(
    aws: Aws, call: tuple[str, dict[str, Any]]
) -> None:
    with pytest.raises(ClientError, match="nowhere") as refusal:
        getattr(aws.asg, call[0])(AutoScalingGroupName="nowhere", **call[1])
    assert refusal.value.response["Error"]["Code"] == "ValidationError"


def test_a_second_group_of_the_same_name_is_refused(aws: Aws) -> None:
    _vpc, subnets = aws.network("use1-az1")
    template = aws.template()
    aws.group(desired=0, subnets=subnets, template=template)
    with pytest.raises(ClientError) as refusal:
        aws.group(desired=0, subnets=subnets, template=template)
    assert refusal.value.response["Error"]["Code"] == "AlreadyExists"


# launches that fail


def test_a_closed_zone_launches_nothing_and_says_why_until_it_opens(aws: Aws) -> None:
    aws.cloud.close_zone("use1-az1")
    aws.group()

    def failed() -> Any:
        found = aws.asg.describe_scaling_activities(AutoScalingGroupName="group")["Activities"]
        return [a for a in found if a["StatusCode"] == "Failed"]

    activity = aws.eventually(failed)[0]
    assert "sufficient capacity" in activity["StatusMessage"]
    assert aws.states() == {}
    aws.cloud.open_zone("use1-az1")
    aws.settled(["InService"])


def test_a_group_over_several_zones_passes_over_a_closed_one(aws: Aws) -> None:
    aws.cloud.close_zone("use1-az1")
    aws.group(desired=3, zones=("use1-az1", "use1-az2", "use1-az4"))
    aws.settled(["InService"] * 3)
    assert Counter(i.zone_id for i in aws.cloud.instances()) == {"use1-az2": 2, "use1-az4": 1}


def test_an_instance_of_one_s_own_cannot_be_run_in_a_closed_zone(aws: Aws) -> None:
    _vpc, (subnet,) = aws.network("use1-az1")
    aws.cloud.close_zone("use1-az1")
    with pytest.raises(ClientError) as refusal:
        aws.ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, SubnetId=subnet)
    assert refusal.value.response["Error"]["Code"] == "InsufficientInstanceCapacity"


def test_launches_that_keep_failing_come_more_slowly() -> None:
    clock = ManualClock()
    cloud = Cloud(timing=Timing(health_check=0.0, launch_backoff=1.0, launch_backoff_limit=8.0, clock=clock))
    with cloud:
        aws = Aws(cloud, clock)
        aws.group(hooks={"up": LAUNCHING})
        waits = []
        for _ in range(6):
            (instance,) = aws.settled(["Pending:Wait"])
            aws.complete(instance, "up", "ABANDON")
            aws.settled([])
            start = clock.now
            while not aws.states():
                aws.pass_time(0.5)
                cloud.wait_for_change(cloud.version, 0.02)
            waits.append(clock.now - start)
    assert waits[-1] >= waits[0]
    assert waits[0] >= 1.0
    assert waits[4] >= 8.0


def test_a_deleted_launch_template_stops_launches_and_names_it(aws: Aws) -> None:
    template = aws.template()
    aws.group(desired=0, template=template)
    aws.ec2.delete_launch_template(LaunchTemplateId=template)
    aws.asg.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=1)

    def message() -> Any:
        found = aws.asg.describe_scaling_activities(AutoScalingGroupName="group")["Activities"]
        return found and found[0].get("StatusMessage")

    assert template in aws.eventually(message)
    assert aws.states() == {}


def test_a_group_whose_template_does_not_exist_is_refused(aws: Aws) -> None:
    with pytest.raises(ClientError) as refusal:
        aws.group(template="lt-00000000000000000")
    assert refusal.value.response["Error"]["Code"] == "ValidationError"
    assert "lt-00000000000000000" in str(refusal.value)
    assert aws.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []


# whatever happens


class Chaos:
    """Random acts on a group, and what must hold whatever they were."""

    def __init__(self, aws: Aws, seed: int) -> None:
        self.aws = aws
        self.random = random.Random(seed)
        self.desired = 1

    def pick(self, *states: str) -> str | None:
        found = sorted(i for i, s in self.aws.states().items() if not states or s in states)
        return self.random.choice(found) if found else None

    def act(self, verb: str) -> None:
        aws = self.aws
        if verb == "scale":
            self.desired = self.random.randint(0, 5)
            aws.asg.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=self.desired)
        elif verb == "time":
            aws.pass_time(self.random.choice([1, 30, 61]))
        elif verb in ("CONTINUE", "ABANDON"):
            self._complete(verb)
        else:
            self._harm(verb)

    def _complete(self, result: str) -> None:
        waiting = self.pick("Pending:Wait", "Terminating:Wait")
        if waiting is None:
            return
        hook = "up" if self.aws.states().get(waiting) == "Pending:Wait" else "down"
        try:
            self.aws.complete(waiting, hook, result)
        except ClientError as refusal:
            assert refusal.response["Error"]["Code"] == "ValidationError"

    def _harm(self, verb: str) -> None:
        victim = self.pick()
        if victim is None:
            return
        try:
            match verb:
                case "kill":
                    self.aws.ec2.terminate_instances(InstanceIds=[victim])
                case "stop":
                    self.aws.ec2.stop_instances(InstanceIds=[victim])
                case "unhealthy":
                    self.aws.asg.set_instance_health(InstanceId=victim, HealthStatus="Unhealthy")
                case "terminate":
                    self.aws.asg.terminate_instance_in_auto_scaling_group(
                        InstanceId=victim, ShouldDecrementDesiredCapacity=False
                    )
        except ClientError as refusal:
            assert refusal.response["Error"]["Code"] in ("ValidationError", "ScalingActivityInProgress")

    def nothing_is_lost(self) -> None:
        """Every running instance belongs to the group, at an address of its own."""
        running = [i for i in self.aws.cloud.instances() if i.running]
        assert all(i.group == "group" for i in running)
        addresses = [i.private_ip for i in running]
        assert None not in addresses
        assert len(set(addresses)) == len(addresses)
        assert all(i.private_ip is None for i in self.aws.cloud.instances() if i.state == "terminated")

    def calm_down(self) -> None:
        """Complete whatever waits until the group rests."""

        def rests() -> bool:
            for instance, state in self.aws.states().items():
                if state.endswith(":Wait"):
                    hook = "up" if state.startswith("Pending") else "down"
                    try:
                        self.aws.complete(instance, hook)
                    except ClientError as refusal:
                        assert refusal.response["Error"]["Code"] == "ValidationError"
            return list(self.aws.states().values()) == ["InService"] * self.desired

        self.aws.eventually(rests, f"{self.desired} in service")


VERBS = ("scale", "time", "CONTINUE", "ABANDON", "kill", "stop", "unhealthy", "terminate")


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(verbs=st.lists(st.sampled_from(VERBS), max_size=25), seed=st.integers(0, 2**16))
def test_whatever_happens_the_capacity_is_reached_and_no_instance_is_lost(
    verbs: list[str], seed: int
) -> None:
    clock = ManualClock()
    with Cloud(timing=Timing(health_check=0.0, launch_backoff=0.0, clock=clock)) as cloud:
        aws = Aws(cloud, clock)
        aws.group(hooks={"up": LAUNCHING, "down": TERMINATING}, zones=("use1-az1", "use1-az2"))
        chaos = Chaos(aws, seed)
        for verb in verbs:
            chaos.act(verb)
            chaos.nothing_is_lost()
        chaos.calm_down()
        chaos.nothing_is_lost()
        running = [i for i in cloud.instances() if i.running]
        assert len(running) == chaos.desired
