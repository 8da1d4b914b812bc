"""One instance from a launch template, with everything that the template says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.exceptions import ServiceException
from moto.ec2.models.launch_templates import LaunchTemplateVersion
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.ssm.models import ssm_backends

from quorate.lab.cloud.scaling.choice import Place, Purchase

if TYPE_CHECKING:
    from quorate.lab.cloud import ec2
    from quorate.lab.cloud.scaling.group import Group

SERVICE_ROLE = "AWSServiceRoleForAutoScaling"
_GROUP_TAG = "aws:autoscaling:groupName"
_RESOLVE = "resolve:ssm:"


class LaunchFailed(Exception):
    """AWS would not launch this instance, in its own words."""


def version_of(group: Group, purchase: Purchase) -> LaunchTemplateVersion:
    """The template version that the next instance is made from; LaunchFailed when it is gone."""
    chosen = purchase.template
    identity = (chosen or {}).get("LaunchTemplateId") or group.template_id
    if chosen and not chosen.get("LaunchTemplateId"):
        identity = group.ec2_backend.launch_template_name_to_ids.get(chosen.get("LaunchTemplateName", ""))
    template = group.ec2_backend.launch_templates.get(identity or "")
    if template is None:
        raise LaunchFailed(
            "You must use a valid fully-formed launch template. The specified launch template, with template "
            f"ID {identity}, does not exist."
        )
    number = (chosen or {}).get("Version") or group.launch_template_version
    try:
        return template.get_version(number)
    except (ServiceException, ValueError):
        raise LaunchFailed(
            "You must use a valid fully-formed launch template. Could not find the specified version "
            f"{number} for the launch template with ID {identity}."
        ) from None


def launch(group: Group, place: Place, purchase: Purchase) -> tuple[ec2.Instance, int]:
    """A running instance in this subnet and its template version; LaunchFailed says why not."""
    version = version_of(group, purchase)
    data = version.data
    profile = _profile(group, data.get("IamInstanceProfile") or {})
    volumes = [d for d in data.get("BlockDeviceMappings") or [] if d.get("Ebs")]
    for volume in volumes:
        _check_volume_key(group, volume["Ebs"].get("KmsKeyId"))
    interfaces = data.get("NetworkInterfaces") or []
    arguments: dict[str, Any] = {
        "instance_type": purchase.instance_type or version.instance_type,
        "is_instance_type_default": False,
        "region_name": group.region,
        "subnet_id": place.subnet_id,
        "key_name": data.get("KeyName"),
        "security_group_ids": _security_groups(group, place, data),
        "associate_public_ip": interfaces[0].get("AssociatePublicIpAddress") if interfaces else None,
        "tags": {"instance": _tags(group, version), "volume": _template_tags(data, "volume")},
        "launch_template": {"LaunchTemplateId": version.template.id, "Version": str(version.number)},
        "metadata_options": data.get("MetadataOptions") or {},
        "ebs_optimized": data.get("EbsOptimized") or False,
        "monitoring_state": "enabled" if (data.get("Monitoring") or {}).get("Enabled") else "disabled",
    }
    if volumes:
        arguments["block_device_mappings"] = volumes
    if purchase.spot:
        arguments["instance_market_options"] = "spot"
    try:
        reservation = group.ec2_backend.run_instances(
            _image(group, version.image_id), 1, version.user_data, [], **arguments
        )
        instance = reservation.instances[0]
        if profile:
            group.ec2_backend.associate_iam_instance_profile(instance.id, **profile)
    except ServiceException as refusal:
        raise LaunchFailed(f"{refusal.message} Launching EC2 instance failed.") from refusal
    return instance, version.number  # type: ignore[return-value]


def _tags(group: Group, version: LaunchTemplateVersion) -> dict[str, str]:
    return {**version.instance_tags, **group.get_propagated_tags(), _GROUP_TAG: group.name}


def _template_tags(data: Any, resource: str) -> dict[str, str]:
    return {
        tag["Key"]: tag.get("Value", "")
        for specification in data.get("TagSpecifications") or []
        if specification.get("ResourceType") == resource
        for tag in specification.get("Tags") or []
    }


def _security_groups(group: Group, place: Place, data: Any) -> list[str]:
    named = list(data.get("SecurityGroupIds") or [])
    for interface in data.get("NetworkInterfaces") or []:
        if int(interface.get("DeviceIndex") or 0) == 0:
            named.extend(interface.get("Groups") or [])
    if named:
        return named
    vpc_id = group.ec2_backend.get_subnet(place.subnet_id).vpc_id
    default = group.ec2_backend.get_default_security_group(vpc_id)
    return [default.id] if default else []


def _profile(group: Group, wanted: dict[str, str]) -> dict[str, str]:
    if not wanted:
        return {}
    profiles = iam_backends[group.account_id]["aws"].instance_profiles.values()
    for field, attribute in (("Arn", "arn"), ("Name", "name")):
        value = wanted.get(field)
        if value and any(getattr(profile, attribute) == value for profile in profiles):
            return {f"iam_instance_profile_{attribute}": value}
    given = wanted.get("Arn") or wanted.get("Name")
    raise LaunchFailed(f"Invalid IAM Instance Profile: {given}. Launching EC2 instance failed.")


def _check_volume_key(group: Group, key_id: str | None) -> None:
    """A customer's key needs a grant, or a statement in its policy, for Auto Scaling's own role.

    "Required AWS KMS key policy for use with encrypted volumes".
    """
    if not key_id or key_id.endswith("alias/aws/ebs"):
        return
    keys = kms_backends[group.account_id][group.region]
    try:
        key = keys.keys.get(keys.any_id_to_key_id(key_id))
    except ServiceException:
        key = None
    granted = key is not None and (
        any(SERVICE_ROLE in grant.grantee_principal for grant in key.grants.values())
        or SERVICE_ROLE in (key.policy or "")
    )
    if key is None or key.key_state != "Enabled" or not granted:
        raise LaunchFailed(
            f"Client.InvalidKMSKey.InvalidState: the key {key_id} is not enabled or not granted to "
            f"{SERVICE_ROLE}. Launching EC2 instance failed."
        )


def _image(group: Group, image_id: str) -> str:
    if not image_id.startswith(_RESOLVE):
        return image_id
    name = image_id.removeprefix(_RESOLVE)
    parameter = ssm_backends[group.account_id][group.region].get_parameter(name)
    if parameter is None:
        raise LaunchFailed(f"The parameter {name} that names the image does not exist.")
    return str(parameter.value)
