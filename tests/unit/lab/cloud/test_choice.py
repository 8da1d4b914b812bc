"""What Auto Scaling picks, against the tables of its documentation and a count done another way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.lab.cloud.scaling.choice import Candidate, Place, place, purchase, victims

PLACES = [Place("subnet-1", "a", "az1"), Place("subnet-2", "b", "az2"), Place("subnet-3", "c", "az3")]


def _policy(base: int, percentage: int) -> dict[str, Any]:
    return {
        "LaunchTemplate": {"Overrides": [{"InstanceType": "m6i.large"}, {"InstanceType": "m5.large"}]},
        "InstancesDistribution": {
            "OnDemandBaseCapacity": base,
            "OnDemandPercentageAboveBaseCapacity": percentage,
        },
    }


@pytest.mark.parametrize(
    ("base", "percentage", "total", "on_demand"),
    [
        (10, 0, 10, 10),
        (10, 0, 30, 10),
        (10, 50, 20, 15),
        (10, 50, 40, 25),
        (0, 0, 10, 0),
        (0, 70, 10, 7),
        (0, 70, 40, 28),
        (0, 100, 20, 20),
        (0, 50, 1, 1),
        (1, 25, 3, 2),
    ],
)
def test_purchases_are_divided_as_the_user_guide_s_table_says(
    base: int, percentage: int, total: int, on_demand: int
) -> None:
    # "Auto Scaling groups with multiple instance types and purchase options"; fractions favour on demand
    counts = Counter[bool]()
    for _ in range(total):
        counts[purchase(_policy(base, percentage), counts[False], counts[True]).spot] += 1
    assert (counts[False], counts[True]) == (on_demand, total - on_demand)


def test_without_a_policy_the_template_decides() -> None:
    chosen = purchase(None, 3, 0)
    assert (chosen.instance_type, chosen.spot, chosen.template) == (None, False, None)


def test_an_override_may_bring_a_template_of_its_own() -> None:
    policy = _policy(0, 100)
    policy["LaunchTemplate"]["Overrides"][0]["LaunchTemplateSpecification"] = {"LaunchTemplateId": "lt-arm"}
    assert purchase(policy, 0, 0).template == {"LaunchTemplateId": "lt-arm"}


def test_a_launch_goes_to_the_emptiest_open_zone() -> None:
    assert place(PLACES, ["a", "b"], set()) == PLACES[2]
    assert place(PLACES, ["a", "b"], {"az3"}) == PLACES[0]
    assert place(PLACES, ["a", "a", "c"], {"az3"}) == PLACES[1]
    assert place(PLACES, [], {"az1", "az2", "az3"}) is None


candidates = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=12).map(
    lambda drawn: [Candidate(f"i-{n}", zone, n, version) for n, (zone, version) in enumerate(drawn)]
)


@given(candidates, st.integers(0, 14))
def test_scale_in_levels_the_zones_from_the_top(held: list[Candidate], count: int) -> None:
    # given what is left by lowering the highest pile, one at a time
    piles = sorted(Counter(c.zone for c in held).values())
    for _ in range(min(count, len(held))):
        piles[-1] -= 1
        piles.sort()
    # then the zones are left with just that
    gone = victims(held, count, ["Default"])
    left = Counter(c.zone for c in held if c.instance_id not in gone)
    assert sorted(left.values()) == [pile for pile in piles if pile]
    assert len(set(gone)) == len(gone) == min(count, len(held))


@given(candidates, st.integers(0, 14), st.sets(st.integers(0, 11)))
def test_protected_instances_stay(held: list[Candidate], count: int, kept: set[int]) -> None:
    mixed = [Candidate(c.instance_id, c.zone, c.launched, c.version, c.launched in kept) for c in held]
    gone = victims(mixed, count, ["Default"])
    protected = {c.instance_id for c in mixed if c.protected}
    assert not protected & set(gone)
    assert len(gone) == min(count, len(mixed) - len(protected))


@pytest.mark.parametrize(
    ("policy", "first"),
    [
        ("Default", "old-template"),
        ("OldestLaunchTemplate", "old-template"),
        ("OldestInstance", "oldest"),
        ("NewestInstance", "newest"),
    ],
)
def test_within_a_zone_the_policy_decides(policy: str, first: str) -> None:
    held = [
        Candidate("oldest", "a", 1, 2),
        Candidate("old-template", "a", 2, 1),
        Candidate("newest", "a", 3, 2),
    ]
    assert victims(held, 1, [policy]) == (first,)
