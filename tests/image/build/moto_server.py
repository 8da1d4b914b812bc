"""moto as a server, completed where builds of current Packer depend on what it lacks."""

from __future__ import annotations

import sys
from typing import Any

from moto.ec2.models.amis import AmiBackend
from moto.server import main

_create_image = AmiBackend.create_image


def create_image(
    self: Any, instance_id: str, name: str, description: str, tag_specifications: list[dict[str, Any]]
) -> Any:
    """Tags for the image and its snapshots in one call (EC2 API Reference, CreateImage)."""
    image_tags = [one for one in tag_specifications if one["ResourceType"] != "snapshot"]
    image = _create_image(self, instance_id, name, description, image_tags)
    for one in tag_specifications:
        if one["ResourceType"] == "snapshot":
            image.ebs_snapshot.add_tags({tag["Key"]: tag["Value"] for tag in one["Tags"]})
    return image


AmiBackend.create_image = create_image

if __name__ == "__main__":
    main(sys.argv[1:])
