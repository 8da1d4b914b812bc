"""One resource of every type that the lab knows, wired as a cluster wires them."""

import base64
import json

import pulumi
import pulumi_aws as aws

config = pulumi.Config()
cluster = f"{pulumi.get_project()}-{pulumi.get_stack()}"
groups = config.require_int("managers")
note = config.get("note") or "one"
account = aws.get_caller_identity().account_id
SCALING_ROLE = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"


class Network(pulumi.ComponentResource):
    """VPC, subnets, gateways, routes, endpoints."""

    def __init__(self, name: str) -> None:
        super().__init__("quorate:test:Network", name)
        own = pulumi.ResourceOptions(parent=self)
        zones = aws.get_availability_zones()
        self.vpc = aws.ec2.Vpc(
            name, cidr_block="10.20.0.0/16", enable_dns_hostnames=True, tags=tags("vpc"), opts=own
        )
        self.subnets = [
            aws.ec2.Subnet(
                f"{name}-{zone}",
                vpc_id=self.vpc.id,
                cidr_block=f"10.20.{index}.0/24",
                availability_zone_id=zone,
                map_public_ip_on_launch=False,
                tags=tags(f"subnet-{zone}"),
                opts=own,
            )
            for index, zone in enumerate(zones.zone_ids[:2])
        ]
        gateway = aws.ec2.InternetGateway(name, vpc_id=self.vpc.id, tags=tags("igw"), opts=own)
        address = aws.ec2.Eip(
            name,
            domain="vpc",
            tags=tags("eip"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway]),
        )
        nat = aws.ec2.NatGateway(
            name,
            allocation_id=address.id,
            subnet_id=self.subnets[0].id,
            tags=tags("nat"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway]),
        )
        table = aws.ec2.RouteTable(name, vpc_id=self.vpc.id, tags=tags("table"), opts=own)
        aws.ec2.Route(
            f"{name}-out",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            nat_gateway_id=nat.id,
            opts=own,
        )
        for subnet, zone in zip(self.subnets, zones.zone_ids, strict=False):
            aws.ec2.RouteTableAssociation(
                f"{name}-{zone}", route_table_id=table.id, subnet_id=subnet.id, opts=own
            )
        self.s3 = aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=self.vpc.id,
            service_name="com.amazonaws.us-east-1.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id],
            tags=tags("s3"),
            opts=own,
        )
        self.group = aws.ec2.SecurityGroup(
            name, name=f"{cluster}-node", description="nodes", vpc_id=self.vpc.id, tags=tags("sg"), opts=own
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-raft",
            security_group_id=self.group.id,
            ip_protocol="tcp",
            from_port=2377,
            to_port=2377,
            referenced_security_group_id=self.group.id,
            description="raft",
            tags=tags("raft"),
            opts=own,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-esp",
            security_group_id=self.group.id,
            ip_protocol="50",
            cidr_ipv4="10.20.0.0/16",
            opts=own,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-s3",
            security_group_id=self.group.id,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            prefix_list_id=self.s3.prefix_list_id,
            opts=own,
        )
        aws.ec2.VpcEndpoint(
            f"{name}-ssm",
            vpc_id=self.vpc.id,
            service_name="com.amazonaws.us-east-1.ssm",
            vpc_endpoint_type="Interface",
            subnet_ids=[subnet.id for subnet in self.subnets],
            security_group_ids=[self.group.id],
            private_dns_enabled=True,
            tags=tags("ssm"),
            opts=own,
        )
        self.register_outputs({})


def tags(name: str) -> dict[str, str]:
    return {"Name": f"{cluster}-{name}", "quorate:cluster": cluster}


def policy(action: str, resource: pulumi.Input[str]) -> pulumi.Output[str]:
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": [action], "Resource": [resource]}],
        }
    )


