"""The Pulumi program: settings, checked before anything is declared, then their cluster."""

from __future__ import annotations

import pulumi

from quorate.components import Cluster, refused, settled
from quorate.errors import QuorateError


def program() -> None:
    """Declares the cluster of this stack and exports what others need to find it."""
    try:
        settings, region = settled()
    except QuorateError as error:
        raise refused(error) from None
    cluster = Cluster(f"{pulumi.get_project()}-{pulumi.get_stack()}", settings, region)
    for name, value in cluster.exports.items():
        pulumi.export(name, value)


program()
