"""What takes more than one call to make, or has no name by which to find it again."""

import json

import pulumi
import pulumi_aws as aws

note = pulumi.Config().require("note")
vpc = aws.ec2.Vpc("net", cidr_block="10.1.0.0/16", enable_dns_hostnames=True)
gateway = aws.ec2.InternetGateway("out", vpc_id=vpc.id)
aws.ec2.Eip("out", domain="vpc", tags={"Name": note})
aws.kms.Key("key", enable_key_rotation=True, deletion_window_in_days=7)
role = aws.iam.Role(
    "node",
    name="node",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    ),
)
aws.iam.InstanceProfile("node", name="node", role=role.name)
group = aws.ec2.SecurityGroup("node", name="node", description=note, vpc_id=vpc.id)
aws.vpc.SecurityGroupIngressRule(
    "node", security_group_id=group.id, ip_protocol="-1", cidr_ipv4="10.1.0.0/16"
)
