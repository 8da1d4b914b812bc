"""What a node does that finds itself in another swarm than its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from quorate.agent.join.certificate import Issued
from quorate.agent.join.joining import Joining
from quorate.errors import Failed, Unknown
from quorate.swarm.snapshot import Claim

OURS = Claim(state="READY", cluster_id="ours", addresses=("10.20.0.4:2377",))


def joining(leave: Any) -> Joining:
    nothing: Any = None
    engine: Any = SimpleNamespace(leave=leave)
    theirs = Issued(cluster_id="theirs", role="swarm-worker")
    return Joining(nothing, nothing, engine, nothing, nothing, issued=lambda: theirs)


def test_a_node_in_another_swarm_leaves_it_and_says_which_two() -> None:
    left: list[bool] = []
    with pytest.raises(Failed, match=r"joined swarm theirs, but this cluster's is ours: left it again"):
        joining(lambda: left.append(True)).verify(OURS)
    assert left == [True]


def test_a_node_in_another_swarm_whose_engine_does_not_let_it_go_says_both() -> None:
    def leave() -> None:
        raise Unknown("swarm leave: the engine did not answer")

    with pytest.raises(Failed, match=r"swarm theirs, but this cluster's is ours.*did not answer"):
        joining(leave).verify(OURS)
