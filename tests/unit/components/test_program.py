"""The program as a whole: what it refuses before anything exists, and what it always does."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import grpc
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

# What has no tags in pulumi_aws, and so carries none
UNTAGGED = {
    "aws:ec2/route:Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:kms/alias:Alias",
    "aws:kms/grant:Grant",
    "aws:dynamodb/tableItem:TableItem",
}
POOL = {"name": "a", "min": 1, "max": 2, "instanceTypes": ["t3.small"]}
REFUSED = {
    "five managers over two zones": {"zones": ["use1-az1", "use1-az2"]},
    "an even count": {"managers": 4},
    "an even layout that does not meet the goal": {"layout": [3, 2, 1]},
    "a layout for another number of zones": {"layout": [3, 2]},
    "a zone's name": {"zones": ["us-east-1a", "use1-az1", "use1-az2"]},
    "a network that is too small": {"vpcCidr": "10.20.0.0/24"},
    "an overlay on the VPC": {"overlayCidr": "10.16.0.0/12"},
    "a VPC on docker0": {"vpcCidr": "172.17.0.0/16"},
    "a VPC on docker_gwbridge": {"vpcCidr": "172.18.128.0/20"},
    "an overlay on Docker's bridges": {"overlayCidr": "172.16.0.0/12"},
    "one NAT gateway for a zone goal": {"egress": "single"},
    "repeated pool names": {"workers": [POOL, POOL]},
    "min above max": {"workers": [{**POOL, "min": 3}]},
    "desired above max": {"workers": [{**POOL, "desired": 3}]},
    "a misspelt key": {"mangers": 5},
    "a misspelt key of a pool": {"workers": [{**POOL, "lables": {}}]},
    "no image": {"image": None},
    "a reserved tag": {"tags": {"aws:owner": "x"}},
}


@pytest.mark.parametrize("keys", REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_configuration_is_refused_before_anything_is_declared_or_asked(refusal: Any, keys: Any) -> None:
    words, recorded = refusal(**keys)

    assert recorded.resources == [] and recorded.calls == []
    assert len(words.splitlines()) == 1
    assert re.match(r"quorate:[\w\[\].]+ = .+: .+; .+", words)


def test_an_unknown_zone_is_refused_with_the_zones_that_there_are_before_anything_is_declared(
    refusal: Any,
) -> None:
    words, recorded = refusal(zones=["use1-az1", "euc1-az1", "use1-az7"])

    assert recorded.resources == []
    assert recorded.calls
    first, second = words.splitlines()
    assert first.startswith("quorate:zones[1] = euc1-az1:") and second.startswith(
        "quorate:zones[2] = use1-az7:"
    )
    assert "use1-az1, use1-az2, use1-az3, use1-az4, use1-az5, use1-az6" in first


def test_a_stack_whose_name_cannot_name_resources_is_refused(refusal: Any) -> None:
    words, recorded = refusal(stack="dev.eu")

    assert "quorate-dev.eu" in words and recorded.resources == []


def test_a_second_namespace_is_left_alone(refusal: Any, deploy: Any) -> None:
    words, _ = refusal(extra={"quorate:managers": "2", "others:managers": "2"})

    assert words.startswith("quorate:managers = 2:") and "others" not in words


@pytest.mark.parametrize("silent", ["getAvailabilityZones", "getCallerIdentity", "getPartition"])
def test_an_aws_that_does_not_answer_ends_the_program_in_one_line_and_declares_nothing(
    refusal: Any, silent: str
) -> None:
    class Unreachable(grpc.RpcError):
        """As the engine hands on what a provider's call ended with."""

        def code(self) -> grpc.StatusCode:
            return grpc.StatusCode.UNKNOWN

        def details(self) -> str:
            return "dial tcp:\ncould not connect"

    class Silent(Mocks):
        def call(self, args: MockCallArgs) -> dict[str, Any]:
            if silent in args.token:
                raise Unreachable
            return {
                "names": ["us-east-1b", "us-east-1c", "us-east-1d"],
                "zoneIds": ["use1-az1", "use1-az2", "use1-az4"],
                "region": "us-east-1",
                "partition": "aws",
                "accountId": "1",
            }

        def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
            raise AssertionError("nothing may be declared")

    words, recorded = refusal(answers=Silent())

    assert recorded.resources == []
    assert len(words.splitlines()) == 1 and "could not connect" in words and "nothing was changed" in words


def test_the_lab_is_five_managers_2_2_1_and_three_workers(deploy: Any) -> None:
    stack = deploy()

    groups = stack.of("aws:autoscaling/group:Group")
    roles = Counter(tag["value"] for g in groups for tag in g.inputs["tags"] if tag["key"] == "quorate:role")
    assert roles == {"manager": 5, "worker": 1}
    assert stack.outputs["layout"] == [2, 2, 1]
    assert stack.outputs["tolerance"] == {"nodes": 2, "zones": 1, "zone_plus_nodes": 0}
    assert stack.outputs["zones"] == ["use1-az1", "use1-az2", "use1-az4"]
    assert stack.one("aws:autoscaling/group:Group", "worker-general").inputs["desiredCapacity"] == 3


