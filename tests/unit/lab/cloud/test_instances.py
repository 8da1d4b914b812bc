"""Instances as EC2 tells them: made from every word of their template, gone as AWS lets them go."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Aws


def test_an_instance_has_everything_that_its_template_says(aws: Aws) -> None:
    # given a template with a role, metadata options, an encrypted volume, tags and one security group
    vpc_id, subnets = aws.network("use1-az2")
    profile = aws.role("manager")
    firewall = aws.ec2.create_security_group(GroupName="fw", Description="fw", VpcId=vpc_id)["GroupId"]
    template = aws.template(
        IamInstanceProfile={"Arn": profile},
        MetadataOptions={
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 1,
            "HttpEndpoint": "enabled",
            "InstanceMetadataTags": "enabled",
        },
        BlockDeviceMappings=[
            {
                "DeviceName": "/dev/xvda",
                "Ebs": {
                    "Encrypted": True,
                    "VolumeSize": 20,
                    "VolumeType": "gp3",
                    "DeleteOnTermination": True,
                },
            }
        ],
        NetworkInterfaces=[
            {
                "DeviceIndex": 0,
                "AssociatePublicIpAddress": False,
                "Groups": [firewall],
                "DeleteOnTermination": True,
            }
        ],
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "from-template"}]},
            {"ResourceType": "volume", "Tags": [{"Key": "kind", "Value": "root"}]},
        ],
    )
    # when a group launches it
    aws.group(
        subnets=subnets,
        template=template,
        Tags=[
            {"Key": "quorate:slot", "Value": "manager-use1-az2-1", "PropagateAtLaunch": True},
            {"Key": "only-the-group", "Value": "x", "PropagateAtLaunch": False},
        ],
    )
    (instance_id,) = aws.settled(["InService"])
    instance = aws.instance(instance_id)

    # then EC2 and the lab's own view both show it
    assert instance["IamInstanceProfile"]["Arn"] == profile
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    assert instance["MetadataOptions"]["InstanceMetadataTags"] == "enabled"
    assert instance["Placement"] | {"Tenancy": ""} == {
        "AvailabilityZone": "us-east-1c",
        "AvailabilityZoneId": "use1-az2",
        "GroupName": "",
        "Tenancy": "",
    }
    assert [g["GroupId"] for g in instance["SecurityGroups"]] == [firewall]
    assert "PublicIpAddress" not in instance
    tags = {t["Key"]: t["Value"] for t in instance["Tags"]}
    assert tags["Name"] == "from-template"
    assert tags["quorate:slot"] == "manager-use1-az2-1"
    assert tags["aws:autoscaling:groupName"] == "group"
    assert "only-the-group" not in tags
    (volume,) = aws.ec2.describe_volumes(
        Filters=[{"Name": "attachment.instance-id", "Values": [instance_id]}]
    )["Volumes"]
    assert (volume["Encrypted"], volume["Size"], volume["VolumeType"]) == (True, 20, "gp3")
    assert {"Key": "kind", "Value": "root"} in volume["Tags"]
    view = aws.cloud.instance(instance_id)
    assert view is not None
    assert (view.role_name, view.profile_arn) == ("manager", profile)
    assert (view.zone_id, view.zone_name, view.subnet_id) == ("use1-az2", "us-east-1c", subnets[0])
    assert view.security_groups == (firewall,)
    assert view.user_data == '{"schema": 1}'
    assert (view.group, view.lifecycle_state, view.launch_index) == ("group", "InService", 1)
    assert view.private_ip == instance["PrivateIpAddress"]
    assert (view.metadata.tokens, view.metadata.hop_limit, view.metadata.tags) == ("required", 1, True)


def test_addresses_are_unique_outside_aws_reserves_and_not_used_again_at_once(aws: Aws) -> None:
    # VPC User Guide, "Subnet CIDR blocks": the first four addresses and the last one are AWS's
    aws.group(desired=3)
    aws.settled(["InService"] * 3)
    seen = {i.private_ip for i in aws.cloud.instances()}
    network = ip_network("10.20.1.0/24")
    for _ in range(5):
        victim = next(iter(aws.states()))
        aws.ec2.terminate_instances(InstanceIds=[victim])
        aws.eventually(lambda victim=victim: victim not in aws.settled(["InService"] * 3))
        fresh = {i.private_ip for i in aws.cloud.instances() if i.running} - seen
        assert len(fresh) == 1
        seen |= fresh
    assert all(ip_address(a) in network for a in seen if a)
    assert min(ip_address(a) for a in seen if a) == network[4]


def test_a_small_subnet_fills_up_and_says_so_and_freed_addresses_come_back(aws: Aws) -> None:
    # given a /28: sixteen addresses, five of them AWS's
    vpc_id = aws.ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnet = aws.ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.20.0.0/28", AvailabilityZoneId="use1-az1")
    aws.group(desired=12, largest=12, subnets=[subnet["Subnet"]["SubnetId"]])
    full = aws.settled(["InService"] * 11)

    def refusal() -> Any:
        found = aws.asg.describe_scaling_activities(AutoScalingGroupName="group")["Activities"]
        return [a["StatusMessage"] for a in found if a["StatusCode"] == "Failed"]

    assert "not enough free addresses" in aws.eventually(refusal)[0]
    assert {i.private_ip for i in aws.cloud.instances()} == {f"10.20.0.{n}" for n in range(4, 15)}
    # when one goes, then its address is the only one left for the next
    victim = next(iter(full))
    address = aws.instance(victim)["PrivateIpAddress"]
    aws.ec2.terminate_instances(InstanceIds=[victim])
    aws.eventually(lambda: victim not in aws.settled(["InService"] * 11))
    assert Counter(i.private_ip for i in aws.cloud.instances() if i.running)[address] == 1


def test_a_terminated_instance_drops_its_address_at_once_and_vanishes_later(aws: Aws) -> None:
    aws.group()
    (first,) = aws.settled(["InService"])
    aws.asg.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=0)
    aws.settled([])
    gone = aws.instance(first)
    assert gone["State"]["Name"] == "terminated"
    assert "PrivateIpAddress" not in gone
    assert "SubnetId" not in gone
    assert gone["NetworkInterfaces"] == []
    assert aws.ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    view = aws.cloud.instance(first)
    assert view is not None
    assert (view.state, view.private_ip, view.zone_id) == ("terminated", None, "use1-az1")

    aws.pass_time(3599)
    assert aws.ec2_state(first) == "terminated"
    aws.pass_time(1)
    aws.eventually(lambda: aws.cloud.instance(first) is None)
    with pytest.raises(ClientError) as refusal:
        aws.instance(first)
    assert refusal.value.response["Error"]["Code"] == "InvalidInstanceID.NotFound"


def test_terminating_twice_is_no_error(aws: Aws) -> None:
    aws.group(desired=0)
    _vpc, (subnet,) = aws.network("use1-az1")
    instance = aws.ec2.run_instances(
        ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, SubnetId=subnet
    )["Instances"][0]["InstanceId"]
    for _ in range(2):
        aws.ec2.terminate_instances(InstanceIds=[instance])
        assert aws.ec2_state(instance) == "terminated"


def test_instances_can_be_asked_for_zone_by_zone(aws: Aws) -> None:
    aws.group(desired=3, zones=("use1-az1", "use1-az2"))
    aws.settled(["InService"] * 3)
    for key, values in (
        ("availability-zone-id", {"use1-az1": 2, "use1-az2": 1}),
        ("availability-zone", {"us-east-1b": 2, "us-east-1c": 1}),
    ):
        for value, count in values.items():
            answer = aws.ec2.describe_instances(Filters=[{"Name": key, "Values": [value]}])
            assert sum(len(r["Instances"]) for r in answer["Reservations"]) == count


def test_a_subnet_by_zone_id_is_in_that_zone_and_gives_no_public_addresses(aws: Aws) -> None:
    vpc_id, subnets = aws.network("use1-az1", "use1-az2", "use1-az4")
    found = aws.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["Subnets"]
    assert {s["SubnetId"]: s["AvailabilityZoneId"] for s in found} == dict(
        zip(subnets, ("use1-az1", "use1-az2", "use1-az4"), strict=True)
    )
    assert not any(s["MapPublicIpOnLaunch"] or s["DefaultForAz"] for s in found)
    with pytest.raises(ClientError, match="use1-az9"):
        aws.ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.20.9.0/24", AvailabilityZoneId="use1-az9")


def test_latest_and_numbered_versions_make_the_instances_they_name(aws: Aws) -> None:
    template = aws.template(InstanceType="t3.small")
    _vpc, subnets = aws.network("use1-az1")
    aws.group("latest", template=template, subnets=subnets)
    aws.settled(["InService"], "latest")
    aws.ec2.create_launch_template_version(
        LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={"InstanceType": "t3.large"}
    )
    aws.asg.create_auto_scaling_group(
        AutoScalingGroupName="numbered",
        MinSize=0,
        MaxSize=1,
        DesiredCapacity=1,
        VPCZoneIdentifier=subnets[0],
        LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
    )
    aws.settled(["InService"], "numbered")
    aws.asg.set_desired_capacity(AutoScalingGroupName="latest", DesiredCapacity=2)
    aws.settled(["InService"] * 2, "latest")
    members = {
        name: sorted(
            (i["LaunchTemplate"]["Version"], i["InstanceType"])
            for i in aws.asg.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][
                0
            ]["Instances"]
        )
        for name in ("latest", "numbered")
    }
    assert members == {
        "latest": [("1", "t3.small"), ("2", "t3.large")],
        "numbered": [("1", "t3.small")],
    }


def test_a_mixed_group_has_its_base_on_demand_and_the_rest_spot_over_all_types(aws: Aws) -> None:
    template = aws.template()
    aws.group(
        desired=5,
        MixedInstancesPolicy={
            "LaunchTemplate": {
                "LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "$Latest"},
                "Overrides": [{"InstanceType": "m6i.large"}, {"InstanceType": "m5.large"}],
            },
            "InstancesDistribution": {
                "OnDemandBaseCapacity": 1,
                "OnDemandPercentageAboveBaseCapacity": 0,
                "SpotAllocationStrategy": "capacity-optimized",
            },
        },
    )
    aws.settled(["InService"] * 5)
    kinds = Counter((i.lifecycle, i.instance_type) for i in aws.cloud.instances())
    assert kinds == {
        ("on-demand", "m6i.large"): 1,
        ("spot", "m6i.large"): 2,
        ("spot", "m5.large"): 2,
    }
    spot = next(i.id for i in aws.cloud.instances() if i.lifecycle == "spot")
    assert aws.instance(spot)["InstanceLifecycle"] == "spot"
    # and a change of something else leaves the policy alone
    aws.asg.update_auto_scaling_group(AutoScalingGroupName="group", MinSize=1)
    policy = aws.asg.describe_auto_scaling_groups()["AutoScalingGroups"][0]["MixedInstancesPolicy"]
    assert [o["InstanceType"] for o in policy["LaunchTemplate"]["Overrides"]] == ["m6i.large", "m5.large"]
    assert policy["InstancesDistribution"]["OnDemandBaseCapacity"] == 1


def test_what_a_group_was_given_is_what_it_shows(aws: Aws) -> None:
    aws.group(
        desired=0,
        HealthCheckGracePeriod=0,
        HealthCheckType="EC2",
        DefaultInstanceWarmup=30,
        CapacityRebalance=True,
        TerminationPolicies=["OldestInstance"],
    )
    group = aws.asg.describe_auto_scaling_groups()["AutoScalingGroups"][0]
    assert group["HealthCheckGracePeriod"] == 0
    assert group["DefaultInstanceWarmup"] == 30
    assert group["CapacityRebalance"] is True
    assert group["TerminationPolicies"] == ["OldestInstance"]
    aws.asg.update_auto_scaling_group(
        AutoScalingGroupName="group",
        HealthCheckGracePeriod=60,
        DefaultInstanceWarmup=0,
        CapacityRebalance=False,
        TerminationPolicies=["NewestInstance"],
    )
    group = aws.asg.describe_auto_scaling_groups()["AutoScalingGroups"][0]
    assert group["HealthCheckGracePeriod"] == 60
    assert group["DefaultInstanceWarmup"] == 0
    assert group["CapacityRebalance"] is False
    assert group["TerminationPolicies"] == ["NewestInstance"]


def test_an_image_may_be_a_parameter(aws: Aws) -> None:
    aws.client("ssm").put_parameter(Name="/images/node", Value="ami-0fedcba9876543210", Type="String")
    aws.group(template=aws.template(ImageId="resolve:ssm:/images/node"))
    aws.settled(["InService"])
    assert aws.cloud.instances()[0].image_id == "ami-0fedcba9876543210"


@pytest.mark.parametrize("granted", [True, False])
def test_a_customer_key_needs_a_grant_for_auto_scaling_or_nothing_launches(aws: Aws, granted: bool) -> None:
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    role = "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/"
    if granted:
        aws.client("kms").create_grant(
            KeyId=key,
            GranteePrincipal=f"{role}AWSServiceRoleForAutoScaling",
            Operations=["Decrypt", "GenerateDataKeyWithoutPlaintext", "CreateGrant"],
        )
    volume = {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "KmsKeyId": key, "VolumeSize": 8}}
    aws.group(template=aws.template(BlockDeviceMappings=[volume]))

    def outcome() -> Any:
        found = aws.asg.describe_scaling_activities(AutoScalingGroupName="group")["Activities"]
        return [a["StatusCode"] for a in found if a["StatusCode"] in ("Successful", "Failed")]

    assert aws.eventually(outcome)[0] == ("Successful" if granted else "Failed")
    assert len(aws.states()) == granted


def test_a_template_that_names_no_real_profile_launches_nothing(aws: Aws) -> None:
    aws.group(template=aws.template(IamInstanceProfile={"Name": "nobody"}))

    def message() -> Any:
        found = aws.asg.describe_scaling_activities(AutoScalingGroupName="group")["Activities"]
        return found and found[0].get("StatusMessage")

    assert "Invalid IAM Instance Profile: nobody" in aws.eventually(message)
