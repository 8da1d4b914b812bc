"""Lifecycle hooks, as "Amazon EC2 Auto Scaling lifecycle hooks" and its sub-pages describe them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LAUNCHING, TERMINATING, Aws

BOTH = {"up": LAUNCHING, "down": TERMINATING}


@dataclass(frozen=True)
class Story:
    """One instance of a group of one, and what is done to it step by step.

    A step is a verb and its arguments, with the states of the group afterwards. `first` is the instance that
    was launched first; the states name no instance.
    """

    hooks: dict[str, str]
    steps: tuple[tuple[str, tuple[Any, ...], list[str]], ...]
    default: str = "ABANDON"
    first_lives: bool = True


STORIES = {
    "without hooks an instance is in service at once": Story({}, (("look", (), ["InService"]),)),
    "a launch waits for its hook and CONTINUE brings it into service": Story(
        {"up": LAUNCHING},
        (("look", (), ["Pending:Wait"]), ("complete", ("up", "CONTINUE"), ["InService"])),
    ),
    "an abandoned launch is terminated and replaced": Story(
        {"up": LAUNCHING},
        (("look", (), ["Pending:Wait"]), ("complete", ("up", "ABANDON"), ["Pending:Wait"])),
        first_lives=False,
    ),
    "a launch with two hooks waits for both": Story(
        {"up": LAUNCHING, "up-too": LAUNCHING},
        (
            ("complete", ("up", "CONTINUE"), ["Pending:Wait"]),
            ("complete", ("up-too", "CONTINUE"), ["InService"]),
        ),
    ),
    "one ABANDON of two launch hooks is enough": Story(
        {"up": LAUNCHING, "up-too": LAUNCHING},
        (("complete", ("up", "ABANDON"), ["Pending:Wait"]),),
        first_lives=False,
    ),
    "a launch hook that times out abandons by default": Story(
        {"up": LAUNCHING},
        (("wait", (59,), ["Pending:Wait"]), ("wait", (1,), ["Pending:Wait"])),
        first_lives=False,
    ),
    "a launch hook that times out continues where that is the default result": Story(
        {"up": LAUNCHING},
        (("wait", (59,), ["Pending:Wait"]), ("wait", (1,), ["InService"])),
        default="CONTINUE",
    ),
    "a heartbeat starts the timeout anew": Story(
        {"up": LAUNCHING},
        (
            ("wait", (50,), ["Pending:Wait"]),
            ("heartbeat", ("up",), ["Pending:Wait"]),
            ("wait", (59,), ["Pending:Wait"]),
            ("complete", ("up", "CONTINUE"), ["InService"]),
        ),
    ),
    "a scale-in waits for the termination hook": Story(
        {"down": TERMINATING},
        (("scale", (0,), ["Terminating:Wait"]), ("complete", ("down", "CONTINUE"), [])),
        first_lives=False,
    ),
    "ABANDON of a termination hook ends the instance as well": Story(
        {"down": TERMINATING},
        (("scale", (0,), ["Terminating:Wait"]), ("complete", ("down", "ABANDON"), [])),
        first_lives=False,
    ),
    "two termination hooks both have to continue": Story(
        {"down": TERMINATING, "down-too": TERMINATING},
        (
            ("scale", (0,), ["Terminating:Wait"]),
            ("complete", ("down", "CONTINUE"), ["Terminating:Wait"]),
            ("complete", ("down-too", "CONTINUE"), []),
        ),
        first_lives=False,
    ),
    "ABANDON of one termination hook stops the other": Story(
        {"down": TERMINATING, "down-too": TERMINATING},
        (("scale", (0,), ["Terminating:Wait"]), ("complete", ("down", "ABANDON"), [])),
        first_lives=False,
    ),
    "a termination hook that times out lets the instance end": Story(
        {"down": TERMINATING},
        (
            ("scale", (0,), ["Terminating:Wait"]),
            ("wait", (59,), ["Terminating:Wait"]),
            ("wait", (1,), []),
        ),
        default="CONTINUE",
        first_lives=False,
    ),
    "an instance ended through EC2 goes through its termination hook while its replacement launches": Story(
        BOTH,
        (
            ("complete", ("up", "CONTINUE"), ["InService"]),
            ("kill", (), ["Pending:Wait", "Terminating:Wait"]),
            ("complete", ("down", "CONTINUE"), ["Pending:Wait"]),
        ),
        first_lives=False,
    ),
    "an instance stopped through EC2 is replaced": Story(
        BOTH,
        (
            ("complete", ("up", "CONTINUE"), ["InService"]),
            ("stop", (), ["Pending:Wait", "Terminating:Wait"]),
        ),
        first_lives=True,
    ),
    "an instance ended through EC2 while it waits for launch is replaced": Story(
        BOTH,
        (("kill", (), ["Pending:Wait", "Terminating:Wait"]),),
        first_lives=False,
    ),
    "an unhealthy instance keeps running until its termination hook is done": Story(
        BOTH,
        (
            ("complete", ("up", "CONTINUE"), ["InService"]),
            ("unhealthy", (), ["Pending:Wait", "Terminating:Wait"]),
        ),
        first_lives=True,
    ),
    "an unhealthy instance ends after its termination hook": Story(
        BOTH,
        (
            ("complete", ("up", "CONTINUE"), ["InService"]),
            ("unhealthy", (), ["Pending:Wait", "Terminating:Wait"]),
            ("complete", ("down", "CONTINUE"), ["Pending:Wait"]),
        ),
        first_lives=False,
    ),
    "termination by request without decrement is a replacement": Story(
        BOTH,
        (
            ("complete", ("up", "CONTINUE"), ["InService"]),
            ("terminate", (False,), ["Pending:Wait", "Terminating:Wait"]),
        ),
    ),
    "termination by request with decrement is not replaced": Story(
        BOTH,
        (
            ("complete", ("up", "CONTINUE"), ["InService"]),
            ("terminate", (True,), ["Terminating:Wait"]),
            ("complete", ("down", "CONTINUE"), []),
        ),
        first_lives=False,
    ),
    "an abandoned launch goes through the termination hook": Story(
        BOTH,
        (
            ("complete", ("up", "ABANDON"), ["Pending:Wait", "Terminating:Wait"]),
            ("complete", ("down", "CONTINUE"), ["Pending:Wait"]),
        ),
        first_lives=False,
    ),
    "deleting a launch hook abandons the launches that wait for it": Story(
        {"up": LAUNCHING},
        (("unhook", ("up",), ["InService"]),),
        first_lives=False,
    ),
    "deleting a termination hook lets the terminations go on": Story(
        {"down": TERMINATING},
        (("scale", (0,), ["Terminating:Wait"]), ("unhook", ("down",), [])),
        first_lives=False,
    ),
}


def _do(aws: Aws, first: str, verb: str, arguments: tuple[Any, ...]) -> None:
    match verb, arguments:
        case "look", ():
            pass
        case "complete", (hook, result):
            aws.complete(first, hook, result)
        case "heartbeat", (hook,):
            aws.asg.record_lifecycle_action_heartbeat(
                AutoScalingGroupName="group", LifecycleHookName=hook, InstanceId=first
            )
        case "wait", (seconds,):
            aws.pass_time(seconds)
        case "scale", (size,):
            aws.asg.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=size)
        case "kill", ():
            aws.ec2.terminate_instances(InstanceIds=[first])
        case "stop", ():
            aws.ec2.stop_instances(InstanceIds=[first])
        case "unhealthy", ():
            aws.asg.set_instance_health(InstanceId=first, HealthStatus="Unhealthy")
        case "terminate", (decrement,):
            aws.asg.terminate_instance_in_auto_scaling_group(
                InstanceId=first, ShouldDecrementDesiredCapacity=decrement
            )
        case "unhook", (hook,):
            aws.asg.delete_lifecycle_hook(AutoScalingGroupName="group", LifecycleHookName=hook)
        case _:
            raise AssertionError(f"no step {verb}{arguments}")


@pytest.mark.parametrize("name", STORIES)
def test_lifecycle(aws: Aws, name: str) -> None:
    # given a group of one
    story = STORIES[name]
    aws.group(hooks=story.hooks, default=story.default)
    first = aws.eventually(lambda: next(iter(aws.states()), None))
    if LAUNCHING not in story.hooks.values():
        aws.settled(["InService"])

    # when the steps are taken, then after each the group is in the states that AWS documents
    for verb, arguments, states in story.steps:
        _do(aws, first, verb, arguments)
        if verb == "wait" and not story.first_lives and states == ["Pending:Wait"] and arguments == (1,):
            aws.eventually(lambda: first not in aws.states(), "the first is replaced")
        aws.settled(states)

    # and the first instance lives on, or is gone from its group and terminated
    if story.first_lives:
        assert first in aws.states()
        assert aws.ec2_state(first) in ("running", "stopped")
    else:
        aws.eventually(lambda: first not in aws.states() or aws.states()[first] == "Terminating:Wait")
        aws.eventually(lambda: aws.ec2_state(first) == "terminated" or first in aws.states())


def test_a_hook_added_later_misses_the_instances_of_before(aws: Aws) -> None:
    aws.group()
    first = next(iter(aws.settled(["InService"])))
    aws.asg.put_lifecycle_hook(
        AutoScalingGroupName="group",
        LifecycleHookName="up",
        LifecycleTransition=LAUNCHING,
        HeartbeatTimeout=60,
    )
    assert aws.states() == {first: "InService"}
    aws.asg.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=2)
    aws.settled(["InService", "Pending:Wait"])


def test_an_action_cannot_be_kept_alive_beyond_a_hundred_heartbeats(aws: Aws) -> None:
    aws.group(hooks={"up": LAUNCHING}, timeout=30, default="CONTINUE")
    (first,) = aws.settled(["Pending:Wait"])
    for _ in range(110):
        aws.pass_time(27.5)
        if aws.states()[first] != "Pending:Wait":
            break
        try:
            aws.asg.record_lifecycle_action_heartbeat(
                AutoScalingGroupName="group", LifecycleHookName="up", InstanceId=first
            )
        except ClientError:
            break
    assert aws.clock.now - 1000.0 >= 100 * 30 - 30
    aws.settled(["InService"])


def test_an_action_is_completed_once(aws: Aws) -> None:
    aws.group(hooks={"up": LAUNCHING})
    (first,) = aws.settled(["Pending:Wait"])
    aws.complete(first, "up")
    with pytest.raises(ClientError, match="No active Lifecycle Action found") as refusal:
        aws.complete(first, "up")
    assert refusal.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"AutoScalingGroupName": "other"}, "AutoScalingGroup name not found"),
        ({"LifecycleHookName": "other"}, "No Lifecycle Hook found"),
        ({"InstanceId": "i-00000000000000000"}, "No active Lifecycle Action found"),
        ({"LifecycleActionResult": "MAYBE"}, "CONTINUE, ABANDON"),
        ({"LifecycleActionToken": "11111111-1111-1111-1111-111111111111"}, "No active Lifecycle Action"),
    ],
)
def test_a_wrong_completion_is_refused_and_changes_nothing(
    aws: Aws, change: dict[str, str], message: str
) -> None:
    aws.group(hooks={"up": LAUNCHING})
    (first,) = aws.settled(["Pending:Wait"])
    right = {
        "AutoScalingGroupName": "group",
        "LifecycleHookName": "up",
        "InstanceId": first,
        "LifecycleActionResult": "CONTINUE",
    }
    with pytest.raises(ClientError, match=message) as refusal:
        aws.asg.complete_lifecycle_action(**right | change)
    assert refusal.value.response["Error"]["Code"] == "ValidationError"
    assert aws.states() == {first: "Pending:Wait"}


@pytest.mark.parametrize(
    "change",
    [{"HeartbeatTimeout": 29}, {"HeartbeatTimeout": 7201}, {"DefaultResult": "MAYBE"}],
)
def test_a_hook_out_of_bounds_is_refused(aws: Aws, change: dict[str, Any]) -> None:
    aws.group(desired=0)
    with pytest.raises(ClientError) as refusal:
        aws.asg.put_lifecycle_hook(
            AutoScalingGroupName="group", LifecycleHookName="up", LifecycleTransition=LAUNCHING, **change
        )
    assert refusal.value.response["Error"]["Code"] == "ValidationError"
    assert aws.asg.describe_lifecycle_hooks(AutoScalingGroupName="group")["LifecycleHooks"] == []


def test_hooks_are_described_as_they_were_declared(aws: Aws) -> None:
    aws.group(hooks=BOTH, timeout=300, default="CONTINUE", desired=0)
    hooks = aws.asg.describe_lifecycle_hooks(AutoScalingGroupName="group")["LifecycleHooks"]
    assert {h["LifecycleHookName"]: h["LifecycleTransition"] for h in hooks} == BOTH
    for hook in hooks:
        assert hook["HeartbeatTimeout"] == 300
        assert hook["DefaultResult"] == "CONTINUE"
        assert hook["GlobalTimeout"] == 30000
        assert "NotificationTargetARN" not in hook
        assert "RoleARN" not in hook


def test_a_group_whose_hooks_are_wrong_is_not_created(aws: Aws) -> None:
    with pytest.raises(ClientError) as refusal:
        aws.group(hooks={"up": LAUNCHING}, timeout=10)
    assert refusal.value.response["Error"]["Code"] == "ValidationError"
    assert aws.asg.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert aws.cloud.instances() == ()
