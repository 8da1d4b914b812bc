"""Every bad value gets one line: the key, the value, the bound, the reason."""

from __future__ import annotations

from typing import Any

import pytest

POOL: dict[str, Any] = {"name": "a", "min": 1, "max": 4, "desired": 2, "instanceTypes": ["t3.small"]}


def pool(**changes: Any) -> dict[str, Any]:
    return {"workers": [{key: v for key, v in {**POOL, **changes}.items() if v is not None}]}


# what is set, the start of the line, and words of the bound or the reason that must be in it
CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "an even count": ({"managers": 4}, "managers = 4", "odd: 1, 3, 5 or 7"),
    "no managers": ({"managers": 0}, "managers = 0", "odd: 1, 3, 5 or 7"),
    "more managers than Swarm advises": ({"managers": 9}, "managers = 9", "Swarm advises at most 7"),
    "managers below zero": ({"managers": -3}, "managers = -3", "odd"),
    "a count in words": ({"managers": "five"}, "managers = five", "odd"),
    "half a manager": ({"managers": 2.5}, "managers = 2.5", "odd"),
    "managers that are true": ({"workers": [{**POOL, "min": True}]}, "workers[0].min = true", "whole number"),
    "an unknown goal": ({"survive": "zones"}, "survive = zones", "none, node, zone, zone+node, 2-zones"),
    "zones left out": ({"zones": None}, "zones = (not set)", "zone ids"),
    "no zones": ({"zones": []}, "zones = []", "1 to 7"),
    "zones without brackets": ({"zones": "use1-az1,use1-az2"}, "zones = use1-az1,use1-az2", "list"),
    "a zone's name": ({"zones": ["us-east-1a"]}, "zones[0] = us-east-1a", "its id does not"),
    "a local zone": ({"zones": ["usw2-lax1-az1"]}, "zones[0] =", "zone ids"),
    "a zone twice": ({"zones": ["use1-az1", "use1-az1", "use1-az2"]}, "zones =", "different zone ids"),
    "a zone that is a number": ({"zones": [1, "use1-az1", "use1-az2"]}, "zones[0] = 1", "zone ids"),
    "a layout below zero": ({"layout": [3, -1, 3]}, "layout[1] = -1", "managers per zone"),
    "a layout of too many": ({"layout": [3, 3, 3]}, "layout = [3, 3, 3]", "1 to 7 in all"),
    "a layout of nobody": ({"layout": [0, 0, 0]}, "layout = [0, 0, 0]", "1 to 7 in all"),
    "a layout for two zones": ({"layout": [1, 2]}, "layout = [1, 2]", "3 numbers"),
    "a layout that breaks the goal": ({"layout": [3, 1, 1]}, "layout = [3, 1, 1]", "must meet survive: zone"),
    "an even layout that breaks it": ({"layout": [2, 1, 1]}, "layout = [2, 1, 1]", "2 of 4 managers"),
    "two zones": ({"zones": ["use1-az1", "use1-az2"]}, "survive = zone", "5 managers over 2 zones"),
    "two zones lost of three": ({"survive": "2-zones"}, "survive = 2-zones", "5 managers over 3 zones"),
    "a zone and a node": ({"survive": "zone+node"}, "survive = zone+node", "would do:"),
    "one manager for a node goal": ({"managers": 1, "survive": "node"}, "survive = node", "0 of 1 managers"),
    "schedulable perhaps": ({"managersSchedulable": "perhaps"}, "managersSchedulable = perhaps", "or false"),
    "a network with host bits": ({"vpcCidr": "10.20.0.1/16"}, "vpcCidr = 10.20.0.1/16", "no host bits"),
    "no network": ({"vpcCidr": "here"}, "vpcCidr = here", "IPv4 network"),
    "a network of IPv6": ({"vpcCidr": "fd00::/48"}, "vpcCidr = fd00::/48", "IPv4 network"),
    "a VPC too small": ({"vpcCidr": "10.20.0.0/23"}, "vpcCidr = 10.20.0.0/23", "/16 to a /22"),
    "a VPC too large": ({"vpcCidr": "10.0.0.0/15"}, "vpcCidr = 10.0.0.0/15", "AWS takes no larger"),
    "a public VPC": ({"vpcCidr": "8.8.0.0/16"}, "vpcCidr = 8.8.0.0/16", "must lie within"),
    "an overlay too small": ({"overlayCidr": "10.128.0.0/21"}, "overlayCidr = 10.128.0.0/21", "/8 to a /20"),
    "a public overlay": ({"overlayCidr": "11.0.0.0/16"}, "overlayCidr = 11.0.0.0/16", "must lie within"),
    "an overlay over the VPC": ({"overlayCidr": "10.0.0.0/8"}, "overlayCidr =", "vpcCidr 10.20.0.0/16"),
    "an overlay within the VPC": ({"overlayCidr": "10.20.16.0/20"}, "overlayCidr =", "vpcCidr 10.20.0.0/16"),
    "a VPC on docker0": ({"vpcCidr": "172.17.0.0/16"}, "vpcCidr = 172.17.0.0/16", "docker0"),
    "a part of docker0": ({"vpcCidr": "172.17.240.0/20"}, "vpcCidr = 172.17.240.0/20", "docker0"),
    "a VPC on the gateway bridge": ({"vpcCidr": "172.18.0.0/16"}, "vpcCidr =", "docker_gwbridge"),
    "an overlay on both": ({"overlayCidr": "172.16.0.0/12"}, "overlayCidr =", "docker0 and docker_gw"),
    "too few addresses": ({"vpcCidr": "10.20.0.0/22", **pool(max=150)}, "vpcCidr =", "155 addresses, and"),
    "an unknown way out": ({"egress": "nat"}, "egress = nat", "per-zone, single, endpoints"),
    "one way out for a zone goal": ({"egress": "single"}, "egress = single", "survive: zone"),
    "an image by name": ({"image": "debian-12"}, "image = debian-12", "ami-…"),
    "an image id too short": ({"image": "ami-12"}, "image = ami-12", "ami-…"),
    "no image": ({"image": None}, "image = (not set)", "ami-…"),
    "a worker image by name": ({"workerImage": "debian-12"}, "workerImage = debian-12", "ami-…"),
    "no instance type": ({"managerInstanceType": "small"}, "managerInstanceType = small", "t3.small"),
    "pools that are no list": ({"workers": {}}, "workers = {}", "list of at most 20 pools"),
    "a pool that is a name": ({"workers": ["general"]}, "workers[0] = general", "pools"),
    "a pool without a name": (pool(name=None), "workers[0].name = (not set)", "1 to 32"),
    "a pool's name in capitals": (pool(name="General"), "workers[0].name = General", "a-z, 0-9 and -"),
    "a pool's name with a dot": (pool(name="a.b"), "workers[0].name = a.b", "a-z, 0-9 and -"),
    "a pool's name too long": (pool(name="a" * 33), "workers[0].name =", "1 to 32"),
    "min above max": (pool(min=5, desired=None), "workers[0].min = 5", "at most max, which is 4"),
    "desired below min": (pool(desired=0), "workers[0].desired = 0", "1 to 4"),
    "desired above max": (pool(desired=5), "workers[0].desired = 5", "1 to 4"),
    "min below zero": (pool(min=-1), "workers[0].min = -1", "whole number from 0"),
    "a pool without types": (pool(instanceTypes=[]), "workers[0].instanceTypes = []", "1 to 40"),
    "a type twice": (pool(instanceTypes=["t3.small"] * 2), "workers[0].instanceTypes =", "different"),
    "a type that is none": (pool(instanceTypes=["x"]), "workers[0].instanceTypes[0] = x", "instance types"),
    "types of two architectures": (
        pool(instanceTypes=["m7g.large"]), "workers[0].instanceTypes[0] = m7g.large", "x86_64",
    ),
    "spot perhaps": (pool(spot="some"), "workers[0].spot = some", "true or false"),
    "a label of Quorate's": (pool(labels={"quorate.zone": "x"}), "workers[0].labels =", "quorate."),
    "a label of Docker's": (pool(labels={"com.docker.x": "x"}), "workers[0].labels =", "com.docker."),
    "a label that is a number": (pool(labels={"disks": 4}), "workers[0].labels.disks = 4", "texts"),
    "an AWS tag": ({"tags": {"AWS:x": "y"}}, "tags =", "not starting with aws:"),
    "a tag of Quorate's": ({"tags": {"quorate:role": "y"}}, "tags =", "quorate:"),
    "the tag Name": ({"tags": {"Name": "y"}}, "tags =", "not Name"),
    "a tag's value too long": ({"tags": {"x": "y" * 257}}, "tags =", "256"),
    "a tag of two lines": ({"tags": {"x": "y\nz"}}, "tags =", "letters, digits, spaces"),
    "too many tags": ({"tags": {f"t{n}": "" for n in range(41)}}, "tags =", "at most 40"),
    "tags that are no object": ({"tags": "a=b"}, "tags = a=b", "an object"),
}  # fmt: skip


