"""Checking, naming and comparing inputs: what needs no cloud."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

import pytest

from quorate.errors import UsageError
from quorate.lab.provider.aws import Aws
from quorate.lab.provider.provider import Provider, Thing
from quorate.lab.provider.row import Row
from quorate.lab.provider.rows import ROWS
from quorate.lab.provider.values import UNKNOWN

VPC = "aws:ec2/vpc:Vpc"
ROLE = "aws:iam/role:Role"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
SCALING = "aws:autoscaling/group:Group"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


@pytest.fixture(scope="module")
def unplugged() -> Provider:
    """A provider whose every call would fail."""
    return Provider(Aws({}, "us-east-1"))


def reasons(provider: Provider, token: str, **inputs: Any) -> dict[str, str]:
    return {each.property: each.reason for each in provider.check(token, "x", {}, inputs).failures}


def test_a_property_that_the_row_does_not_consume_is_refused_by_name(unplugged: Provider) -> None:
    found = reasons(unplugged, VPC, cidrBlock="10.0.0.0/16", instanceTenancy="dedicated")
    assert list(found) == ["instanceTenancy"]
    assert "does not know" in found["instanceTenancy"]


def test_a_misspelt_property_is_told_its_nearest_name(unplugged: Provider) -> None:
    assert "did you mean cidrBlock?" in reasons(unplugged, VPC, cidrBlok="10.0.0.0/16")["cidrBlok"]


def test_a_property_inside_a_block_is_refused_with_its_place(unplugged: Provider) -> None:
    found = reasons(unplugged, TEMPLATE, blockDeviceMappings=[{"ebs": {"iops": 3000}}])
    assert list(found) == ["blockDeviceMappings[0].ebs.iops"]


def test_a_missing_property_is_asked_for_by_name(unplugged: Provider) -> None:
    assert reasons(unplugged, ROLE) == {"assumeRolePolicy": "is required"}


@pytest.mark.parametrize(
    ("token", "inputs", "wrong"),
    [
        (SCALING, {"minSize": 1.5, "maxSize": 2}, "minSize"),
        (SCALING, {"minSize": "many", "maxSize": 2}, "minSize"),
        (SCALING, {"minSize": 3, "maxSize": 2, "launchTemplate": {"id": "lt-1"}}, "minSize"),
        (SCALING, {"minSize": 0, "maxSize": 2, "tags": {"a": "b"}}, "tags"),
        (VPC, {"enableDnsSupport": "maybe"}, "enableDnsSupport"),
        (VPC, {"tags": ["a"]}, "tags"),
        (ROLE, {"assumeRolePolicy": "{not json"}, "assumeRolePolicy"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(
    unplugged: Provider, token: str, inputs: dict[str, Any], wrong: str
) -> None:
    assert wrong in reasons(unplugged, token, **inputs)


def test_whole_numbers_arrive_as_floats_and_leave_as_integers(unplugged: Provider) -> None:
    checked = unplugged.check(
        SCALING, "x", {}, {"minSize": 1.0, "maxSize": 3.0, "launchTemplate": {"id": "lt-1"}}
    )
    assert repr(checked.inputs["maxSize"]) == "3"


def test_an_unknown_type_and_function_are_refused_by_name(unplugged: Provider) -> None:
    with pytest.raises(UsageError, match="aws:s3/bucket:Bucket"):
        unplugged.check("aws:s3/bucket:Bucket", "x", {}, {})
    with pytest.raises(UsageError, match="getAmi"):
        unplugged.invoke("aws:ec2/getAmi:getAmi", {})
    with pytest.raises(UsageError, match="allAvailabilityZones"):
        unplugged.invoke(
            "aws:index/getAvailabilityZones:getAvailabilityZones", {"allAvailabilityZones": True}
        )


class TestNames:
    """What the program does not name gets a name, and keeps it."""

    def test_a_made_up_name_is_the_logical_one_and_seven_digits(self, unplugged: Provider) -> None:
        checked = unplugged.check(GROUP, "nodes", {}, {})
        assert re.fullmatch(r"nodes-[0-9a-f]{7}", checked.inputs["name"])

    def test_a_made_up_name_stays_from_run_to_run(self, unplugged: Provider) -> None:
        first = unplugged.check(GROUP, "nodes", {}, {}).inputs
        assert unplugged.check(GROUP, "nodes", first, {}).inputs["name"] == first["name"]

    def test_a_name_that_the_program_no_longer_gives_is_made_up(self, unplugged: Provider) -> None:
        first = unplugged.check(GROUP, "nodes", {}, {"name": "given"}).inputs
        assert unplugged.check(GROUP, "nodes", first, {}).inputs["name"] != "given"

    def test_the_same_seed_gives_the_same_name(self, unplugged: Provider) -> None:
        names = {unplugged.check(GROUP, "nodes", {}, {}, b"seed").inputs["name"] for _ in range(2)}
        assert len(names) == 1

    def test_an_alias_begins_as_kms_wants_it(self, unplugged: Provider) -> None:
        checked = unplugged.check("aws:kms/alias:Alias", "token", {}, {"targetKeyId": "k"})
        assert checked.inputs["name"].startswith("alias/token-")


class TestDiff:
    """What differs, what that replaces, and who goes first."""

    def test_the_same_inputs_differ_in_nothing(self, unplugged: Provider) -> None:
        assert unplugged.diff(VPC, {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.0.0.0/16"}).changed == ()

    def test_sets_have_no_order_and_documents_no_layout(self, unplugged: Provider) -> None:
        old = {"subnetIds": ["b", "a"], "policy": '{"a": 1, "b": 2}'}
        assert (
            unplugged.diff(ENDPOINT, old, {"subnetIds": ["a", "b"], "policy": '{"b":2,"a":1}'}).changed == ()
        )

    def test_what_the_official_provider_fills_in_is_no_difference(self, unplugged: Provider) -> None:
        assert unplugged.diff(ENDPOINT, {}, {"vpcEndpointType": "Gateway"}).changed == ()
        assert unplugged.diff(VPC, {}, {"enableDnsSupport": True}).changed == ()

    def test_leaving_out_what_aws_computes_is_no_difference(self, unplugged: Provider) -> None:
        old = {"minSize": 1, "maxSize": 3, "desiredCapacity": 2}
        assert unplugged.diff(SCALING, old, {"minSize": 1, "maxSize": 3}).changed == ()

    def test_an_unknown_value_counts_as_a_change(self, unplugged: Provider) -> None:
        diff = unplugged.diff(ENDPOINT, {"vpcId": "vpc-1"}, {"vpcId": UNKNOWN})
        assert diff.replaces == ("vpcId",)

    def test_a_given_name_that_stays_asks_for_the_old_one_to_go_first(self, unplugged: Provider) -> None:
        old = {"name": "given", "description": "one"}
        assert unplugged.diff(GROUP, old, {"name": "given", "description": "two"}).delete_before_replace
        assert not unplugged.diff(GROUP, old, {"name": "other", "description": "one"}).delete_before_replace

    def test_a_made_up_name_lets_the_new_one_come_first(self, unplugged: Provider) -> None:
        old = unplugged.check(GROUP, "nodes", {}, {"description": "one"}).inputs
        new = unplugged.check(GROUP, "nodes", old, {"description": "two"}).inputs
        diff = unplugged.diff(GROUP, old, new)
        assert diff.replaces == ("description",)
        assert not diff.delete_before_replace

    def test_private_dns_replaces_an_endpoint_that_is_no_interface(self, unplugged: Provider) -> None:
        for kind, replaces in (("Gateway", ("privateDnsEnabled",)), ("Interface", ())):
            old = {"vpcEndpointType": kind, "privateDnsEnabled": False}
            assert unplugged.diff(ENDPOINT, old, {**old, "privateDnsEnabled": True}).replaces == replaces


class TestForeseen:
    """What a preview can know."""

    def test_a_new_resource_has_its_inputs_and_unknown_outputs(self, unplugged: Provider) -> None:
        outputs = unplugged.foreseen(VPC, {"cidrBlock": "10.0.0.0/16"}, None)
        assert outputs["cidrBlock"] == "10.0.0.0/16"
        assert outputs["arn"] is UNKNOWN

    def test_a_changed_template_has_an_unknown_version(self, unplugged: Provider) -> None:
        old = Thing("lt-1", {"name": "t", "imageId": "ami-1"}, {"latestVersion": 1, "arn": "arn:x"})
        outputs = unplugged.foreseen(TEMPLATE, {"name": "t", "imageId": "ami-2"}, old)
        assert outputs["latestVersion"] is UNKNOWN
        assert outputs["arn"] == "arn:x"

    def test_new_tags_leave_the_version_as_it_is(self, unplugged: Provider) -> None:
        old = Thing("lt-1", {"name": "t", "imageId": "ami-1"}, {"latestVersion": 1})
        outputs = unplugged.foreseen(TEMPLATE, {"name": "t", "imageId": "ami-1", "tags": {"a": "b"}}, old)
        assert outputs["latestVersion"] == 1


class TestReplaceRules:
    """Each rule cites the official provider; where pulumi_aws's own text speaks of it, it agrees."""

    @pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
    def test_a_rule_cites_its_source(self, row: Row) -> None:
        assert row.page.startswith(
            "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/"
        )
        for name, wanted in row.properties.items():
            if wanted.replaces is not None:
                snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
                assert snake in wanted.replaces
                assert row.page.rpartition("/")[2].replace("ingress", "*").replace(
                    "egress", "*"
                ) in wanted.replaces or ("the page" in wanted.replaces)

    @pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
    def test_the_words_of_pulumi_aws_that_force_a_new_resource_are_followed(
        self, row: Row, unplugged: Provider
    ) -> None:
        for name, text in documented(row).items():
            if name in row.properties and re.search(
                r"forces? (a )?new|will (trigger|force)", text, re.IGNORECASE
            ):
                old, new = {name: False}, {name: True}
                assert row.properties[name].replaces or row.forces_new(old, new, [name]) == {name}


def documented(row: Row) -> dict[str, str]:
    """The Args class's own text for each property, by Pulumi name."""
    module, _, name = row.token.removeprefix("aws:").partition(":")
    cls = getattr(importlib.import_module(f"pulumi_aws.{module.partition('/')[0]}"), name)
    text = inspect.getdoc(getattr(importlib.import_module(cls.__module__), f"{name}Args").__init__) or ""
    parts = re.split(r":param pulumi\.Input\[.*?\] (\w+): ", text)
    return {camel(snake): body for snake, body in zip(parts[1::2], parts[2::2], strict=True)}


def camel(snake: str) -> str:
    head, *rest = snake.split("_")
    return head + "".join(each.capitalize() for each in rest)
