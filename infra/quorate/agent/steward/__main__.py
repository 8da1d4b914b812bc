"""`python -m quorate.agent.steward`: runs until SIGTERM, beside the engine of every manager."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from quorate.agent.journal import Journal
from quorate.agent.metadata import Metadata
from quorate.agent.steward.follow import Follower
from quorate.agent.steward.report import Report
from quorate.agent.surroundings import surroundings
from quorate.agent.userdata import read_user_data
from quorate.errors import QuorateError
from quorate.swarm.patience import Deadline

METADATA_SECONDS = 180.0


class _Stop(Exception):  # noqa: N818: it is no error
    """SIGTERM or SIGINT; raised wherever the steward is, as every step of it may be repeated."""


def main() -> int:
    journal = Journal("steward")
    place = surroundings()

    def stop(number: int, frame: FrameType | None) -> None:
        raise _Stop

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        metadata = Metadata(place.metadata)
        orders = read_user_data(metadata.wait_for("user-data", Deadline(METADATA_SECONDS)))
        if not orders.manages:
            journal.say("failed: user-data says worker, and a steward runs on managers only")
            return 2
        identity = metadata.identity(Deadline(METADATA_SECONDS))
        journal.say(f"started on {identity.instance}")
        follower = Follower(orders, identity, metadata, place.docker, Report(place.run), journal)
        follower.run(lambda: False)
    except _Stop:
        journal.say("stopped")
    except QuorateError as error:
        journal.say(f"failed: {error}")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
