"""Where nodes meet: the table with the plan in it, and the parameter that holds the worker token."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi_aws import dynamodb, kms, ssm

from quorate.components import documents
from quorate.components.naming import Naming, named_child
from quorate.layout import Slot
from quorate.settings import Settings

HASH_KEY = "id"
NO_TOKEN_YET = "unset"  # noqa: S105 - says that there is none


class Rendezvous(pulumi.ComponentResource):
    """The table, its plan item, and the token parameter, whose value the leader writes later."""

    table: dynamodb.Table

    def __init__(
        self,
        name: str,
        *,
        settings: Settings,
        region: str,
        slots: Sequence[Slot],
        token_key: kms.Key,
        naming: Naming,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:components:Rendezvous", name, None, opts)
        self.table = dynamodb.Table(
            f"{name}-table",
            name=naming.table,
            billing_mode="PAY_PER_REQUEST",
            hash_key=HASH_KEY,
            attributes=[{"name": HASH_KEY, "type": "S"}],
            # a lost claim would let a second swarm be made beside the first
            point_in_time_recovery={"enabled": True},
            deletion_protection_enabled=False,
            tags=naming.tags(naming.table),
            opts=named_child(self),
        )
        dynamodb.TableItem(
            f"{name}-plan",
            table_name=self.table.name,
            hash_key=HASH_KEY,
            item=token_key.arn.apply(
                lambda key: documents.as_item(
                    "plan", documents.plan(naming, settings, region, slots, token_key=key)
                )
            ),
            opts=named_child(self),
        )
        ssm.Parameter(
            f"{name}-worker-token",
            name=naming.token_parameter,
            description=f"The token with which workers join {naming.cluster}; its leader writes it",
            type="SecureString",
            key_id=token_key.key_id,
            value_wo=NO_TOKEN_YET,
            value_wo_version=1,
            tags=naming.tags(naming.token_parameter),
            opts=named_child(self),
        )
        self.register_outputs({})
