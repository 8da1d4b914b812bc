"""Where an agent runs: what its environment may say, which on a real node is nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Surroundings:
    """The engine's socket, the metadata service, and the directory (tmpfs) of what is true until reboot."""

    docker: str
    metadata: str
    run: Path
    certificate: Path


def surroundings(environment: Mapping[str, str] = os.environ) -> Surroundings:
    """From QUORATE_DOCKER, QUORATE_METADATA, QUORATE_RUN and QUORATE_CERTIFICATE, or a node's own places."""
    return Surroundings(
        docker=environment.get("QUORATE_DOCKER", "unix:///run/docker.sock"),
        metadata=environment.get("QUORATE_METADATA", "http://169.254.169.254"),
        run=Path(environment.get("QUORATE_RUN", "/run/quorate")),
        certificate=Path(
            environment.get("QUORATE_CERTIFICATE", "/var/lib/docker/swarm/certificates/swarm-node.crt")
        ),
    )
