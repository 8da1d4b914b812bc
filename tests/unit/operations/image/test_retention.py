from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from quorate.operations.image.aws import Image
from quorate.operations.image.retention import Rule, judge

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def image(number: int, *, role: str = "manager", days: float = 100, shared: tuple[str, ...] = ()) -> Image:
    created = NOW - timedelta(days=days)
    return Image(f"ami-{number:08x}", f"n{number}", role, created, "available", (f"snap-{number}",), shared)


def going(
    images: list[Image], rule: Rule, in_use: dict[str, str] | None = None, published: set[str] | None = None
):
    verdicts = judge(images, rule, in_use=in_use or {}, published=published or set(), now=NOW)
    return {verdict.image.id for verdict in verdicts if verdict.stays is None}


def test_the_newest_of_each_role_stay_and_older_ones_go() -> None:
    managers = [image(n, days=100 + n) for n in range(4)]
    workers = [image(10 + n, role="worker", days=100 + n) for n in range(4)]
    assert going(managers + workers, Rule(newest=2)) == {image(n).id for n in (2, 3, 12, 13)}


def test_a_young_image_stays_whatever_its_rank() -> None:
    assert going([image(n, days=13) for n in range(6)], Rule(newest=0, days=14)) == set()


def test_an_image_that_others_may_boot_stays() -> None:
    assert going([image(1, shared=("123456789012",))], Rule(newest=0)) == set()


@given(
    ages=st.lists(st.integers(0, 400), min_size=1, max_size=12, unique=True),
    used=st.sets(st.integers(0, 11)),
    published=st.sets(st.integers(0, 11)),
    newest=st.integers(0, 5),
    days=st.integers(0, 100),
)
def test_what_is_in_use_or_published_never_goes(
    ages: list[int], used: set[int], published: set[int], newest: int, days: int
) -> None:
    images = [image(n, days=age) for n, age in enumerate(ages)]
    in_use = {image(n).id: "instance i-1" for n in used}
    kept = {image(n).id for n in published}
    gone = going(images, Rule(newest, days), in_use, kept)
    assert not gone & (set(in_use) | kept)
    # the witness: an image goes only when at least `newest` are younger than it, and it is `days` old
    for n, age in enumerate(ages):
        free = image(n).id not in in_use and image(n).id not in kept
        assert (image(n).id in gone) == (free and sum(a < age for a in ages) >= newest and age >= days)
