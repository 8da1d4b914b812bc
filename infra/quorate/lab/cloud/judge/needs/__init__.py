"""Which actions on which resources a call needs, for the calls that the lab can judge.

Source: "Service Authorization Reference", service by service. A call that is not here is denied by name,
whatever a policy says: better a wrong refusal than a permission that AWS would not give.
"""

from __future__ import annotations

from collections.abc import Mapping

from quorate.lab.cloud.calls import Call
from quorate.lab.cloud.judge.ask import Ask
from quorate.lab.cloud.judge.needs import autoscaling, dynamodb, ec2, kms, ssm
from quorate.lab.cloud.judge.needs.question import Question
from quorate.lab.cloud.judge.stored import Stored

FREE = frozenset({"sts:GetCallerIdentity"})
"""Needs no permission, and none can take it away."""

_SERVICES = {
    "autoscaling": autoscaling.asks,
    "dynamodb": dynamodb.asks,
    "ec2": ec2.asks,
    "kms": kms.asks,
    "ssm": ssm.asks,
}


def asks(call: Call, stored: Stored, known: Mapping[str, tuple[str, ...]]) -> list[Ask]:
    """Everything that has to be allowed; `known` are the condition keys that every request has."""
    if call.name in FREE:
        return []
    question = Question(call, stored, known)
    service = _SERVICES.get(call.service)
    needed = service(question) if service else None
    return [question.ask(call.name, None)] if needed is None else needed


def named_as_called(call: Call) -> bool:
    """Whether a service's permissions have the names of its calls: what no statement names is denied."""
    return call.service in _SERVICES or call.service in ("iam", "sts")


__all__ = ["asks", "named_as_called"]