@pytest.mark.parametrize(("keys", "start", "because"), CASES.values(), ids=CASES.keys())
def test_a_bad_value_is_refused_with_key_value_bound_and_reason_on_one_line(
    lines: Any, keys: dict[str, Any], start: str, because: str
) -> None:
    (line,) = lines(**keys)

    assert line.startswith(f"quorate:{start}")
    assert because in line
    assert line.count(": ") >= 1 and "; " in line


def test_two_pools_of_one_name_are_refused_at_the_second(lines: Any) -> None:
    (line,) = lines(workers=[POOL, {**POOL, "name": "b"}, POOL])

    assert line.startswith("quorate:workers[2].name = a:") and "workers[0] has it already" in line


def test_more_than_twenty_pools_are_refused(lines: Any) -> None:
    (line,) = lines(workers=[{**POOL, "name": f"pool-{n}"} for n in range(21)])

    assert "at most 20 pools" in line


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("mangers", "managers"),
        ("Zones", "zones"),
        ("zone", "zones"),
        ("survives", "survive"),
        ("vpcCIDR", "vpcCidr"),
        ("vpc_cidr", "vpcCidr"),
        ("overlay", "overlayCidr"),
        ("manager_instance_type", "managerInstanceType"),
        ("worker", "workers"),
        ("tag", "tags"),
    ],
)
def test_an_unknown_key_gets_the_nearest_name(lines: Any, typed: str, meant: str) -> None:
    (line,) = lines(**{typed: "1"})

    assert line.startswith(f"quorate:{typed} = 1: there is no such key, the nearest is {meant};")