def test_the_exports_name_what_was_made(deploy: Any) -> None:
    stack = deploy()

    named = {group.inputs["name"] for group in stack.of("aws:autoscaling/group:Group")}
    told = stack.outputs["groups"]
    assert {*told["managers"].values(), *told["workers"].values()} == named
    assert set(told["managers"]) == {f"manager-use1-az{n}" for n in ("1-1", "1-2", "2-1", "2-2", "4-1")}
    assert stack.outputs["table"] == stack.of("aws:dynamodb/table:Table")[0].inputs["name"] == "quorate-lab"
    assert stack.outputs["vpc"] == "Vpc/network-vpc"
    assert (stack.outputs["cluster"], stack.outputs["region"]) == ("quorate-lab", "us-east-1")


def test_every_resource_belongs_to_a_component_of_the_cluster(deploy: Any) -> None:
    stack = deploy()

    by_urn = {item.urn: item for item in stack.resources}
    for item in stack.custom:
        component = by_urn[item.parent]
        assert component.type.startswith("quorate:components:")
        assert by_urn[component.parent].type == "quorate:components:Cluster"


def test_everything_that_can_carry_tags_carries_the_operators_and_ours(deploy: Any) -> None:
    stack = deploy(tags={"owner": "platform"}, egress="endpoints")

    for item in stack.custom:
        if item.type in UNTAGGED:
            assert "tags" not in item.inputs
            continue
        tags = item.inputs["tags"]
        if isinstance(tags, list):
            tags = {tag["key"]: tag["value"] for tag in tags}
        assert tags["owner"] == "platform" and tags["quorate:cluster"] == "quorate-lab", item.name
        assert tags["Name"], item.name


def test_what_has_a_physical_name_is_deleted_before_it_is_replaced_and_no_two_share_one(deploy: Any) -> None:
    stack = deploy()

    named = [item for item in stack.custom if "name" in item.inputs]
    assert len(named) > 20
    assert all(item.delete_before_replace for item in named)
    assert max(Counter((item.type, item.inputs["name"]) for item in named).values()) == 1


def test_the_same_configuration_declares_the_same_again(deploy: Any) -> None:
    def declared(stack: Any) -> dict[str, Any]:
        return {item.urn: item.inputs for item in stack.resources}

    assert declared(deploy()) == declared(deploy(tags={}))


def test_two_stacks_of_one_project_share_no_physical_name(deploy: Any) -> None:
    def names(stack: Any) -> set[tuple[str, str]]:
        return {(item.type, item.inputs["name"]) for item in stack.custom if "name" in item.inputs}

    assert not names(deploy()) & names(deploy(stack="other"))


def test_going_from_three_to_five_managers_leaves_every_standing_slot_as_it_was(deploy: Any) -> None:
    three, five = deploy(managers=3), deploy(managers=5)

    kinds = ("aws:autoscaling/group:Group", "aws:ec2/launchTemplate:LaunchTemplate")
    before = {item.urn: item.inputs for kind in kinds for item in three.of(kind)}
    after = {item.urn: item.inputs for kind in kinds for item in five.of(kind)}
    assert len(after) - len(before) == 4
    assert {urn: after[urn] for urn in before} == before


def test_a_new_pool_changes_no_other_group_and_no_network(deploy: Any) -> None:
    before = {item.urn: item.inputs for item in deploy().custom}
    pools = [
        {"name": "general", "min": 1, "max": 6, "desired": 3, "instanceTypes": ["t3.small", "t3a.small"]},
        {"name": "batch", "min": 0, "max": 9, "instanceTypes": ["c5.large"], "spot": True},
    ]

    after = {item.urn: item.inputs for item in deploy(workers=pools).custom}

    changed = {urn.rsplit("::", 1)[1] for urn in before if after[urn] != before[urn]}
    assert changed == {"rendezvous-plan", "identity-worker"}


def test_nothing_that_the_program_declares_is_secret_but_the_unset_token(deploy: Any) -> None:
    stack = deploy()

    everything = json.dumps([item.inputs for item in stack.custom], default=str)
    assert "SWMTKN" not in everything
    parameter = stack.of("aws:ssm/parameter:Parameter")[0].inputs
    assert "value" not in parameter and "insecureValue" not in parameter


def test_the_example_stack_for_aws_can_be_deployed(example: Any) -> None:
    assert example.outputs["layout"] == [2, 2, 1]
    assert set(example.outputs["groups"]["workers"]) == {"general", "batch"}
