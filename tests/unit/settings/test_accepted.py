"""What a configuration means when it is accepted."""

from __future__ import annotations

import itertools
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from quorate.settings import Egress, Region, Settings, SettingsRefused, check_zones, parse
from quorate.settings.networks import private_subnet, public_subnet

ROOT = Path(__file__).resolve().parents[3]
NEEDED = {"quorate:zones": '["use1-az1","use1-az2","use1-az4"]', "quorate:image": "ami-12345678"}
REGION = Region("us-east-1", "aws", "123456789012", {f"use1-az{n}": f"us-east-1{n}" for n in range(1, 7)})


def test_texts_and_json_become_typed_values(settings: Any) -> None:
    typed = settings(managersSchedulable="true", egress="endpoints", tags={"owner": "platform"})

    assert typed.managers == 5 and typed.managers_schedulable is True
    assert typed.zones == ("use1-az1", "use1-az2", "use1-az4")
    assert typed.egress is Egress.ENDPOINTS and typed.tags == {"owner": "platform"}
    (pool,) = typed.workers
    assert (pool.name, pool.min, pool.max, pool.first_desired, pool.spot) == ("general", 1, 6, 3, False)


def test_values_that_are_typed_already_are_taken_too() -> None:
    config = {"quorate:managers": 3, "quorate:zones": ["use1-az1", "use1-az2", "use1-az4"]}

    assert parse({**NEEDED, **config}, project="quorate", stack="lab").managers == 3


def test_the_namespace_is_the_projects_own_name() -> None:
    config = {key.replace("quorate:", "mine:"): value for key, value in NEEDED.items()}

    assert parse({**config, "quorate:managers": "4"}, project="mine", stack="lab").managers == 3
    with pytest.raises(SettingsRefused, match=r"^mine:managers = 4:"):
        parse({**config, "mine:managers": "4"}, project="mine", stack="lab")


@pytest.mark.parametrize(
    ("managers", "spread"), [(1, (1, 0, 0)), (3, (1, 1, 1)), (5, (2, 2, 1)), (7, (3, 2, 2))]
)
def test_without_a_layout_the_spread_is_the_best_one(settings: Any, managers: int, spread: Any) -> None:
    assert settings(managers=managers, survive="none").spread == spread


@pytest.mark.parametrize("layout", [[2, 2, 2], [1, 2, 2], [1, 1, 1], [2, 2, 3]])
def test_an_explicit_layout_may_differ_from_the_count_and_be_even_while_it_meets_the_goal(
    settings: Any, layout: list[int]
) -> None:
    assert settings(managers=5, layout=layout).spread == tuple(layout)


def test_an_empty_layout_is_none(settings: Any) -> None:
    assert settings(layout="[]").spread == (2, 2, 1)


@pytest.mark.parametrize("goal", ["none", "node"])
def test_one_nat_gateway_is_enough_where_no_zone_has_to_be_survived(settings: Any, goal: str) -> None:
    assert settings(egress="single", survive=goal).egress is Egress.SINGLE


@pytest.mark.parametrize(
    "image",
    ["ami-12345678", "ami-0123456789abcdef0", "resolve:ssm:/quorate/image", "resolve:ssm:/quorate/image:3"],
)
def test_an_image_is_an_id_or_a_parameter_that_holds_one(settings: Any, image: str) -> None:
    assert settings(image=image).image == image


def test_workers_boot_from_the_managers_image_unless_they_have_their_own(settings: Any) -> None:
    one = settings(image="ami-12345678")
    assert (one.image_for("manager"), one.image_for("worker")) == ("ami-12345678", "ami-12345678")
    two = settings(image="ami-12345678", workerImage="resolve:ssm:/quorate/images/worker")
    assert two.image_for("manager") == "ami-12345678"
    assert two.image_for("worker") == "resolve:ssm:/quorate/images/worker"


@pytest.mark.parametrize(
    "types",
    [["t4g.small", "m7g.large", "c6gn.xlarge", "r8gd.large", "a1.large", "im4gn.large", "x2gd.large"]],
)
def test_graviton_types_go_with_graviton_managers(settings: Any, types: list[str]) -> None:
    pools = [{"name": "a", "min": 0, "max": 1, "instanceTypes": types}]

    assert settings(managerInstanceType="t4g.small", workers=pools).workers[0].instance_types == tuple(types)


