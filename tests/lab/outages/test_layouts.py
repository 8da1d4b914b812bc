"""Other layouts than 2-2-1: one manager in each of three zones, and in each of five."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from quorate.lab.lab import Lab

from ..cluster.conftest import eventually, folder
from .conftest import PATIENCE, QUICK, Outsider

FIVE_ZONES = ("use1-az1", "use1-az2", "use1-az4", "use1-az5", "use1-az6")


@contextmanager
def one_in_each(zones: Sequence[str], survive: str) -> Iterator[Outsider]:
    """A manager in each zone, which runs tasks too, and no workers; `web` has three tasks."""
    with folder() as directory:
        lab = Lab(directory)
        lab.up(
            {
                "quorate:managers": str(len(zones)),
                "quorate:zones": str(list(zones)).replace("'", '"'),
                "quorate:survive": survive,
                "quorate:managersSchedulable": "true",
                "quorate:workers": "[]",
            }
        )
        seen = Outsider(lab)
        seen.docker(seen.manager(), *QUICK)
        image = seen.push_image()
        words = "service create --name web --replicas 3 --endpoint-mode dnsrr --detach"
        seen.docker(seen.manager(), *words.split(), image, "sleep", "100000")
        eventually(lambda: seen.running("web").total() == 3)
        yield seen


def led_and_served(seen: Outsider, *lost: str) -> None:
    eventually(lambda: seen.led(*lost), PATIENCE)
    eventually(lambda: seen.at_work("web", *lost) == 3, PATIENCE)


def test_three_over_three_lose_any_one_zone():
    with one_in_each(FIVE_ZONES[:3], "zone") as seen:
        before = seen.shape()
        for zone in FIVE_ZONES[:3]:
            seen.lab.switches.zone_down(zone)
            led_and_served(seen, zone)
            seen.lab.switches.zone_up(zone)
            seen.becomes_whole()
        assert seen.shape() == before


def test_five_over_five_lose_any_zone_and_a_second_one_and_not_a_third():
    with one_in_each(FIVE_ZONES, "2-zones") as seen:
        before = seen.shape()
        seen.lab.switches.zone_down(FIVE_ZONES[0])
        led_and_served(seen, FIVE_ZONES[0])
        # Around the ring: the next is lost too, then the one before returns.
        for lost, other in zip(FIVE_ZONES, (*FIVE_ZONES[1:], FIVE_ZONES[0]), strict=True):
            seen.lab.switches.zone_down(other)
            led_and_served(seen, lost, other)
            seen.lab.switches.zone_up(lost)
            led_and_served(seen, other)

        three = FIVE_ZONES[:3]
        for zone in three:
            seen.lab.switches.zone_down(zone)
        eventually(lambda: seen.leaderless(*three), PATIENCE)
        seen.lab.switches.zone_up(three[1])
        led_and_served(seen, three[0], three[2])
        seen.mend()
        assert seen.shape() == before
