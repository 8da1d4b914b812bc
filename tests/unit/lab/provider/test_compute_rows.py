"""Launch templates and Auto Scaling groups, read back by boto3."""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from quorate.errors import Failed

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GROUP = "aws:autoscaling/group:Group"

Boto = Callable[[str], Any]

USER_DATA = base64.b64encode(b'{"schema":1}').decode()

ASKED: dict[str, Any] = {
    "description": "first",
    "imageId": "ami-785db401",
    "instanceType": "t3.small",
    "userData": USER_DATA,
    "iamInstanceProfile": {"name": "profile"},
    "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1.0},
    "blockDeviceMappings": [
        {"deviceName": "/dev/xvda", "ebs": {"encrypted": "true", "volumeType": "gp3", "volumeSize": 20.0}}
    ],
    "networkInterfaces": [
        {
            "associatePublicIpAddress": False,
            "deleteOnTermination": "true",
            "deviceIndex": 0,
            "securityGroups": ["sg-1"],
        }
    ],
    "tagSpecifications": [{"resourceType": "instance", "tags": {"Name": "node"}}],
    "updateDefaultVersion": True,
    "tags": {"Name": "template"},
}


def latest(boto: Boto, template: Any) -> dict[str, Any]:
    found = boto("ec2").describe_launch_template_versions(LaunchTemplateId=template.id, Versions=["$Latest"])
    return found["LaunchTemplateVersions"][0]


def test_a_template_says_all_of_an_instance(make: Any, boto: Boto) -> None:
    made = make(TEMPLATE, name="whole", **ASKED)

    data = latest(boto, made)["LaunchTemplateData"]
    assert (data["ImageId"], data["InstanceType"], data["UserData"]) == (
        "ami-785db401",
        "t3.small",
        USER_DATA,
    )
    assert data["IamInstanceProfile"] == {"Name": "profile"}
    assert data["MetadataOptions"] == {
        "HttpEndpoint": "enabled",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 1,
    }
    assert data["BlockDeviceMappings"] == [
        {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "VolumeType": "gp3", "VolumeSize": 20}}
    ]
    (interface,) = data["NetworkInterfaces"]
    assert interface["AssociatePublicIpAddress"] is False
    assert interface["Groups"] == ["sg-1"]
    assert {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "node"}]} in data[
        "TagSpecifications"
    ]
    assert made.outputs["latestVersion"] == made.outputs["defaultVersion"] == 1
    assert make.unchanged(TEMPLATE, made)


def test_a_changed_template_has_a_new_default_version(make: Any, boto: Boto) -> None:
    made = make(TEMPLATE, name="versioned", **ASKED)
    changed = make.update(TEMPLATE, made, name="versioned", **{**ASKED, "instanceType": "t3.large"})

    seen = boto("ec2").describe_launch_templates(LaunchTemplateIds=[made.id])["LaunchTemplates"][0]
    assert (seen["LatestVersionNumber"], seen["DefaultVersionNumber"]) == (2, 2)
    assert changed.outputs["latestVersion"] == changed.outputs["defaultVersion"] == 2
    assert latest(boto, made)["LaunchTemplateData"]["InstanceType"] == "t3.large"
    assert latest(boto, made)["LaunchTemplateData"]["UserData"] == USER_DATA

    retagged = make.update(TEMPLATE, changed, **{**changed.inputs, "tags": {"Name": "again"}})
    assert retagged.outputs["latestVersion"] == 2

    make.delete(TEMPLATE, retagged)
    assert "versioned" not in [
        each["LaunchTemplateName"] for each in boto("ec2").describe_launch_templates()["LaunchTemplates"]
    ]


def test_user_data_must_be_base64(make: Any) -> None:
    assert make.provider.check(TEMPLATE, "x", {}, {"userData": "{}"}).failures[0].property == "userData"


@pytest.fixture(scope="module")
def subnet(make: Any) -> Any:
    vpc = make("aws:ec2/vpc:Vpc", cidrBlock="10.1.0.0/16")
    return make("aws:ec2/subnet:Subnet", vpcId=vpc.id, cidrBlock="10.1.0.0/24", availabilityZoneId="use1-az2")


@pytest.fixture(scope="module")
def template(make: Any) -> Any:
    return make(TEMPLATE, name="of-groups", imageId="ami-785db401", instanceType="t3.small")


def asked(subnet: Any, template: Any, **more: Any) -> dict[str, Any]:
    return {
        "minSize": 1.0,
        "maxSize": 1.0,
        "desiredCapacity": 1.0,
        "vpcZoneIdentifiers": [subnet.id],
        "launchTemplate": {"id": template.id, "version": "1"},
        "waitForCapacityTimeout": "0",
        "tags": [{"key": "Name", "value": "node", "propagateAtLaunch": True}],
        **more,
    }


def hook(name: str, transition: str) -> dict[str, Any]:
    return {
        "name": name,
        "lifecycleTransition": f"autoscaling:EC2_INSTANCE_{transition}",
        "defaultResult": "ABANDON",
        "heartbeatTimeout": 900.0,
    }


@pytest.fixture
def attended(boto: Boto) -> Iterator[None]:
    """Someone completes every hook, as the agents would."""
    done = threading.Event()

    def attend() -> None:
        client = boto("autoscaling")
        while not done.wait(0.05):
            for group in client.describe_auto_scaling_groups()["AutoScalingGroups"]:
                for each in group["Instances"]:
                    if each["LifecycleState"].endswith(":Wait"):
                        complete(client, group["AutoScalingGroupName"], each)

    thread = threading.Thread(target=attend)
    thread.start()
    yield
    done.set()
    thread.join()


