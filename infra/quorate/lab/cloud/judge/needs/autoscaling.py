"""Auto Scaling: the group by its ARN; what only describes cannot be limited to a group."""

from __future__ import annotations

from quorate.lab.cloud.judge.ask import Ask
from quorate.lab.cloud.judge.needs.question import Question

_GROUP = frozenset(
    {
        "AttachInstances",
        "CompleteLifecycleAction",
        "DeleteAutoScalingGroup",
        "DeleteLifecycleHook",
        "DetachInstances",
        "EnterStandby",
        "ExitStandby",
        "PutLifecycleHook",
        "RecordLifecycleActionHeartbeat",
        "ResumeProcesses",
        "SetDesiredCapacity",
        "SetInstanceProtection",
        "SuspendProcesses",
    }
)
_INSTANCE = frozenset({"SetInstanceHealth", "TerminateInstanceInAutoScalingGroup"})
_UNLIMITED = frozenset(
    {
        "DescribeAutoScalingGroups",
        "DescribeAutoScalingInstances",
        "DescribeLifecycleHooks",
        "DescribeScalingActivities",
        "DescribeTags",
    }
)


def asks(question: Question) -> list[Ask] | None:
    """None for a call that cannot be judged."""
    action = question.call.action
    if action in _UNLIMITED:
        return [question.ask(question.call.name, "*")]
    if action in _GROUP:
        return [question.ask(question.call.name, _group(question, question.text("AutoScalingGroupName")))]
    if action in _INSTANCE:
        instance = question.text("InstanceId") or ""
        arn = question.stored.group_of(question.call.region, instance) or _arn(question, "*")
        return [question.ask(question.call.name, arn)]
    return None


def _group(question: Question, name: str | None) -> str | None:
    if name is None:
        return None
    return question.stored.group_arn(question.call.region, name) or _arn(question, name)


def _arn(question: Question, name: str) -> str:
    """Of a group whose id is not known, or that there is not."""
    return question.arn("autoscaling", f"autoScalingGroup:*:autoScalingGroupName/{name}")
