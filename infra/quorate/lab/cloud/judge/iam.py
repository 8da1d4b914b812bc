"""The judge of every call that an instance makes: its role's policies, as AWS holds them at that moment."""

from __future__ import annotations

from quorate.lab.cloud.calls import Call
from quorate.lab.cloud.denials import Denial
from quorate.lab.cloud.judge import statements
from quorate.lab.cloud.judge.ask import Ask
from quorate.lab.cloud.judge.decide import Identity, Kind, Verdict, decide, decide_key
from quorate.lab.cloud.judge.needs import asks, named_as_called
from quorate.lab.cloud.judge.statements import Statement
from quorate.lab.cloud.judge.stored import Role, Stored
from quorate.lab.cloud.principals import Principal


class Iam:
    """A `Judge`. Whoever is no instance is the lab's operator, and is not judged."""

    def __init__(self, stored: Stored | None = None) -> None:
        self._stored = stored or Stored()

    def __call__(self, principal: Principal, call: Call) -> Denial | None:
        if principal.role_name is None or principal.instance_id is None:
            return None
        role = self._stored.role(principal.role_name)
        if role is None:
            return self._denial(principal, call, Ask(call.name, None), Verdict(Kind.IMPLICIT, "no such role"))
        who = self._identity(role, principal.instance_id)
        everywhere = {
            "aws:principalarn": (who.role_arn,),
            "aws:principalaccount": (who.account,),
            "aws:principaltype": ("AssumedRole",),
            "aws:requestedregion": (call.region,),
            # the lab's own endpoint is plain HTTP; AWS's are not
            "aws:securetransport": ("true",),
        }
        for ask in asks(call, self._stored, everywhere):
            verdict = self._verdict(role, who, call, ask)
            if not verdict.allowed:
                return self._denial(principal, call, ask, verdict)
        return None

    def _identity(self, role: Role, instance_id: str) -> Identity:
        account, name = self._stored.account, role.arn.rpartition("/")[2]
        session = f"arn:{self._stored.partition}:sts::{account}:assumed-role/{name}/{instance_id}"
        return Identity(role.arn, session, account)

    def _verdict(self, role: Role, who: Identity, call: Call, ask: Ask) -> Verdict:
        if role.bounded:
            return Verdict(Kind.UNJUDGED, "the lab cannot judge permissions boundaries, and the role has one")
        try:
            own = _statements(role.documents)
            key = self._stored.key(call.region, ask.resource or "") if _is_key(ask) else None
            if key is None and ask.resource is None and not named_as_called(call):
                return Verdict(Kind.UNJUDGED, f"{call.name} is not a call that the lab can judge")
            if key is None:
                return decide(own, ask)
            return decide_key(statements.read(key.policy), own, ask, who)
        except (ValueError, TypeError, AttributeError) as failure:
            return Verdict(Kind.UNJUDGED, f"the lab cannot read a policy of the role: {failure}")

    def _denial(self, principal: Principal, call: Call, ask: Ask, verdict: Verdict) -> Denial:
        account, partition = self._stored.account, self._stored.partition
        user = f"arn:{partition}:sts::{account}:assumed-role/{principal.name}"
        resource = f" on resource: {ask.resource}" if ask.resource not in (None, "*") else ""
        why = f"{_in_aws_words(ask.action, verdict.kind)}{f' ({verdict.near})' if verdict.near else ''}"
        return Denial(
            action=ask.action,
            resource=ask.resource,
            kind=verdict.kind,
            reason=_reason(principal.role_name or "", call, ask, verdict),
            message=f"User: {user} is not authorized to perform: {ask.action}{resource} {why}",
        )


def _is_key(ask: Ask) -> bool:
    return ask.action.startswith("kms:") and ask.resource not in (None, "*")


def _statements(documents: tuple[str, ...]) -> list[Statement]:
    return [statement for text in documents for statement in statements.read(text)]


def _in_aws_words(action: str, kind: Kind) -> str:
    """Source: "Troubleshoot access denied error messages" (IAM)."""
    if kind is Kind.EXPLICIT:
        return "with an explicit deny in a policy"
    if kind is Kind.UNJUDGED:
        return "because the lab cannot tell what AWS would decide"
    return f"because no identity-based policy allows the {action} action"


def _reason(role: str, call: Call, ask: Ask, verdict: Verdict) -> str:
    """For the person who has to mend it: what is missing, and what comes nearest."""
    what = ask.action if ask.action == call.name else f"{ask.action} (for {call.name})"
    if ask.resource is not None:
        what += f" on {ask.resource}"
    if verdict.kind is not Kind.IMPLICIT:
        return f"role {role}: {what}: {verdict.near}"
    missing = f"role {role} lacks a statement that allows {what}"
    return f"{missing}; {verdict.near}" if verdict.near else missing
