"""Managers: one group for each slot, of one instance, in the one subnet of the slot's zone."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_aws import autoscaling

from quorate.components import groups
from quorate.components.groups import Ground, Size
from quorate.layout import Slot


class Managers(pulumi.ComponentResource):
    """A shared group would move managers between zones behind the plan's back; a slot's cannot."""

    groups: dict[str, str]
    """The group's name of each slot."""

    def __init__(
        self, name: str, ground: Ground, slots: Sequence[Slot], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("quorate:components:Managers", name, None, opts)
        self.groups = {slot.name: self._slot(ground, slot) for slot in slots}
        self.register_outputs({})

    def _slot(self, ground: Ground, slot: Slot) -> str:
        group = ground.naming.slot_group(slot.name)
        tags = ground.naming.tags(group, role="manager", slot=slot.name, zone=slot.zone)
        template = groups.launch_template(
            self,
            slot.name,
            ground,
            group=group,
            role="manager",
            tags=tags,
            user_data=ground.user_data(group, "manager", slot=slot.name),
            instance_type=ground.settings.manager_instance_type,
        )
        groups.node_group(
            self,
            slot.name,
            ground,
            group=group,
            size=Size(min=1, max=1, desired=1),
            zones=[slot.zone],
            tags=tags,
            launch_template=autoscaling.GroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
        )
        return group
