"""What Pulumi and AWS say about the stack, before any resource is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pulumi
import pulumi_aws as aws
from pulumi.runtime.config import CONFIG, get_config_env

from quorate.errors import QuorateError, Unknown
from quorate.settings import Region, Settings, check_zones, parse

Answer = TypeVar("Answer")


def settled() -> tuple[Settings, Region]:
    """The stack's settings and region, checked against one another; a QuorateError where they cannot be used.

    Every refusal is here: once a resource is declared, a later error leaves it behind.
    """
    project = pulumi.get_project()
    # the CLI hands the configuration over in the environment, an embedding program through the runtime
    config = {**get_config_env(), **CONFIG.get()}
    settings = parse(config, project=project, stack=pulumi.get_stack())
    region = _region()
    check_zones(settings, region, project)
    return settings, region


def refused(error: QuorateError) -> pulumi.RunError:
    """`error` as the end of a Pulumi program: its lines, and no traceback."""
    return pulumi.RunError(str(error))


def _region() -> Region:
    zones = _asked("which zones there are", aws.get_availability_zones)
    return Region(
        name=zones.region,
        partition=_asked("its partition", aws.get_partition).partition,
        account=_asked("whose account this is", aws.get_caller_identity).account_id,
        zones=dict(zip(zones.zone_ids, zones.names, strict=True)),
    )


def _asked(what: str, ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except QuorateError:
        raise
    except Exception as error:  # Pulumi raises a plain Exception for an invoke that failed
        said = " ".join(str(error).split())
        raise Unknown(
            f"AWS did not say {what}: {said}; nothing was changed. "
            "Check credentials, aws:region and the network, then run it again"
        ) from error