@pytest.mark.parametrize(
    ("typed", "meant"), [("lable", "labels"), ("instance_types", "instanceTypes"), ("minimum", "min")]
)
def test_an_unknown_key_of_a_pool_gets_the_nearest_name_of_a_pools_keys(
    lines: Any, typed: str, meant: str
) -> None:
    (line,) = lines(workers=[{**POOL, typed: "1"}])

    assert line.startswith(f"quorate:workers[0].{typed} = 1: there is no such key, the nearest is {meant};")


def test_several_bad_values_get_a_line_each(lines: Any) -> None:
    given = lines(managers=4, zones=["here"], egress="nat", mangers=3)

    keys = [line.split(" = ")[0].removeprefix("quorate:") for line in given]
    assert sorted(keys) == ["egress", "managers", "mangers", "zones[0]"]


def test_a_value_of_many_lines_is_shown_on_one_and_cut(lines: Any) -> None:
    (line,) = lines(egress="a\nb" * 200)

    assert len(line) < 400


@pytest.mark.parametrize("goal", ["zone", "zone+node", "2-zones"])
def test_one_nat_gateway_is_refused_with_every_goal_that_survives_a_zone(lines: Any, goal: str) -> None:
    zones = [f"use1-az{n}" for n in range(1, 6)]

    (line,) = lines(egress="single", survive=goal, managers=5, zones=zones)

    assert line.startswith("quorate:egress = single:")


@pytest.mark.parametrize("stack", ["dev.eu", "x" * 50, "a b", "ä"])
def test_a_stack_whose_name_cannot_be_in_aws_names_is_refused(lines: Any, stack: str) -> None:
    (line,) = lines(stack=stack)

    assert line.startswith("quorate:stack =") and "roles, keys and groups" in line


def test_layouts_that_would_do_are_named_nearest_first_and_within_the_bounds(lines: Any) -> None:
    (line,) = lines(zones=["use1-az1", "use1-az2"])

    offered = line.split("would do: ")[1].split(", ")
    assert offered[0] == "5 managers over 3 zones as 2-2-1"
    for offer in offered:
        spread = [int(count) for count in offer.rsplit(" ", 1)[1].split("-")]
        assert sum(spread) <= 7 and sum(spread) - max(spread) > sum(spread) / 2


@pytest.mark.parametrize(("kind", "reason"), [("arm", "arm64"), ("x86", "x86_64")])
def test_all_instance_types_must_run_the_one_image(lines: Any, kind: str, reason: str) -> None:
    managers, workers = ("t4g.small", "t3.small") if kind == "arm" else ("t3.small", "t4g.small")

    (line,) = lines(managerInstanceType=managers, **pool(instanceTypes=[workers]))

    assert f"must have the {reason} processors" in line
