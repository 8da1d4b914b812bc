"""Workers: one group for each pool, over the private subnets of all zones."""

from __future__ import annotations

import pulumi
from pulumi_aws import autoscaling, ec2

from quorate.components import groups
from quorate.components.groups import Ground, Size
from quorate.settings import Pool


class Workers(pulumi.ComponentResource):
    """Pools of mixed instance types; a pool's desired count is ours at its birth and scaling's afterwards."""

    groups: dict[str, str]
    """The group's name of each pool."""

    def __init__(self, name: str, ground: Ground, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("quorate:components:Workers", name, None, opts)
        self.groups = {pool.name: self._pool(ground, pool) for pool in ground.settings.workers}
        self.register_outputs({})

    def _pool(self, ground: Ground, pool: Pool) -> str:
        group, logical = ground.naming.pool_group(pool.name), f"worker-{pool.name}"
        tags = ground.naming.tags(group, role="worker", pool=pool.name)
        template = groups.launch_template(
            self,
            logical,
            ground,
            group=group,
            role="worker",
            tags=tags,
            user_data=ground.user_data(group, "worker", pool=pool.name),
        )
        groups.node_group(
            self,
            logical,
            ground,
            group=group,
            size=Size(min=pool.min, max=pool.max, desired=pool.first_desired),
            zones=ground.settings.zones,
            tags=tags,
            mixed_instances_policy=_mix(pool, template),
            capacity_rebalance=pool.spot,
            ignored=["desiredCapacity"],
        )
        return group


def _mix(pool: Pool, template: ec2.LaunchTemplate) -> autoscaling.GroupMixedInstancesPolicyArgs:
    return autoscaling.GroupMixedInstancesPolicyArgs(
        instances_distribution=autoscaling.GroupMixedInstancesPolicyInstancesDistributionArgs(
            on_demand_base_capacity=0,
            on_demand_percentage_above_base_capacity=0 if pool.spot else 100,
            on_demand_allocation_strategy="prioritized",
            spot_allocation_strategy="price-capacity-optimized",
        ),
        launch_template=autoscaling.GroupMixedInstancesPolicyLaunchTemplateArgs(
            launch_template_specification=(
                autoscaling.GroupMixedInstancesPolicyLaunchTemplateLaunchTemplateSpecificationArgs(
                    launch_template_id=template.id, version=template.latest_version.apply(str)
                )
            ),
            overrides=[
                autoscaling.GroupMixedInstancesPolicyLaunchTemplateOverrideArgs(instance_type=name)
                for name in pool.instance_types
            ],
        ),
    )
