"""Groups, launch templates, the rendezvous, and the documents that nodes read out of them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from quorate.agent.join.boot import JOIN_SECONDS
from quorate.agent.join.claim import CLAIM_SECONDS
from quorate.agent.userdata import read_user_data
from quorate.swarm.snapshot import read_plan

GROUP = "aws:autoscaling/group:Group"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
SPOT = {
    "name": "batch",
    "min": 0,
    "max": 9,
    "desired": 2,
    "instanceTypes": ["c5.xlarge", "c6i.xlarge"],
    "spot": True,
    "labels": {"interruptible": "true"},
}


def tags(group: Any) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in group.inputs["tags"]}


def of_role(stack: Any, role: str) -> list[Any]:
    return [group for group in stack.of(GROUP) if tags(group)["quorate:role"] == role]


def user_data(template: Any) -> bytes:
    return base64.b64decode(template.inputs["userData"], validate=True)


def plan(stack: Any) -> dict[str, Any]:
    (item,) = stack.of("aws:dynamodb/tableItem:TableItem")
    raw = json.loads(item.inputs["item"])
    assert raw["id"] == {"S": "plan"} and raw.keys() == {"id", "document"}
    return dict(json.loads(raw["document"]["S"]))


def test_each_slot_is_a_group_of_one_in_the_one_private_subnet_of_its_zone(deploy: Any) -> None:
    stack = deploy()

    for group in of_role(stack, "manager"):
        inputs, zone = group.inputs, tags(group)["quorate:zone"]
        assert (inputs["minSize"], inputs["maxSize"], inputs["desiredCapacity"]) == (1, 1, 1)
        assert inputs["vpcZoneIdentifiers"] == [f"Subnet/network-private-{zone}"]
        assert inputs["name"] == f"quorate-lab-{tags(group)['quorate:slot']}"
    zones = sorted(tags(group)["quorate:zone"] for group in of_role(stack, "manager"))
    assert zones == ["use1-az1", "use1-az1", "use1-az2", "use1-az2", "use1-az4"]


def test_managers_and_workers_boot_from_the_image_of_their_role(deploy: Any) -> None:
    stack = deploy(image="ami-12345678", workerImage="ami-87654321")

    for role, image in (("manager", "ami-12345678"), ("worker", "ami-87654321")):
        groups = of_role(stack, role)
        assert groups
        assert {stack.one(TEMPLATE, group.name).inputs["imageId"] for group in groups} == {image}


def test_an_explicit_layout_decides_where_the_slots_are(deploy: Any) -> None:
    stack = deploy(managers=5, layout=[1, 2, 2])

    zones = sorted(tags(group)["quorate:zone"] for group in of_role(stack, "manager"))
    assert zones == ["use1-az1", "use1-az2", "use1-az2", "use1-az4", "use1-az4"]
    assert plan(stack)["layout"] == stack.outputs["layout"] == [1, 2, 2]


def test_every_group_has_both_hooks_from_its_birth_and_a_deletion_that_outlasts_them(deploy: Any) -> None:
    for group in deploy().of(GROUP):
        hooks = {hook["lifecycleTransition"]: hook for hook in group.inputs["initialLifecycleHooks"]}
        launch = hooks["autoscaling:EC2_INSTANCE_LAUNCHING"]
        termination = hooks["autoscaling:EC2_INSTANCE_TERMINATING"]
        assert (launch["name"], launch["defaultResult"]) == ("quorate-launch", "ABANDON")
        assert (termination["name"], termination["defaultResult"]) == ("quorate-termination", "CONTINUE")
        assert CLAIM_SECONDS < JOIN_SECONDS < launch["heartbeatTimeout"]
        assert group.delete_timeout == "30m" and termination["heartbeatTimeout"] < 30 * 60
        assert group.inputs["forceDelete"] is False


def test_instances_take_metadata_v2_only_one_hop_encrypted_gp3_and_no_public_address(deploy: Any) -> None:
    for template in deploy().of(TEMPLATE):
        inputs = template.inputs
        assert inputs["metadataOptions"]["httpTokens"] == "required"
        assert inputs["metadataOptions"]["httpPutResponseHopLimit"] == 1
        for device in inputs["blockDeviceMappings"]:
            assert device["ebs"]["encrypted"] == "true" and device["ebs"]["volumeType"] == "gp3"
            assert device["ebs"]["kmsKeyId"] == "arn:of:key/identity-volumes"
        (interface,) = inputs["networkInterfaces"]
        assert interface["associatePublicIpAddress"] == "false"
        assert "keyName" not in inputs and "vpcSecurityGroupIds" not in inputs


def test_instances_volumes_and_interfaces_carry_the_groups_tags(deploy: Any) -> None:
    stack = deploy(tags={"owner": "platform"})

    for group in stack.of(GROUP):
        template = stack.one(TEMPLATE, group.name)
        assert all(tag["propagateAtLaunch"] for tag in group.inputs["tags"])
        kinds = {spec["resourceType"]: spec["tags"] for spec in template.inputs["tagSpecifications"]}
        assert kinds.keys() == {"instance", "volume", "network-interface"}
        assert all(carried == tags(group) for carried in kinds.values())


def test_a_group_names_the_version_of_its_own_template(deploy: Any) -> None:
    for group in deploy().of(GROUP):
        inputs = group.inputs
        named = (
            inputs["mixedInstancesPolicy"]["launchTemplate"]["launchTemplateSpecification"]
            if "mixedInstancesPolicy" in inputs
            else inputs["launchTemplate"]
        )
        assert (named.get("id") or named["launchTemplateId"]) == f"LaunchTemplate/{group.name}"
        assert named["version"] == "7"


def test_a_pool_is_spot_altogether_where_asked_and_replaces_capacity_that_is_at_risk(deploy: Any) -> None:
    stack = deploy(workers=[SPOT, {**SPOT, "name": "steady", "spot": False}])

    batch, steady = stack.one(GROUP, "worker-batch").inputs, stack.one(GROUP, "worker-steady").inputs
    for inputs, on_demand in ((batch, 0), (steady, 100)):
        mix = inputs["mixedInstancesPolicy"]
        assert mix["instancesDistribution"]["onDemandPercentageAboveBaseCapacity"] == on_demand
        assert mix["instancesDistribution"]["onDemandBaseCapacity"] == 0
        types = [override["instanceType"] for override in mix["launchTemplate"]["overrides"]]
        assert types == ["c5.xlarge", "c6i.xlarge"]
    assert batch["capacityRebalance"] is True and steady["capacityRebalance"] is False
    assert len(batch["vpcZoneIdentifiers"]) == 3


def test_a_pools_desired_count_is_ours_at_its_birth_only_and_a_slots_always(deploy: Any) -> None:
    stack = deploy(workers=[SPOT])

    assert stack.one(GROUP, "worker-batch").inputs["desiredCapacity"] == 2
    assert stack.one(GROUP, "worker-batch").ignored == ("desiredCapacity",)
    assert all(group.ignored == () for group in of_role(stack, "manager"))


def test_a_pool_without_desired_starts_with_its_least(deploy: Any) -> None:
    stack = deploy(workers=[{"name": "a", "min": 2, "max": 4, "instanceTypes": ["t3.small"]}])

    assert stack.one(GROUP, "worker-a").inputs["desiredCapacity"] == 2


@pytest.mark.parametrize("egress", ["per-zone", "endpoints"])
def test_a_destroy_takes_away_no_groups_way_to_aws_before_the_group(deploy: Any, egress: str) -> None:
    stack = deploy(egress=egress)
    needed = {item.urn for item in stack.custom if item.type not in (GROUP, TEMPLATE)}

    for group in stack.of(GROUP):
        assert needed | {stack.one(TEMPLATE, group.name).urn} <= _everything_before(stack, group)


def _everything_before(stack: Any, item: Any) -> set[str]:
    by_urn = {other.urn: other for other in stack.resources}
    found: set[str] = set()
    frontier = [item]
    while frontier:
        for urn in frontier.pop().dependencies - found:
            found.add(urn)
            frontier.append(by_urn[urn])
    return found


def test_groups_wait_for_no_other_group(deploy: Any) -> None:
    stack = deploy()

    groups = {group.urn for group in stack.of(GROUP)}
    assert all(not groups & _everything_before(stack, group) for group in stack.of(GROUP))


def test_nodes_accept_the_user_data_and_find_themselves_in_it(deploy: Any) -> None:
    stack = deploy(workers=[SPOT])

    for group in stack.of(GROUP):
        orders = read_user_data(user_data(stack.one(TEMPLATE, group.name)))
        assert orders.role == tags(group)["quorate:role"]
        assert orders.group == group.inputs["name"]
        assert orders.slot == tags(group).get("quorate:slot")
        assert orders.pool == tags(group).get("quorate:pool")
        assert (orders.cluster, orders.table, orders.region) == ("quorate-lab", "quorate-lab", "us-east-1")
        assert orders.token_parameter == "/quorate-lab/worker-token"
        assert orders.token_key == ("arn:of:key/identity-token" if orders.manages else None)


def test_hooks_are_known_to_nodes_by_the_names_that_groups_give_them(deploy: Any) -> None:
    stack = deploy()
    known = read_plan(json.dumps(plan(stack)))

    for group in stack.of(GROUP):
        orders = read_user_data(user_data(stack.one(TEMPLATE, group.name)))
        names = {hook["name"] for hook in group.inputs["initialLifecycleHooks"]}
        assert {orders.launch_hook, orders.termination_hook} == names
        assert {known.launch_hook, known.termination_hook} == names


def test_the_steward_reads_the_plan_and_finds_every_group_in_it(deploy: Any) -> None:
    stack = deploy(workers=[SPOT], managersSchedulable=True)

    known = read_plan(json.dumps(plan(stack)))

    slots = {slot.name: (slot.zone, slot.group) for slot in known.slots}
    assert slots == {
        tags(group)["quorate:slot"]: (tags(group)["quorate:zone"], group.inputs["name"])
        for group in of_role(stack, "manager")
    }
    (pool,) = known.pools
    assert (pool.name, pool.group) == ("batch", "quorate-lab-worker-batch")
    assert pool.labels == {"interruptible": "true"}
    assert known.managers_schedulable is True and known.survive == "zone"
    assert known.token_key == "arn:of:key/identity-token"


def test_the_overlay_range_is_the_same_on_every_node_and_in_the_plan(deploy: Any) -> None:
    stack = deploy(overlayCidr="10.64.0.0/12")

    told = {read_user_data(user_data(template)).overlay_cidr for template in stack.of(TEMPLATE)}
    assert told == {plan(stack)["overlay_cidr"]} == {"10.64.0.0/12"}


def test_the_table_is_paid_by_request_and_can_be_restored(deploy: Any) -> None:
    (table,) = deploy().of("aws:dynamodb/table:Table")

    assert table.inputs["billingMode"] == "PAY_PER_REQUEST"
    assert table.inputs["hashKey"] == "id" and table.inputs["attributes"] == [{"name": "id", "type": "S"}]
    assert table.inputs["pointInTimeRecovery"] == {"enabled": True}


def test_the_worker_token_is_a_secure_string_under_its_own_key_written_once_and_never_read(
    deploy: Any,
) -> None:
    (parameter,) = deploy().of("aws:ssm/parameter:Parameter")

    assert parameter.inputs["type"] == "SecureString"
    assert parameter.inputs["keyId"] == "id-of-identity-token"
    assert parameter.inputs["valueWoVersion"] == 1
