"""What every Auto Scaling group of nodes has: launch template, hooks from its birth, tags, timeouts.

The order of the timeouts matters: a claim on the swarm's init expires before a join gives up, and a join
before the launch hook does; a group's deletion waits longer than a termination hook holds an instance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import autoscaling, ec2

from quorate.components import documents
from quorate.components.firewall import Firewall
from quorate.components.identity import Identity
from quorate.components.naming import Naming, named_child
from quorate.components.network import Network
from quorate.settings import Region, Settings

LAUNCH_SECONDS = 600
TERMINATION_SECONDS = 900
GROUP_DELETION = "30m"
SETTLING_SECONDS = 60
ROOT_DEVICE = "/dev/xvda"
ROOT_GIB = 30
TAGGED = ("instance", "volume", "network-interface")


@dataclass(frozen=True)
class Ground:
    """What groups stand on, and what must stay until they are gone."""

    settings: Settings
    region: Region
    naming: Naming
    network: Network
    firewall: Firewall
    identity: Identity
    standing: Sequence[pulumi.Resource]
    """A group depends on all of these, so that its nodes keep their way to AWS to the end."""

    def user_data(self, group: str, role: str, **place: str) -> pulumi.Output[str]:
        """The user-data of `group`; `place` is slot or pool."""
        data = {"role": role, **place}
        if role == "worker":
            encoded = documents.user_data(self.naming, self.settings, self.region.name, group, **data)
            return pulumi.Output.from_input(encoded)
        return self.identity.token_key.arn.apply(
            lambda key: documents.user_data(
                self.naming, self.settings, self.region.name, group, **data, token_key=key
            )
        )


def launch_template(
    parent: pulumi.Resource,
    logical: str,
    ground: Ground,
    *,
    group: str,
    role: str,
    tags: Mapping[str, str],
    user_data: pulumi.Output[str],
    instance_type: str | None = None,
) -> ec2.LaunchTemplate:
    """How instances of `group` start: metadata v2 only, one hop, encrypted gp3, no public address."""
    firewall = ground.firewall
    security_groups = [firewall.nodes, *([firewall.managers] if role == "manager" else [])]
    return ec2.LaunchTemplate(
        logical,
        name=group,
        description=f"Instances of {group}",
        image_id=ground.settings.image_for(role),
        instance_type=instance_type,
        user_data=user_data,
        iam_instance_profile={"arn": ground.identity.profiles[role].arn},
        metadata_options={
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
            "instance_metadata_tags": "disabled",
        },
        block_device_mappings=[
            {
                "device_name": ROOT_DEVICE,
                "ebs": {
                    "encrypted": "true",
                    "kms_key_id": ground.identity.volume_key.arn,
                    "volume_type": "gp3",
                    "volume_size": ROOT_GIB,
                    "delete_on_termination": "true",
                },
            }
        ],
        network_interfaces=[
            {
                "device_index": 0,
                "associate_public_ip_address": "false",
                "delete_on_termination": "true",
                "security_groups": [item.id for item in security_groups],
            }
        ],
        tag_specifications=[{"resource_type": kind, "tags": dict(tags)} for kind in TAGGED],
        update_default_version=True,
        tags=dict(tags),
        opts=named_child(parent),
    )


@dataclass(frozen=True)
class Size:
    """How many instances a group may have, and how many it starts with."""

    min: int
    max: int
    desired: int


def node_group(
    parent: pulumi.Resource,
    logical: str,
    ground: Ground,
    *,
    group: str,
    size: Size,
    zones: Sequence[str],
    tags: Mapping[str, str],
    launch_template: autoscaling.GroupLaunchTemplateArgs | None = None,
    mixed_instances_policy: autoscaling.GroupMixedInstancesPolicyArgs | None = None,
    capacity_rebalance: bool | None = None,
    ignored: Sequence[str] = (),
) -> autoscaling.Group:
    """A group over the private subnets of `zones`; `ignored` are properties that others change later."""
    return autoscaling.Group(
        logical,
        name=group,
        min_size=size.min,
        max_size=size.max,
        desired_capacity=size.desired,
        vpc_zone_identifiers=[ground.network.private[zone].id for zone in zones],
        launch_template=launch_template,
        mixed_instances_policy=mixed_instances_policy,
        capacity_rebalance=capacity_rebalance,
        initial_lifecycle_hooks=_hooks(),
        health_check_type="EC2",
        health_check_grace_period=SETTLING_SECONDS,
        default_instance_warmup=SETTLING_SECONDS,
        # a group is ready when it exists: whether its nodes have joined is the swarm's to say
        wait_for_capacity_timeout="0",
        force_delete=False,
        termination_policies=["OldestLaunchTemplate", "Default"],
        tags=[
            autoscaling.GroupTagArgs(key=key, value=value, propagate_at_launch=True)
            for key, value in tags.items()
        ],
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=list(ground.standing),
            delete_before_replace=True,
            ignore_changes=list(ignored),
            custom_timeouts=pulumi.CustomTimeouts(delete=GROUP_DELETION),
        ),
    )


def _hooks() -> list[autoscaling.GroupInitialLifecycleHookArgs]:
    """Both lifecycle hooks; a launch that nobody completes is given up, a termination goes on."""
    return [
        autoscaling.GroupInitialLifecycleHookArgs(
            name=documents.LAUNCH_HOOK,
            lifecycle_transition="autoscaling:EC2_INSTANCE_LAUNCHING",
            heartbeat_timeout=LAUNCH_SECONDS,
            default_result="ABANDON",
        ),
        autoscaling.GroupInitialLifecycleHookArgs(
            name=documents.TERMINATION_HOOK,
            lifecycle_transition="autoscaling:EC2_INSTANCE_TERMINATING",
            heartbeat_timeout=TERMINATION_SECONDS,
            default_result="CONTINUE",
        ),
    ]
