"""Waiting, with a clock that the test turns."""

from __future__ import annotations

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from quorate.swarm.patience import Backoff, Deadline


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@given(first=st.floats(0.05, 1), most=st.floats(1, 10), factor=st.floats(1, 3), share=st.floats(0, 1))
def test_pauses_grow_to_their_bound_and_stay_between_half_and_whole(
    first: float, most: float, factor: float, share: float
) -> None:
    backoff = Backoff(first, most, factor, draw=lambda low, high: low + share * (high - low))
    bound = first
    for pause in islice(backoff.pauses(), 30):
        assert bound / 2 <= pause <= bound + 1e-9
        bound = min(most, bound * factor)


@given(seconds=st.floats(0, 30))
def test_rounds_begin_at_once_and_end_with_the_deadline(seconds: float) -> None:
    clock = Clock()
    backoff = Backoff(0.5, 4.0, sleep=clock.sleep)
    rounds = list(backoff.rounds(Deadline(seconds, clock)))
    assert rounds[0] == 0
    assert clock.now <= seconds + 1e-6
    assert len(rounds) >= 2 or seconds == 0


def test_without_a_deadline_rounds_do_not_end() -> None:
    clock = Clock()
    assert list(islice(Backoff(sleep=clock.sleep).rounds(), 100)) == list(range(100))
