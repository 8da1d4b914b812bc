"""`python -m quorate.agent.join`: exit 0 as a verified member; else why not, and the hook is abandoned."""

from __future__ import annotations

import sys

from quorate.agent.ending import let_go
from quorate.agent.join.boot import Boot
from quorate.agent.join.certificate import read_certificate
from quorate.agent.join.hook import LaunchHook
from quorate.agent.journal import Journal
from quorate.agent.metadata import Metadata
from quorate.agent.surroundings import Surroundings, surroundings
from quorate.agent.userdata import UserData, group_in, read_user_data
from quorate.errors import Failed, QuorateError
from quorate.swarm.aws import Aws
from quorate.swarm.engine import Engine
from quorate.swarm.local import answers
from quorate.swarm.patience import Backoff, Deadline
from quorate.swarm.rendezvous import Rendezvous

METADATA_SECONDS = 180.0
ENGINE_SECONDS = 180.0
LAUNCH_HOOK = "quorate-launch"  # named in user-data; needed here where that cannot be read


def main() -> int:
    place, journal = surroundings(), Journal("join")
    metadata = Metadata(place.metadata)
    body = b""
    try:
        body = metadata.wait_for("user-data", Deadline(METADATA_SECONDS))
        orders = read_user_data(body)
    except QuorateError as error:
        journal.say(f"failed: {error}")
        _abandon_blindly(metadata, journal, str(error), body)
        return error.exit_code
    return _boot(place, journal, metadata, orders)


def _boot(place: Surroundings, journal: Journal, metadata: Metadata, orders: UserData) -> int:
    try:
        identity = metadata.identity(Deadline(METADATA_SECONDS))
    except QuorateError as error:
        journal.say(f"failed: {error}")
        return error.exit_code
    aws = Aws(orders.region, place.metadata)
    hook = LaunchHook(aws, orders.launch_hook, orders.group, identity.instance, journal)
    boot = Boot(
        orders,
        identity,
        Engine(place.docker),
        aws,
        hook,
        journal,
        store=Rendezvous(aws, orders.table),
        issued=lambda: read_certificate(place.certificate),
        let_go=lambda: metadata.is_to_end() and let_go(orders, identity, metadata.endpoint),
    )
    try:
        _wait_for_engine(place.docker)
        boot.become_member()
    except QuorateError as error:
        journal.say(f"failed: {error}")
        hook.abandon(str(error))
        return error.exit_code
    try:
        boot.finish()
    except QuorateError as error:
        journal.say(f"failed: a member, but {error}")
        return error.exit_code
    return 0


def _wait_for_engine(docker: str) -> None:
    for _ in Backoff(first=0.1, most=1.0, factor=1.2).rounds(Deadline(ENGINE_SECONDS)):
        if answers(docker):
            return
    raise Failed(f"the engine at {docker} did not answer within {ENGINE_SECONDS:.0f} s. Look at its journal")


def _abandon_blindly(metadata: Metadata, journal: Journal, reason: str, body: bytes) -> None:
    """Abandon the launch hook of orders that cannot be used.

    Instance and region are the metadata service's to say. The group is named by the instance's tags, where
    the service shows them, or by the orders, as far as they can be read: the role's policy sees to it that no
    hook but one of this cluster can be meant.
    """
    try:
        instance, region, group = (
            (metadata.get(path) or b"").decode("utf-8", "replace").strip()
            for path in (
                "meta-data/instance-id",
                "meta-data/placement/region",
                "meta-data/tags/instance/aws:autoscaling:groupName",
            )
        )
    except QuorateError as error:
        journal.say(f"launch hook: not abandoned: {error}")
        return
    group = group or group_in(body)
    if not (instance and region and group):
        journal.say("launch hook: not abandoned, as nothing names this instance's group: it will time out")
        return
    LaunchHook(Aws(region, metadata.endpoint), LAUNCH_HOOK, group, instance, journal).abandon(reason)


if __name__ == "__main__":
    sys.exit(main())
