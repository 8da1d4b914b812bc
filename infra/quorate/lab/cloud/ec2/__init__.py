"""EC2 as AWS tells it, on moto's backend.

    backend       interfaces and addresses, deletes, tags
    instances, subnets, firewall     the things themselves
    dependencies  what AWS refuses to delete
    requests      the actions that moto answers otherwise

moto makes its own objects by module-level names; `install` puts the classes of this package in their place.
"""

from __future__ import annotations

from quorate.lab.cloud.ec2.backend import Backend
from quorate.lab.cloud.ec2.instances import Home, Instance

__all__ = ["Backend", "Home", "Instance", "install"]


def install(closed_zones: set[str]) -> None:
    """From now on moto's EC2 is this one."""
    import moto.ec2.models.instances as moto_instances
    import moto.ec2.models.security_groups as moto_security_groups
    import moto.ec2.models.subnets as moto_subnets
    import moto.ec2.utils as moto_utils
    from moto.ec2.models import ec2_backends

    from quorate.lab.cloud.ec2.firewall import Rule
    from quorate.lab.cloud.ec2.subnets import Subnet

    Backend.closed_zones = closed_zones
    moto_instances.Instance = Instance  # type: ignore[misc]
    moto_subnets.Subnet = Subnet  # type: ignore[misc]
    moto_security_groups.SecurityGroupRule = Rule  # type: ignore[assignment,misc]
    ec2_backends.backend = Backend
    moto_utils.filter_dict_attribute_mapping["availability-zone-id"] = "placement.availability_zone_id"
