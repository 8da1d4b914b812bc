"""What the lab sees of an instance: plain values, taken at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class MetadataOptions:
    """How the instance's metadata service answers, from its launch template."""

    enabled: bool = True
    tokens: str = "optional"
    hop_limit: int = 1
    tags: bool = False


@dataclass(frozen=True)
class InstanceView:
    """One EC2 instance; `private_ip` is None once it is terminated, the subnet is that of its launch."""

    id: str
    launch_index: int
    """Counts the instances of this cloud in order of launch, from 1; never used twice."""
    state: str
    """EC2's word: pending, running, stopped, terminated."""
    image_id: str
    instance_type: str
    lifecycle: str
    """`on-demand` or `spot`."""
    launch_time: datetime
    region: str
    account: str
    zone_name: str
    zone_id: str
    vpc_id: str
    subnet_id: str
    subnet_cidr: str
    private_ip: str | None
    mac: str | None
    security_groups: tuple[str, ...]
    user_data: str
    """Decoded; empty when there is none."""
    profile_arn: str | None
    role_name: str | None
    metadata: MetadataOptions
    group: str | None = None
    """Its Auto Scaling group, while it belongs to one."""
    lifecycle_state: str | None = None
    """Auto Scaling's word: Pending:Wait, InService, Terminating:Wait, ..."""
    health: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def target_lifecycle_state(self) -> str | None:
        """What the state is heading for, as the metadata path autoscaling/target-lifecycle-state tells it.

        EC2 Auto Scaling User Guide, "Retrieve the target lifecycle state through instance metadata".
        """
        if self.lifecycle_state is None:
            return None
        if self.lifecycle_state.startswith(("Pending", "InService")):
            return "InService"
        if self.lifecycle_state.startswith("Terminat"):
            return "Terminated"
        return self.lifecycle_state

    def to_json(self) -> dict[str, Any]:
        """Everything but the user-data, for people and scripts."""
        document = asdict(self)
        del document["user_data"]
        document["launch_time"] = self.launch_time.isoformat()
        return document
