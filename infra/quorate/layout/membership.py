"""May one member leave, may one more be promoted: the only two questions before a change of membership."""

from __future__ import annotations

from dataclasses import dataclass, replace

from quorate.layout import bounds
from quorate.layout.bounds import Spread, text
from quorate.layout.errors import LayoutError
from quorate.layout.goals import Goal, as_goal, worst_loss
from quorate.layout.majority import quorum
from quorate.layout.spreads import LOSSES

UP, DOWN = "up", "down"


@dataclass(frozen=True)
class Verdict:
    """`slack`: members that may fail after the change before the quorum is lost (negative: it is lost).

    `keeps_goal`: whether the declared goal holds after the change; None where it was not asked.
    """

    allowed: bool
    slack: int
    reason: str
    keeps_goal: bool | None = None

    def to_json(self) -> dict[str, object]:
        document: dict[str, object] = {"allowed": self.allowed, "slack": self.slack, "reason": self.reason}
        if self.keeps_goal is not None:
            document["keeps_goal"] = self.keeps_goal
        return document


@dataclass(frozen=True)
class ZoneView:
    """The members by zone as they are now, for the zone rule.

    `reachable`: those of `members` that answer; `zone`: index of the zone that the member leaves or joins.
    """

    members: Spread
    reachable: Spread
    zone: int
    goal: Goal


def gate(members: int, reachable: int, target: str, view: ZoneView | None = None) -> Verdict:
    """May one member go now.

    `members` are all members, `reachable` those that answer, the one to go included where it does;
    `target` says whether it does ("up" or "down"). Swarm's rule: the others that answer are a majority of
    the members that remain (swarmkit, `manager/state/raft/raft.go`, `CanRemoveMember`). With `view` the
    zone rule stands on top: a goal that holds now must hold afterwards.
    """
    _check_counts(members, reachable)
    _check_target(members, reachable, target)
    _check_view(members, reachable, target, view)
    others = reachable - (target == UP)
    if members == 1:
        return Verdict(False, -1, "it is the only manager: the cluster would be gone. Promote another first")
    needed = quorum(members - 1)
    slack = others - needed
    if slack < 0:
        return Verdict(
            False,
            slack,
            f"{others} of the {members - 1} that would remain answer, {needed} are needed for a quorum. "
            f"Bring back a manager that is down first",
        )
    verdict = Verdict(True, slack, f"{others} of the {members - 1} that remain answer, {needed} are needed")
    return verdict if view is None else _zone_rule(verdict, members, target, view)


def admit(members: int, reachable: int, view: ZoneView | None = None) -> Verdict:
    """May one more member be promoted now, so that the quorum stands even if it fails at once.

    A lone manager is let through: two members are the only way from one to three. With `view` the verdict
    says whether the goal holds afterwards, and does not depend on it: 1,1,1 cannot grow to 2,2,1 otherwise.
    """
    _check_counts(members, reachable)
    _check_view(members, reachable, None, view)
    needed = quorum(members + 1)
    slack = reachable - needed
    keeps = None if view is None else _holds_after_join(members, view)
    if slack < 0 and not members == reachable == 1:
        return Verdict(
            False,
            slack,
            f"{reachable} of {members} members answer and {members + 1} members need {needed}: if the new "
            f"one failed at once the quorum would be lost. Remove or bring back a member that is down first",
            keeps,
        )
    if slack < 0:
        return Verdict(True, slack, "a lone manager can only grow through two, which need each other", keeps)
    return Verdict(True, slack, f"{reachable} members answer, {members + 1} members need {needed}", keeps)


def holds(members: int, reachable: Spread, goal: Goal | str) -> bool:
    """Whether the quorum of `members` survives the loss that `goal` names, by those that answer per zone."""
    return sum(reachable) - worst_loss(reachable, as_goal(goal)) >= quorum(members)


def _zone_rule(verdict: Verdict, members: int, target: str, view: ZoneView) -> Verdict:
    after = _changed(view.reachable, view.zone, -1) if target == UP else view.reachable
    loss = LOSSES[view.goal]
    if holds(members - 1, after, view.goal):
        return replace(
            verdict,
            reason=f"{verdict.reason}, and the quorum still survives the loss of {loss}",
            keeps_goal=True,
        )
    if not holds(members, view.reachable, view.goal):
        return replace(
            verdict,
            reason=f"{verdict.reason}; the loss of {loss} takes the quorum, and did so before",
            keeps_goal=False,
        )
    return Verdict(
        False,
        verdict.slack,
        f"with {text(after)} reachable of {members - 1} the loss of {loss} would take the quorum, and now it "
        f"does not. Add a manager elsewhere first: quorum-layout move plans it",
        False,
    )


def _holds_after_join(members: int, view: ZoneView) -> bool:
    return holds(members + 1, _changed(view.reachable, view.zone, +1), view.goal)


def _changed(spread: Spread, zone: int, by: int) -> Spread:
    return (*spread[:zone], spread[zone] + by, *spread[zone + 1 :])


def _check_counts(members: int, reachable: int) -> None:
    bounds.whole(members, "the count of members", 1, bounds.MAX_MANAGERS)
    bounds.whole(reachable, "the count of reachable members", 0, members)


def _check_target(members: int, reachable: int, target: str) -> None:
    if target not in (UP, DOWN):
        raise LayoutError(f"target {target!r}: say {UP!r} if the member to go is reachable, else {DOWN!r}")
    if target == UP and reachable == 0:
        raise LayoutError("target 'up' with 0 reachable members: the member to go would be one of them")
    if target == DOWN and reachable == members:
        raise LayoutError(f"target 'down' with all {members} members reachable: none of them is down")


def _check_view(members: int, reachable: int, target: str | None, view: ZoneView | None) -> None:
    if view is None:
        return
    bounds.whole(view.zone, "the zone's index", 0, len(view.members) - 1)
    if (
        len(view.members) != len(view.reachable)
        or (sum(view.members), sum(view.reachable)) != (members, reachable)
        or any(up > held for up, held in zip(view.reachable, view.members, strict=True))
    ):
        raise LayoutError(
            f"by zone {text(view.members)} members of which {text(view.reachable)} are reachable: that is no "
            f"{members} members of which {reachable} are"
        )
    up = view.reachable[view.zone]
    there = {UP: up, DOWN: view.members[view.zone] - up, None: 1}[target]
    if there < 1:
        raise LayoutError(f"zone {view.zone} of {text(view.members)} holds no member that is {target}")
