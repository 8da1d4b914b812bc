"""The functions (data sources) that a program may call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from quorate.errors import UsageError
from quorate.lab.provider.aws import Aws
from quorate.lab.provider.values import Values


def _availability_zones(aws: Aws, arguments: Values) -> Values:
    zones: list[dict[str, Any]] = aws.call("ec2", "describe_availability_zones")["AvailabilityZones"]
    wanted = arguments.get("state")
    if wanted:
        zones = [zone for zone in zones if zone["State"] == wanted]
    zones = sorted(zones, key=lambda zone: zone["ZoneName"])
    return {
        "id": aws.region,
        "names": [zone["ZoneName"] for zone in zones],
        "zoneIds": [zone["ZoneId"] for zone in zones],
        "groupNames": sorted({zone.get("GroupName", aws.region) for zone in zones}),
        "region": aws.region,
        **({"state": wanted} if wanted else {}),
    }


def _caller_identity(aws: Aws, arguments: Values) -> Values:
    caller = aws.call("sts", "get_caller_identity")
    return {
        "id": caller["Account"],
        "accountId": caller["Account"],
        "arn": caller["Arn"],
        "userId": caller["UserId"],
    }


def _partition(aws: Aws, arguments: Values) -> Values:
    suffix = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}.get(aws.partition, "amazonaws.com")
    return {
        "id": aws.partition,
        "partition": aws.partition,
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


_Function = tuple[Callable[[Aws, Values], Values], frozenset[str]]

FUNCTIONS: Final[dict[str, _Function]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": (_availability_zones, frozenset({"state"})),
    "aws:index/getCallerIdentity:getCallerIdentity": (_caller_identity, frozenset()),
    "aws:index/getPartition:getPartition": (_partition, frozenset()),
}


def invoke(aws: Aws, token: str, arguments: Values) -> Values:
    """Answers a function call. Raises UsageError for functions and arguments that the lab does not know."""
    if token not in FUNCTIONS:
        known = ", ".join(name.rpartition(":")[2] for name in FUNCTIONS)
        raise UsageError(f"the lab does not know the function {token}; it knows {known}")
    function, takes = FUNCTIONS[token]
    unknown = sorted(name for name, value in arguments.items() if value is not None and name not in takes)
    if unknown:
        raise UsageError(
            f"{token.rpartition(':')[2]}: the lab does not know the argument {', '.join(unknown)}"
        )
    return function(aws, arguments)
