"""IAM's decision: an explicit Deny wins, an Allow is needed, what the lab cannot tell is denied by name.

Source: "Policy evaluation logic" (IAM), "Key policies in AWS KMS" and "Default key policy" (KMS).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from quorate.lab.cloud.judge.ask import Ask
from quorate.lab.cloud.judge.conditions import Outcome
from quorate.lab.cloud.judge.statements import Statement


class Kind(StrEnum):
    """How a decision came about."""

    ALLOWED = "allowed"
    EXPLICIT = "explicit"
    """A Deny statement applies."""
    IMPLICIT = "implicit"
    """No Allow statement applies."""
    UNJUDGED = "unjudged"
    """The lab cannot tell whether one does."""


@dataclass(frozen=True)
class Verdict:
    """`near` says what comes nearest to allowing it, or what denies it; empty when nothing does."""

    kind: Kind
    near: str = ""

    @property
    def allowed(self) -> bool:
        return self.kind is Kind.ALLOWED


@dataclass(frozen=True)
class Identity:
    """Who asks, as a key policy may name it."""

    role_arn: str
    session_arn: str
    account: str

    @property
    def account_root(self) -> str:
        return f"{':'.join(self.role_arn.split(':')[:5])}:root"


def decide(statements: Sequence[Statement], ask: Ask) -> Verdict:
    """The decision of identity policies alone, whatever policies the statements came from."""
    named = [statement for statement in statements if statement.names_action(ask.action)]
    fits = [(statement, statement.fits(ask)) for statement in named]
    for outcome, kind in ((Outcome.YES, Kind.EXPLICIT), (Outcome.UNKNOWN, Kind.UNJUDGED)):
        for statement, held in fits:
            if statement.denies and held.outcome is outcome:
                return Verdict(kind, held.why or f"statement {statement.name} denies it")
    allows = [held for statement, held in fits if not statement.denies]
    if any(held.outcome is Outcome.YES for held in allows):
        return Verdict(Kind.ALLOWED)
    for held in allows:
        if held.outcome is Outcome.UNKNOWN:
            return Verdict(Kind.UNJUDGED, held.why)
    return Verdict(Kind.IMPLICIT, "; ".join(held.why for held in allows))


def decide_key(key_policy: Sequence[Statement], own: Sequence[Statement], ask: Ask, who: Identity) -> Verdict:
    """The decision for a KMS key: its own policy first, which alone can let IAM decide."""
    for_it, for_account = _split(key_policy, who)
    by_key = decide([*for_it, *(s for s in for_account if s.denies)], ask)
    by_iam = decide(own, ask)
    for verdict in (by_key, by_iam):
        if verdict.kind is Kind.EXPLICIT:
            return verdict
    if by_key.allowed:
        return by_iam if by_iam.kind is Kind.UNJUDGED and _denies(own, ask) else by_key
    if by_key.kind is Kind.UNJUDGED:
        return by_key
    delegated = decide(for_account, ask)
    if delegated.allowed:
        return by_iam
    near = delegated.near or "no statement of the key's policy lets the account's policies decide"
    return Verdict(delegated.kind, f"the key's policy: {near}")


def _denies(statements: Sequence[Statement], ask: Ask) -> bool:
    return any(statement.denies and statement.names_action(ask.action) for statement in statements)


def _split(policy: Iterable[Statement], who: Identity) -> tuple[list[Statement], list[Statement]]:
    """A key policy's statements that name the asker, and those that name its account."""
    for_it, for_account = [], []
    for statement in policy:
        principals = _aws_principals(statement.principal)
        if {"*", who.role_arn, who.session_arn} & principals:
            for_it.append(statement)
        elif {who.account, who.account_root} & principals or statement.odd:
            for_account.append(statement)
    return for_it, for_account


def _aws_principals(principal: Any) -> set[str]:
    if principal == "*":
        return {"*"}
    named = principal.get("AWS", []) if isinstance(principal, dict) else []
    return set(named) if isinstance(named, list) else {named}
