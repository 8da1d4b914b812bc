"""Replacing: who goes first, who must follow, and what is protected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from quorate.errors import QuorateError
from quorate.lab.engine import Stage

VPC = 'vpc = aws.ec2.Vpc("net", cidr_block="10.1.0.0/16")\n'


def order(stack: Any) -> list[str]:
    """What was done in the last run, in the order of ending."""
    return [
        f"{each.action} {each.name}"
        for each in stack.events
        if each.stage is Stage.DONE and each.custom and each.action != "same"
    ]


def test_without_a_name_the_new_one_is_there_before_the_old_one_goes(
    written: Callable[[str], Any], boto: Callable[[str], Any]
) -> None:
    stack = written('aws.ec2.Vpc("net", cidr_block="10.1.0.0/16")')
    stack.up()
    stack.events.clear()
    stack.write('aws.ec2.Vpc("net", cidr_block="10.2.0.0/16")')

    assert stack.preview() == {"replace": ["net"]}
    stack.events.clear()
    assert stack.up() == {"replace": ["net"]}

    assert order(stack) == ["replace net", "delete net"]
    cidrs = [each["CidrBlock"] for each in boto("ec2").describe_vpcs()["Vpcs"] if not each["IsDefault"]]
    assert cidrs == ["10.2.0.0/16"]


def test_a_given_name_makes_the_old_one_go_first_with_those_that_must_follow(
    written: Callable[[str], Any], boto: Callable[[str], Any]
) -> None:
    program = (
        VPC
        + """
group = aws.ec2.SecurityGroup("node", name="node", description="{about}", vpc_id=vpc.id)
peer = {{"ip_protocol": "-1", "cidr_ipv4": "10.1.0.0/16"}}
aws.vpc.SecurityGroupIngressRule("rule", security_group_id=group.id, **peer)
aws.ec2.Eip("beside", domain="vpc", opts=pulumi.ResourceOptions(depends_on=[group]))
"""
    )
    stack = written(program.format(about="one"))
    stack.up()
    stack.write(program.format(about="two"))

    planned = stack.preview()
    stack.events.clear()
    assert stack.up() == planned == {"replace": ["node", "rule"]}

    # The rule's group is an input of it that makes a new one; the address only comes after the group.
    assert order(stack) == ["delete rule", "delete node", "replace node", "replace rule"]
    (group,) = [
        g for g in boto("ec2").describe_security_groups()["SecurityGroups"] if g["GroupName"] == "node"
    ]
    assert group["Description"] == "two"
    assert len(group["IpPermissions"]) == 1


def test_the_program_decides_who_goes_first(written: Callable[[str], Any]) -> None:
    program = """
        aws.ec2.Vpc("net", cidr_block="{cidr}", opts=pulumi.ResourceOptions(delete_before_replace=True))
    """
    stack = written(program.format(cidr="10.1.0.0/16"))
    stack.up()
    stack.write(program.format(cidr="10.2.0.0/16"))
    stack.events.clear()
    stack.up()
    assert order(stack) == ["delete net", "replace net"]


def test_what_the_program_asks_to_replace_on_changes_is_replaced(written: Callable[[str], Any]) -> None:
    program = """
        aws.ec2.Eip("ip", tags={{"a": "{tag}"}}, opts=pulumi.ResourceOptions(replace_on_changes=["tags"]))
    """
    stack = written(program.format(tag="1"))
    stack.up()
    stack.write(program.format(tag="2"))
    assert stack.up() == {"replace": ["ip"]}


@pytest.mark.parametrize(
    "next_program",
    ['aws.ec2.Vpc("net", cidr_block="10.2.0.0/16", opts=pulumi.ResourceOptions(protect=True))', ""],
    ids=["replaced", "taken out"],
)
def test_what_is_protected_is_neither_replaced_nor_deleted(
    written: Callable[[str], Any], boto: Callable[[str], Any], next_program: str
) -> None:
    protected = 'aws.ec2.Vpc("net", cidr_block="10.1.0.0/16", opts=pulumi.ResourceOptions(protect=True))'
    stack = written(protected)
    stack.up()
    stack.write(next_program)

    with pytest.raises(QuorateError, match=r"net.*protected"):
        stack.up()
    with pytest.raises(QuorateError, match=r"net.*protected"):
        stack.destroy()
    assert [each for each in boto("ec2").describe_vpcs()["Vpcs"] if not each["IsDefault"]]

    stack.write(protected.replace("True", "False"))
    stack.up()


def test_what_is_to_be_retained_is_only_forgotten(
    written: Callable[[str], Any], boto: Callable[[str], Any]
) -> None:
    stack = written('aws.ec2.Eip("ip", opts=pulumi.ResourceOptions(retain_on_delete=True))')
    stack.up()
    stack.write("")
    assert stack.up() == {"delete": ["ip"]}

    (left,) = boto("ec2").describe_addresses()["Addresses"]
    boto("ec2").release_address(AllocationId=left["AllocationId"])


def test_a_change_of_order_alone_is_remembered_for_the_deletes(written: Callable[[str], Any]) -> None:
    program = VPC + 'aws.ec2.Eip("ip", opts=pulumi.ResourceOptions({more}))'
    stack = written(program.format(more=""))
    stack.up()
    stack.write(program.format(more="depends_on=[vpc]"))
    assert stack.up() == {}

    stack.events.clear()
    stack.destroy()
    assert order(stack) == ["delete ip", "delete net"]


def test_a_resource_moves_with_its_replaced_network(
    written: Callable[[str], Any], boto: Callable[[str], Any]
) -> None:
    program = """
        vpc = aws.ec2.Vpc("net", cidr_block="{net}.0.0/16")
        cidr = "{net}.1.0/24"
        subnet = aws.ec2.Subnet("a", vpc_id=vpc.id, cidr_block=cidr, availability_zone_id="use1-az1")
        table = aws.ec2.RouteTable("private", vpc_id=vpc.id)
        aws.ec2.RouteTableAssociation("a", route_table_id=table.id, subnet_id=subnet.id)
    """
    stack = written(program.format(net="10.1"))
    stack.up()
    stack.write(program.format(net="10.2"))

    assert stack.up() == {"replace": ["a", "a", "net", "private"]}
    subnets = [
        each for each in boto("ec2").describe_subnets()["Subnets"] if each["CidrBlock"].startswith("10.")
    ]
    assert [each["CidrBlock"] for each in subnets] == ["10.2.1.0/24"]
