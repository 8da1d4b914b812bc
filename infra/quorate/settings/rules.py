"""What the values of a configuration must be to one another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from quorate.layout import Goal, alternatives, even_spread, meets, quorum
from quorate.layout.goals import worst_loss
from quorate.layout.spreads import LOSSES
from quorate.settings.model import MOST_MANAGERS, MOST_ZONES, Egress, Pool, Settings
from quorate.settings.networks import network_problems
from quorate.settings.problems import Problem

# https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html: a g among the attributes
ARM_FAMILY = re.compile(r"(a1|[a-z]+\d+[a-z]*g[a-z]*)(-[a-z0-9]+)?\.")


def problems(settings: Settings) -> list[Problem]:
    """Every value that does not go with another, each once."""
    return [
        *_goal(settings),
        *_egress(settings),
        *_pools(settings),
        *_architecture(settings),
        *network_problems(settings),
    ]


def _goal(settings: Settings) -> Iterator[Problem]:
    zones, goal = len(settings.zones), settings.survive
    if settings.layout and len(settings.layout) != zones:
        yield Problem(
            "layout",
            list(settings.layout),
            f"must have {zones} numbers, one for each of zones",
            f"it gives managers for {len(settings.layout)} zones and the stack has {zones}",
        )
        return
    spread = settings.layout or even_spread(settings.managers, zones)
    if meets(spread, goal):
        return
    count, left = sum(spread), sum(spread) - min(worst_loss(spread, goal), sum(spread))
    reason = (
        f"after the loss of {LOSSES[goal]}, {left} of {count} managers may be left and the quorum is "
        f"{quorum(count)}; would do: {_would_do(count, zones, goal)}"
    )
    if settings.layout:
        yield Problem("layout", list(spread), f"must meet survive: {goal}", reason)
    else:
        bound = f"cannot be met by {_counted(settings.managers, 'manager')} over {_counted(zones, 'zone')}"
        yield Problem("survive", goal.value, bound, reason)


def _would_do(managers: int, zones: int, goal: Goal) -> str:
    spreads = [
        spread
        for spread in alternatives(managers, zones, goal)
        if sum(spread) <= MOST_MANAGERS and len(spread) <= MOST_ZONES
    ]
    named = [
        f"{_counted(sum(s), 'manager')} over {_counted(len(s), 'zone')} as {'-'.join(map(str, s))}"
        for s in spreads[:3]
    ]
    return ", ".join(named) or f"nothing with at most {MOST_MANAGERS} managers, so a lesser goal"


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'s' * (count != 1)}"


def _egress(settings: Settings) -> Iterator[Problem]:
    if settings.egress is Egress.SINGLE and settings.survive in (
        Goal.ZONE,
        Goal.ZONE_AND_NODE,
        Goal.TWO_ZONES,
    ):
        yield Problem(
            "egress",
            settings.egress.value,
            f"must be per-zone or endpoints with survive: {settings.survive}",
            "the zone of the one NAT gateway would take AWS from every manager when it is lost",
        )


def _pools(settings: Settings) -> Iterator[Problem]:
    names = [pool.name for pool in settings.workers]
    for position, pool in enumerate(settings.workers):
        key = f"workers[{position}]"
        if pool.name in names[:position]:
            yield Problem(
                f"{key}.name",
                pool.name,
                "must be the name of one pool alone",
                f"workers[{names.index(pool.name)}] has it already, and a group has one name",
            )
        yield from _pool_bounds(key, pool)


def _pool_bounds(key: str, pool: Pool) -> Iterator[Problem]:
    if pool.min > pool.max:
        yield Problem(
            f"{key}.min", pool.min, f"must be at most max, which is {pool.max}", "the pool could have no size"
        )
    elif not pool.min <= pool.first_desired <= pool.max:
        yield Problem(
            f"{key}.desired",
            pool.desired,
            f"must be {pool.min} to {pool.max}",
            "Auto Scaling takes no desired count outside of min and max",
        )


def _architecture(settings: Settings) -> Iterator[Problem]:
    arm = bool(ARM_FAMILY.match(settings.manager_instance_type))
    typed = chain.from_iterable(
        ((f"workers[{position}].instanceTypes[{nth}]", name) for nth, name in enumerate(pool.instance_types))
        for position, pool in enumerate(settings.workers)
    )
    for key, name in typed:
        if bool(ARM_FAMILY.match(name)) != arm:
            yield Problem(
                key,
                name,
                f"must have the {'arm64' if arm else 'x86_64'} processors of managerInstanceType "
                f"{settings.manager_instance_type}",
                "an image is of one architecture, and so are all nodes",
            )
