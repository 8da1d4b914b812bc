"""Physical names and tags. Names follow from the cluster's, so policies can name what is to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi


@dataclass(frozen=True)
class Naming:
    """The names of one cluster's resources, and the tags that each of them carries."""

    cluster: str
    own_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> str:
        return self.cluster

    @property
    def token_parameter(self) -> str:
        return f"/{self.cluster}/worker-token"

    def role(self, role: str) -> str:
        return f"{self.cluster}-{role}"

    def slot_group(self, slot: str) -> str:
        return f"{self.cluster}-{slot}"

    def pool_group(self, pool: str) -> str:
        return f"{self.cluster}-worker-{pool}"

    def tags(self, name: str, **quorate: str) -> dict[str, str]:
        """The operator's tags, then Name, quorate:cluster and one quorate:<key> for each of `quorate`."""
        return {
            **self.own_tags,
            "Name": name,
            "quorate:cluster": self.cluster,
            **{f"quorate:{key}": value for key, value in quorate.items()},
        }


def child(parent: pulumi.Resource) -> pulumi.ResourceOptions:
    """Options of a part of `parent`."""
    return pulumi.ResourceOptions(parent=parent)


def named_child(parent: pulumi.Resource) -> pulumi.ResourceOptions:
    """As `child`, for a part with a physical name: its successor cannot exist beside it."""
    return pulumi.ResourceOptions(parent=parent, delete_before_replace=True)
