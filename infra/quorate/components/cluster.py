"""The whole cluster: which part stands on which, and what the stack exports."""

from __future__ import annotations

from typing import Any

import pulumi

from quorate.components.endpoints import InterfaceEndpoints
from quorate.components.firewall import Firewall
from quorate.components.groups import Ground
from quorate.components.identity import Identity
from quorate.components.managers import Managers
from quorate.components.naming import Naming, child
from quorate.components.network import Network
from quorate.components.rendezvous import Rendezvous
from quorate.components.workers import Workers
from quorate.layout import slots, tolerance
from quorate.settings import Region, Settings


class Cluster(pulumi.ComponentResource):
    """A swarm's place on AWS. `exports` is what the stack shows."""

    exports: dict[str, Any]

    def __init__(
        self,
        name: str,
        settings: Settings,
        region: Region,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("quorate:components:Cluster", name, None, opts)
        naming = Naming(name, settings.tags)
        places = slots(settings.zones, settings.spread)
        network = Network("network", settings=settings, region=region.name, naming=naming, opts=child(self))
        firewall = Firewall("firewall", settings=settings, network=network, naming=naming, opts=child(self))
        identity = Identity(
            "identity",
            region=region,
            worker_groups=[naming.pool_group(pool.name) for pool in settings.workers],
            naming=naming,
            opts=child(self),
        )
        rendezvous = Rendezvous(
            "rendezvous",
            settings=settings,
            region=region.name,
            slots=places,
            token_key=identity.token_key,
            naming=naming,
            opts=child(self),
        )
        standing: list[pulumi.Resource] = [network, firewall, identity, rendezvous]
        if firewall.endpoints is not None:
            endpoints = InterfaceEndpoints(
                "endpoints",
                network=network,
                security_group=firewall.endpoints,
                region=region.name,
                naming=naming,
                opts=child(self),
            )
            standing.append(endpoints)
        ground = Ground(settings, region, naming, network, firewall, identity, standing)
        managers = Managers("managers", ground, places, child(self))
        workers = Workers("workers", ground, child(self))
        self.exports = {
            "cluster": naming.cluster,
            "region": region.name,
            "zones": list(settings.zones),
            "layout": list(settings.spread),
            "tolerance": tolerance(settings.spread).to_json(),
            "groups": {"managers": managers.groups, "workers": workers.groups},
            "table": rendezvous.table.name,
            "vpc": network.vpc.id,
        }
        self.register_outputs(self.exports)
