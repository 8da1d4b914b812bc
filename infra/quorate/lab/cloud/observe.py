"""Instances as they are now, read from moto's backends."""

from __future__ import annotations

import base64
from datetime import UTC
from typing import Any

from quorate.lab.cloud import ec2, world
from quorate.lab.cloud.views import InstanceView, MetadataOptions


class Observer:
    """Reads all instances; remembers in which order they were launched."""

    def __init__(self) -> None:
        self._launch_order: dict[str, int] = {}

    def instances(self) -> tuple[InstanceView, ...]:
        """Every instance of every region, in order of launch. The caller holds the cloud's lock."""
        members = {member.instance_id: member for member in world.members()}
        views = []
        for backend in world.ec2_in_use():
            for reservation in backend.reservations.values():
                for instance in reservation.instances:
                    if not isinstance(instance, ec2.Instance):
                        continue
                    index = self._launch_order.setdefault(instance.id, len(self._launch_order) + 1)
                    views.append(_view(backend, instance, index, members.get(instance.id)))
        return tuple(sorted(views, key=lambda view: view.launch_index))


def _view(backend: ec2.Backend, instance: ec2.Instance, index: int, member: Any) -> InstanceView:
    profile = instance.iam_instance_profile
    profile_arn = profile["Arn"] if profile else None
    options = instance.metadata_options
    return InstanceView(
        id=instance.id,
        launch_index=index,
        state=instance.state,
        image_id=instance.image_id,
        instance_type=instance.instance_type,
        lifecycle="spot" if instance.lifecycle == "spot" else "on-demand",
        launch_time=instance.launch_time.replace(tzinfo=UTC),
        region=backend.region_name,
        account=backend.account_id,
        zone_name=instance.home.zone_name,
        zone_id=instance.home.zone_id,
        vpc_id=instance.home.vpc_id,
        subnet_id=instance.home.subnet_id,
        subnet_cidr=instance.home.subnet_cidr,
        private_ip=instance.private_ip,
        mac=instance.nics[0].mac_address if instance.nics else None,
        security_groups=_security_groups(instance),
        user_data=_decoded(instance.user_data),
        profile_arn=profile_arn,
        role_name=world.role_of(profile_arn) if profile_arn else None,
        metadata=MetadataOptions(
            enabled=options.http_endpoint == "enabled",
            tokens=options.http_tokens,
            hop_limit=options.http_put_response_hop_limit,
            tags=options.instance_metadata_tags == "enabled",
        ),
        group=member.auto_scaling_group_name if member else None,
        lifecycle_state=member.lifecycle_state if member else None,
        health=member.health_status if member else None,
        tags={tag["key"]: tag["value"] for tag in instance.get_tags()},
    )


def _security_groups(instance: ec2.Instance) -> tuple[str, ...]:
    return tuple(sorted({group.id for nic in instance.nics.values() for group in nic.group_set}))


def _decoded(user_data: Any) -> str:
    return base64.b64decode(str(user_data)).decode("utf-8", "replace") if user_data else ""