def complete(client: Any, group: str, instance: dict[str, Any]) -> None:
    launching = instance["LifecycleState"].startswith("Pending")
    # Between the look and the call the hook may have ended by itself.
    with contextlib.suppress(ClientError):
        client.complete_lifecycle_action(
            AutoScalingGroupName=group,
            LifecycleHookName="launch" if launching else "leave",
            InstanceId=instance["InstanceId"],
            LifecycleActionResult="CONTINUE",
        )


def group_of(boto: Boto, name: str) -> dict[str, Any]:
    found = boto("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])[
        "AutoScalingGroups"
    ]
    return found[0] if found else {}


def test_a_group_has_its_hooks_before_its_first_instance(
    make: Any, boto: Boto, subnet: Any, template: Any
) -> None:
    hooks = [hook("launch", "LAUNCHING"), hook("leave", "TERMINATING")]
    more = {"healthCheckType": "EC2", "healthCheckGracePeriod": 0, "terminationPolicies": ["OldestInstance"]}
    made = make(GROUP, name="hooked", **asked(subnet, template, initialLifecycleHooks=hooks, **more))

    seen = group_of(boto, "hooked")
    stored = boto("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName="hooked")["LifecycleHooks"]
    assert {(each["LifecycleHookName"], each["HeartbeatTimeout"]) for each in stored} == {
        ("launch", 900),
        ("leave", 900),
    }
    assert (seen["MinSize"], seen["MaxSize"], seen["DesiredCapacity"]) == (1, 1, 1)
    assert seen["VPCZoneIdentifier"] == subnet.id
    assert seen["LaunchTemplate"]["LaunchTemplateId"] == template.id
    assert made.outputs["arn"] == seen["AutoScalingGroupARN"]
    assert make.unchanged(GROUP, made)


def test_a_group_is_emptied_and_its_hooks_awaited_before_it_is_deleted(
    make: Any, boto: Boto, subnet: Any, template: Any, attended: None
) -> None:
    hooks = [hook("launch", "LAUNCHING"), hook("leave", "TERMINATING")]
    made = make(GROUP, name="leaving", **asked(subnet, template, initialLifecycleHooks=hooks))

    make.delete(GROUP, made)

    assert group_of(boto, "leaving") == {}
    instances = boto("ec2").describe_instances(
        Filters=[{"Name": "tag:aws:autoscaling:groupName", "Values": ["leaving"]}]
    )["Reservations"]
    assert {i["State"]["Name"] for each in instances for i in each["Instances"]} <= {
        "terminated",
        "shutting-down",
    }


def test_a_group_that_does_not_empty_in_time_stays_and_says_so(
    make: Any, boto: Boto, subnet: Any, template: Any
) -> None:
    made = make(
        GROUP, name="stuck", **asked(subnet, template, initialLifecycleHooks=[hook("leave", "TERMINATING")])
    )

    with pytest.raises(Failed, match=r"group stuck empty: not so after 0.2 s"):
        make.provider.delete(GROUP, made.id, made.inputs, 0.2)

    assert group_of(boto, "stuck")["MaxSize"] == 0


def test_a_group_changes_bounds_and_tags_and_keeps_its_desired_count(
    make: Any, boto: Boto, subnet: Any, template: Any
) -> None:
    made = make(GROUP, name="bounds", **asked(subnet, template, minSize=0, maxSize=2, desiredCapacity=0))
    boto("autoscaling").set_desired_capacity(AutoScalingGroupName="bounds", DesiredCapacity=1)

    wider = {**made.inputs, "maxSize": 5, "tags": [{"key": "a", "value": "b", "propagateAtLaunch": False}]}
    changed = make.update(GROUP, made, **wider)

    seen = group_of(boto, "bounds")
    assert (seen["MinSize"], seen["MaxSize"], seen["DesiredCapacity"]) == (0, 5, 1)
    assert [(tag["Key"], tag["PropagateAtLaunch"]) for tag in seen["Tags"]] == [("a", False)]
    make.provider.delete(GROUP, changed.id, changed.inputs)


def test_a_mixed_group_names_its_instance_types(make: Any, boto: Boto, subnet: Any, template: Any) -> None:
    policy = {
        "instancesDistribution": {
            "onDemandBaseCapacity": 1.0,
            "spotAllocationStrategy": "price-capacity-optimized",
        },
        "launchTemplate": {
            "launchTemplateSpecification": {"launchTemplateId": template.id, "version": "$Latest"},
            "overrides": [{"instanceType": "t3.small"}, {"instanceType": "t3a.small"}],
        },
    }
    inputs = asked(subnet, template, minSize=0, maxSize=3, desiredCapacity=0, mixedInstancesPolicy=policy)
    del inputs["launchTemplate"]
    made = make(GROUP, name="mixed", **inputs, capacityRebalance=True)

    seen = group_of(boto, "mixed")
    assert seen["CapacityRebalance"] is True
    overrides = seen["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"]
    assert [each["InstanceType"] for each in overrides] == ["t3.small", "t3a.small"]
    assert make.unchanged(GROUP, made)


def test_a_group_waits_for_its_capacity_when_asked_to(
    make: Any, boto: Boto, subnet: Any, template: Any, attended: None
) -> None:
    more = {"initialLifecycleHooks": [hook("launch", "LAUNCHING")], "waitForCapacityTimeout": "60s"}
    make(GROUP, name="awaited", **asked(subnet, template, **more))

    assert [each["LifecycleState"] for each in group_of(boto, "awaited")["Instances"]] == ["InService"]


def test_a_group_takes_one_kind_of_template(make: Any, subnet: Any, template: Any) -> None:
    inputs = asked(subnet, template)
    del inputs["launchTemplate"]
    assert "exactly one" in make.provider.check(GROUP, "x", {}, inputs).failures[0].reason
