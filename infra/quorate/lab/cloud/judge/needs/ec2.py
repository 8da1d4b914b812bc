"""EC2: what only describes cannot be limited to a resource; what ends or starts instances names them."""

from __future__ import annotations

from quorate.lab.cloud.judge.ask import Ask
from quorate.lab.cloud.judge.needs.question import Question

_UNLIMITED = frozenset(
    {
        "DescribeAvailabilityZones",
        "DescribeImages",
        "DescribeInstanceStatus",
        "DescribeInstances",
        "DescribeLaunchTemplates",
        "DescribeLaunchTemplateVersions",
        "DescribeNetworkInterfaces",
        "DescribeRegions",
        "DescribeSecurityGroups",
        "DescribeSubnets",
        "DescribeTags",
        "DescribeVolumes",
        "DescribeVpcs",
    }
)
_INSTANCES = frozenset({"RebootInstances", "StartInstances", "StopInstances", "TerminateInstances"})


def asks(question: Question) -> list[Ask] | None:
    """None for a call that cannot be judged."""
    action = question.call.action
    region = [("ec2:Region", question.call.region)]
    if action in _UNLIMITED:
        return [question.ask(question.call.name, "*", region)]
    if action in _INSTANCES:
        ids = question.texts("InstanceId")
        arns = [question.arn("ec2", f"instance/{instance}") for instance in ids]
        return [question.ask(question.call.name, arn, region) for arn in arns] or None
    return None
