"""One resource of every type: made, kept, changed, read back and deleted by the engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECRET = "not-yet-a-token"

EVERYTHING = {
    "vpcs": 1,
    "subnets": 2,
    "internet gateways": 1,
    "attachments": 1,
    "addresses": 1,
    "nat gateways": 1,
    "route tables": 1,
    "associations": 2,
    "endpoints": 2,
    "security groups": 1,
    "rules": 3,
    "roles": 1,
    "role policies": 1,
    "profiles": 1,
    "profile roles": 1,
    "keys": 1,
    "rotating keys": 1,
    "aliases": 1,
    "grants": 1,
    "tables": 1,
    "items": 1,
    "parameters": 1,
    "templates": 2,
    "groups": 3,
}


def found(inventory: Callable[[], dict[str, int]]) -> dict[str, int]:
    """Without routes, of which a gateway endpoint adds its own, and instances, which come when they come."""
    return {kind: count for kind, count in inventory().items() if kind not in ("routes", "instances")}


def test_a_stack_is_previewed_made_kept_and_deleted_without_a_trace(
    stack: Callable[[str], Any], inventory: Callable[[], dict[str, int]]
) -> None:
    everything = stack("everything")

    planned = everything.preview()
    assert inventory() == {}
    assert not everything.state.exists()

    made = everything.up()
    assert made == planned
    assert found(inventory) == EVERYTHING

    assert everything.preview() == {}
    assert everything.up() == {}
    assert everything.run().refresh() == []
    assert everything.up() == {}
    assert found(inventory) == EVERYTHING

    everything.destroy()
    assert inventory() == {}
    assert json.loads(everything.state.read_text())["resources"] == []


def test_a_change_reaches_what_it_concerns_as_previewed(
    stack: Callable[[str], Any], boto: Callable[[str], Any]
) -> None:
    everything = stack("everything")
    everything.up()
    before = everything.state.read_bytes()

    planned = everything.preview(everything__note="two")
    assert everything.state.read_bytes() == before
    changed = everything.up(everything__note="two")

    # The groups follow their templates' new versions, which a preview cannot know and names all the same.
    assert changed == planned == {"update": ["manager-0", "manager-0", "manager-1", "manager-1", "plan"]}
    item = boto("dynamodb").get_item(TableName="everything-lab", Key={"id": {"S": "plan"}})["Item"]
    assert json.loads(item["document"]["S"])["note"] == "two"
    templates = boto("ec2").describe_launch_templates()["LaunchTemplates"]
    assert {each["LatestVersionNumber"] for each in templates} == {2}

    assert everything.up(everything__managers="1") == {
        "delete": ["manager-1", "manager-1"],
        "update": ["manager-0", "manager-0", "plan", "workers"],
    }
    everything.destroy()


def test_no_secret_is_in_the_state_the_outputs_or_the_events_also_after_a_refresh(
    stack: Callable[[str], Any], boto: Callable[[str], Any]
) -> None:
    everything = stack("everything")
    everything.up()
    value = boto("ssm").get_parameter(Name="/everything-lab/worker-token", WithDecryption=True)
    assert value["Parameter"]["Value"] == SECRET

    everything.run().refresh()
    assert SECRET not in everything.state.read_text()
    assert SECRET not in repr(everything.events)
    assert SECRET not in repr(everything.run().outputs)
    everything.destroy()


def test_the_outputs_are_those_of_the_cloud(stack: Callable[[str], Any], boto: Callable[[str], Any]) -> None:
    everything = stack("everything")
    outputs = everything.run().up()

    (vpc,) = [each for each in boto("ec2").describe_vpcs()["Vpcs"] if not each["IsDefault"]]
    assert outputs["vpc"] == vpc["VpcId"]
    assert outputs["table"] == "everything-lab"
    assert everything.run().outputs == outputs
    everything.destroy()


def test_drift_is_shown_by_a_refresh_and_mended_by_the_next_run(
    stack: Callable[[str], Any], boto: Callable[[str], Any]
) -> None:
    everything = stack("everything")
    everything.up()
    boto("autoscaling").update_auto_scaling_group(AutoScalingGroupName="everything-lab-manager-0", MaxSize=4)
    boto("dynamodb").delete_item(TableName="everything-lab", Key={"id": {"S": "plan"}})

    drift = {(each.name, each.action.value, each.properties) for each in everything.run().refresh()}
    assert drift == {("manager-0", "update", ("maxSize",)), ("plan", "delete", ())}

    assert everything.up() == {"create": ["plan"], "update": ["manager-0"]}
    groups = boto("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert {each["MaxSize"] for each in groups if "manager" in each["AutoScalingGroupName"]} == {1}
    everything.destroy()


def test_what_is_ignored_stays_as_others_set_it(
    stack: Callable[[str], Any], boto: Callable[[str], Any]
) -> None:
    everything = stack("everything")
    everything.up()
    client = boto("autoscaling")
    client.update_auto_scaling_group(
        AutoScalingGroupName="everything-lab-manager-0", MinSize=0, DesiredCapacity=0
    )
    client.update_auto_scaling_group(AutoScalingGroupName="everything-lab-manager-0", MinSize=0)

    everything.run().refresh()
    changed = everything.up()

    assert changed == {"update": ["manager-0"]}  # minSize, which is not ignored
    state = json.loads(Path(everything.state).read_text())
    group = next(r for r in state["resources"] if r["urn"].endswith("group:Group::manager-0"))
    assert group["inputs"]["desiredCapacity"] == 0
    everything.destroy()