network = Network("net")
key = aws.kms.Key(
    "token",
    description=f"{cluster} worker token",
    enable_key_rotation=True,
    deletion_window_in_days=7,
    tags=tags("key"),
)
aws.kms.Alias("token", name=f"alias/{cluster}-token", target_key_id=key.key_id)
role = aws.iam.Role(
    "manager",
    name=f"{cluster}-manager",
    description="managers",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    ),
    tags=tags("role"),
)
grant = aws.kms.Grant(
    "launch",
    name=f"{cluster}-launch",
    key_id=key.key_id,
    grantee_principal=f"arn:aws:iam::{account}:role/{SCALING_ROLE}",
    operations=[
        "Decrypt",
        "Encrypt",
        "CreateGrant",
        "GenerateDataKeyWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
    ],
)
table = aws.dynamodb.Table(
    "rendezvous",
    name=cluster,
    billing_mode="PAY_PER_REQUEST",
    hash_key="id",
    attributes=[{"name": "id", "type": "S"}],
    point_in_time_recovery={"enabled": True},
    deletion_protection_enabled=False,
    tags=tags("table"),
)
aws.dynamodb.TableItem(
    "plan",
    table_name=table.name,
    hash_key="id",
    item=json.dumps({"id": {"S": "plan"}, "document": {"S": json.dumps({"schema": 1, "note": note})}}),
)
parameter = aws.ssm.Parameter(
    "worker-token",
    name=f"/{cluster}/worker-token",
    description="the worker token",
    type="SecureString",
    key_id=key.arn,
    value_wo=pulumi.Output.secret("not-yet-a-token"),
    value_wo_version=1,
    tags=tags("parameter"),
)
inline = aws.iam.RolePolicy(
    "manager",
    name=f"{cluster}-manager",
    role=role.name,
    policy=policy("ssm:GetParameter", parameter.arn),
)
profile = aws.iam.InstanceProfile("manager", name=f"{cluster}-manager", role=role.name, tags=tags("profile"))

for index, subnet in enumerate(network.subnets[:groups]):
    template = aws.ec2.LaunchTemplate(
        f"manager-{index}",
        name=f"{cluster}-manager-{index}",
        description=f"manager {index}",
        image_id="ami-12c6146b",
        instance_type="t3.small",
        user_data=pulumi.Output.json_dumps({"schema": 1, "table": table.name, "note": note}).apply(
            lambda text: base64.b64encode(text.encode()).decode()
        ),
        iam_instance_profile={"arn": profile.arn},
        metadata_options={
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
            "instance_metadata_tags": "disabled",
        },
        block_device_mappings=[
            {
                "device_name": "/dev/xvda",
                "ebs": {
                    "encrypted": "true",
                    "kms_key_id": key.arn,
                    "volume_type": "gp3",
                    "volume_size": 20,
                    "delete_on_termination": "true",
                },
            }
        ],
        network_interfaces=[
            {
                "associate_public_ip_address": "false",
                "delete_on_termination": "true",
                "device_index": 0,
                "security_groups": [network.group.id],
            }
        ],
        tag_specifications=[{"resource_type": "instance", "tags": tags("manager")}],
        update_default_version=True,
        tags=tags("template"),
    )
    aws.autoscaling.Group(
        f"manager-{index}",
        name=f"{cluster}-manager-{index}",
        min_size=1,
        max_size=1,
        desired_capacity=1,
        vpc_zone_identifiers=[subnet.id],
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        initial_lifecycle_hooks=[
            {
                "name": "quorate-launch",
                "lifecycle_transition": "autoscaling:EC2_INSTANCE_LAUNCHING",
                "default_result": "ABANDON",
                "heartbeat_timeout": 900,
            }
        ],
        health_check_type="EC2",
        health_check_grace_period=60,
        default_instance_warmup=0,
        wait_for_capacity_timeout="0",
        force_delete=False,
        termination_policies=["OldestInstance"],
        tags=[{"key": "Name", "value": f"{cluster}-manager-{index}", "propagate_at_launch": True}],
        opts=pulumi.ResourceOptions(
            depends_on=[inline, grant],
            custom_timeouts=pulumi.CustomTimeouts(delete="30m"),
            ignore_changes=["desiredCapacity"],
        ),
    )

aws.autoscaling.Group(
    "workers",
    name=f"{cluster}-worker-general",
    min_size=0,
    max_size=3,
    desired_capacity=0,
    vpc_zone_identifiers=[subnet.id for subnet in network.subnets],
    mixed_instances_policy={
        "instances_distribution": {
            "on_demand_base_capacity": 1,
            "on_demand_percentage_above_base_capacity": 50,
        },
        "launch_template": {
            "launch_template_specification": {"launch_template_id": template.id, "version": "$Latest"},
            "overrides": [{"instance_type": "t3.small"}, {"instance_type": "t3a.small"}],
        },
    },
    capacity_rebalance=True,
    wait_for_capacity_timeout="0",
)

pulumi.export("vpc", network.vpc.id)
pulumi.export("table", table.name)
pulumi.export("zones", aws.get_availability_zones_output().zone_ids)