@pytest.mark.parametrize(
    "types", [["g4dn.xlarge", "g5.xlarge", "m5.large", "p4d.24xlarge", "u7i-12tb.224xlarge"]]
)
def test_a_g_for_graphics_is_no_graviton(settings: Any, types: list[str]) -> None:
    pools = [{"name": "a", "min": 0, "max": 1, "instanceTypes": types}]

    assert settings(workers=pools).workers[0].instance_types == tuple(types)


def test_zones_of_the_region_pass(settings: Any) -> None:
    check_zones(settings(), REGION, "quorate")


def test_zones_that_the_region_lacks_are_refused_with_those_it_has(settings: Any) -> None:
    elsewhere = Region("eu-central-1", "aws", "1", {"euc1-az1": "eu-central-1c", "euc1-az2": "eu-central-1a"})

    with pytest.raises(SettingsRefused) as caught:
        check_zones(settings(), elsewhere, "quorate")

    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert all("must be a zone of eu-central-1, which has euc1-az1, euc1-az2;" in line for line in lines)


def test_the_project_file_declares_every_key_with_the_default_that_the_settings_have() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    defaults = parse(NEEDED, project="quorate", stack="lab").model_dump(mode="json", by_alias=True)
    required = {"zones", "image"}

    assert declared.keys() == defaults.keys()
    assert {key for key, about in declared.items() if "default" not in about} == required
    assert {key: about["default"] for key, about in declared.items() if key not in required} == {
        key: value for key, value in defaults.items() if key not in required
    }
    assert all(about["description"] and about["type"] for about in declared.values())


def test_the_declared_types_are_those_of_the_settings() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    dumped = parse(NEEDED, project="quorate", stack="lab").model_dump(mode="json", by_alias=True)

    named = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
    assert {key: about["type"] for key, about in declared.items()} == {
        key: named[type(value)] for key, value in dumped.items()
    }


@pytest.mark.parametrize("name", ["lab", "aws-example"])
def test_the_stack_files_that_come_with_quorate_are_accepted(name: str) -> None:
    config = yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())["config"]

    assert parse(config, project="quorate", stack=name).spread == (2, 2, 1)


NETWORKS = st.builds(
    lambda prefix, number: list(IPv4Network("10.0.0.0/8").subnets(new_prefix=prefix))[
        number % 2 ** (prefix - 8)
    ],
    st.integers(16, 22),
    st.integers(0, 2**14),
)
ZONE_IDS = st.integers(1, 7).map(lambda number: f"apne1-az{number}")


@given(vpc=NETWORKS, zones=st.sets(ZONE_IDS, min_size=2))
def test_subnets_of_any_zones_lie_in_the_vpc_apart_from_one_another_and_hold_eleven_addresses(
    vpc: IPv4Network, zones: set[str]
) -> None:
    cut = [subnet(vpc, zone) for zone in zones for subnet in (private_subnet, public_subnet)]

    assert all(network.subnet_of(vpc) for network in cut)
    assert all(network.num_addresses - 5 >= 11 for network in cut)
    taken = [address for network in cut for address in (int(network[0]), int(network[-1]))]
    ends = sorted(zip(taken[::2], taken[1::2], strict=True))
    assert all(last < first for (_, last), (first, _) in itertools.pairwise(ends))


@given(
    raw=st.dictionaries(
        st.sampled_from(sorted(Settings.model_json_schema()["properties"])), st.text(max_size=20)
    )
)
def test_whatever_text_is_given_the_answer_is_settings_or_lines(raw: dict[str, str]) -> None:
    config = {**NEEDED, **{f"quorate:{key}": value for key, value in raw.items()}}

    try:
        assert isinstance(parse(config, project="quorate", stack="lab"), Settings)
    except SettingsRefused as refused:
        assert len(str(refused).splitlines()) == len(refused.problems)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(raw=st.dictionaries(st.sampled_from(sorted(Settings.model_json_schema()["properties"])), JSON))
def test_whatever_structure_is_given_the_answer_is_settings_or_lines(raw: dict[str, Any]) -> None:
    config = {**NEEDED, **{f"quorate:{key}": value for key, value in raw.items()}}

    try:
        assert isinstance(parse(config, project="quorate", stack="lab"), Settings)
    except SettingsRefused as refused:
        assert len(str(refused).splitlines()) == len(refused.problems)
