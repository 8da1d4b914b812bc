"""The end of a cluster that has no leader any more: each manager lets its own instance go."""

from __future__ import annotations

from quorate.agent.metadata import Identity
from quorate.agent.userdata import UserData
from quorate.swarm.aws import Aws
from quorate.swarm.rendezvous import Rendezvous


def let_go(orders: UserData, identity: Identity, metadata: str) -> bool:
    """Complete this instance's own termination hook if every slot's group is being deleted; whether it was.

    One group that stays means a cluster that is to live: then a person decides, not this node.
    """
    aws = Aws(orders.region, metadata)
    plan = Rendezvous(aws, orders.table).read_plan()
    if plan is None:
        return False
    groups = aws.groups(sorted({slot.group for slot in plan.slots} | {orders.group}))
    own = groups.get(orders.group)
    if own is None or identity.instance not in {one.id for one in own.instances}:
        return False
    if not all(group.closing for group in groups.values()):
        return False
    return aws.complete(plan.termination_hook, orders.group, identity.instance, "CONTINUE")
