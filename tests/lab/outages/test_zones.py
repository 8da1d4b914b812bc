"""Zones without power: what a layout of 2-2-1 promises is what happens."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from .conftest import PATIENCE, ZONES, Outsider, eventually


def test_every_zone_may_be_lost_no_two_may_and_each_return_brings_a_leader_back(five: Outsider):
    # A walk through all single zones and all pairs: lose one, lose the next beside it, the first returns.
    first, second, third = ZONES
    before = five.shape()
    clusters = five.cluster_ids()
    five.lab.switches.zone_down(first)
    lose_the_next_and_let_it_return(five, first, second)
    lose_the_next_and_let_it_return(five, second, third)
    lose_the_next_and_let_it_return(five, third, first)
    five.lab.switches.zone_up(first)
    five.becomes_whole()
    assert five.shape() == before, "another node than before"
    assert five.cluster_ids() == clusters
    eventually(lambda: five.lab.status().healthy)


def lose_the_next_and_let_it_return(five: Outsider, lost: str, other: str) -> None:
    eventually(lambda: five.led(lost), PATIENCE)
    eventually(lambda: five.at_work("web", lost) == 3, PATIENCE)

    five.lab.switches.zone_down(other)
    eventually(lambda: five.leaderless(lost, other), PATIENCE)
    assert five.lab.status().leader is None

    five.lab.switches.zone_up(lost)
    eventually(lambda: five.led(other), PATIENCE)


def test_a_zone_without_power_is_running_to_ec2_which_does_not_answer_for_it_and_launches_nothing(
    five: Outsider,
):
    ec2 = five.aws("ec2")
    in_zone = {host.instance_id for host in five.lab.hosts() if host.zone == "use1-az4"}
    elsewhere = next(host.instance_id for host in five.lab.hosts() if host.zone == "use1-az1")
    subnets = ec2.describe_subnets(Filters=[{"Name": "availability-zone-id", "Values": ["use1-az4"]}])
    image = five.instances()[0]["ImageId"]

    five.lab.switches.zone_down("use1-az4")

    assert in_zone < {instance["InstanceId"] for instance in five.instances()}
    for instance in in_zone:
        with pytest.raises(ClientError, match="Unavailable"):
            ec2.describe_instances(InstanceIds=[instance])
    assert ec2.describe_instances(InstanceIds=[elsewhere])["Reservations"]
    with pytest.raises(ClientError, match="InsufficientInstanceCapacity"):
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnets["Subnets"][0]["SubnetId"])
    states = {host.instance_id: (host.state, host.docker_host) for host in five.lab.hosts()}
    assert {states[instance] for instance in in_zone} == {("off", None)}
    status = five.lab.status()
    assert any("zone use1-az4 has no power" in line for line in status.trouble)

    five.lab.switches.zone_up("use1-az4")
    assert ec2.describe_instances(InstanceIds=sorted(in_zone))["Reservations"]
