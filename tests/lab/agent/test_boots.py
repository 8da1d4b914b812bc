"""Twenty boots of five managers, each with its own kills and its own trouble with AWS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from quorate.lab.lab import Lab

from .boots import Boots
from .cluster import Cluster
from .handmade import Handmade

SEEDS = range(1, 21)


@pytest.fixture(scope="module")
def boots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boots]:
    """One lab for all of them."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.start()
    try:
        made = Handmade(lab)
        made.prepare()
        ready = Boots(Cluster(lab, made))
        ready.prepare()
        yield ready
    finally:
        lab.down()


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}")
def test_whatever_befalls_a_boot_one_whole_swarm_comes_of_it(boots: Boots, seed: int) -> None:
    """Given five managers booting at once, when join and steward are killed, the claim's owner is struck
    before READY and AWS fails meanwhile, one swarm stands whole in the end and never lost its quorum."""
    boots.run(seed)
