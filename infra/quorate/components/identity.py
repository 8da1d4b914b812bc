"""Who nodes are to AWS: a role for managers and one for workers, and the cluster's two keys."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_aws import iam, kms

from quorate.components import policies
from quorate.components.naming import Naming, child, named_child
from quorate.components.policies import Arns
from quorate.settings import Region

DELETION_WINDOW_DAYS = 7


class Identity(pulumi.ComponentResource):
    """Roles with their inline policies and profiles; the key of the worker token and that of volumes."""

    token_key: kms.Key
    volume_key: kms.Key
    profiles: dict[str, iam.InstanceProfile]
    """The instance profile of `manager` and of `worker`."""

    def __init__(
        self,
        name: str,
        *,
        region: Region,
        worker_groups: Sequence[str],
        naming: Naming,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:components:Identity", name, None, opts)
        self._name, self._naming, self._arns = name, naming, Arns(naming, region)
        self.token_key = self._key("token", "The worker token")
        self.volume_key = self._key("volumes", "The nodes' volumes")
        kms.Grant(
            f"{name}-volumes",
            name=f"{naming.cluster}-auto-scaling",
            key_id=self.volume_key.key_id,
            grantee_principal=self._arns.auto_scaling_role,
            operations=list(policies.AUTO_SCALING_GRANT),
            opts=named_child(self),
        )
        arns = self._arns
        self.profiles = {
            "manager": self._role(
                "manager",
                self.token_key.arn.apply(lambda key: policies.manager_policy(arns, key)),
            ),
            "worker": self._role(
                "worker",
                self.token_key.arn.apply(lambda key: policies.worker_policy(arns, key, worker_groups)),
            ),
        }
        self.register_outputs({})

    def _key(self, part: str, description: str) -> kms.Key:
        full = f"{self._naming.cluster}-{part}"
        key = kms.Key(
            f"{self._name}-{part}",
            description=f"{description} of {self._naming.cluster}",
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            policy=policies.key_policy(self._arns),
            tags=self._naming.tags(full),
            opts=child(self),
        )
        kms.Alias(
            f"{self._name}-{part}", name=f"alias/{full}", target_key_id=key.key_id, opts=named_child(self)
        )
        return key

    def _role(self, role: str, policy: pulumi.Output[str]) -> iam.InstanceProfile:
        full = self._naming.role(role)
        resource = iam.Role(
            f"{self._name}-{role}",
            name=full,
            description=f"The {role}s of {self._naming.cluster}",
            assume_role_policy=policies.trust_ec2(),
            tags=self._naming.tags(full, role=role),
            opts=named_child(self),
        )
        iam.RolePolicy(
            f"{self._name}-{role}", name=full, role=resource.name, policy=policy, opts=named_child(self)
        )
        return iam.InstanceProfile(
            f"{self._name}-{role}",
            name=full,
            role=resource.name,
            tags=self._naming.tags(full, role=role),
            opts=named_child(self),
        )
