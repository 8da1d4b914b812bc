"""Every key of a stack's configuration: type, default, bound, and why the bound is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from quorate.layout import Goal, Spread, best_spread

MOST_MANAGERS = 7
MOST_ZONES = 7
MOST_POOLS = 20
MOST_TAGS = 40
ZONE_ID = re.compile(r"[a-z]+[0-9]+-az([1-7])")
POOL_NAME = r"^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$"
INSTANCE_TYPE = r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$"
IMAGE = r"^(ami-([0-9a-f]{8}|[0-9a-f]{17})|resolve:ssm:[A-Za-z0-9_./-]+(:[A-Za-z0-9_.-]+)?)$"
LABEL_KEY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?")
TAG_TEXT = re.compile(r"[\w .:/=+@-]*")
SWARMS_OWN_LABELS = ("quorate.", "com.docker.", "io.docker.", "org.dockerproject.")


class Egress(StrEnum):
    """How private nodes reach AWS and the world."""

    PER_ZONE = "per-zone"
    SINGLE = "single"
    ENDPOINTS = "endpoints"


@dataclass(frozen=True, slots=True)
class Bound:
    """What a key accepts and why; stands beside the key's type and makes its line when it is refused."""

    accepts: str
    reason: str


def _not_a_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")
    return value


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("even")
    return value


def _unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) != len(values):
        raise ValueError("repeated")
    return values


def _fits_swarm(spread: Spread) -> Spread:
    if spread and not 1 <= sum(spread) <= MOST_MANAGERS:
        raise ValueError("too few or too many managers")
    return spread


def _zone_id(value: str) -> str:
    if not ZONE_ID.fullmatch(value):
        raise ValueError("not a zone id")
    return value


def _labels(labels: dict[str, str]) -> dict[str, str]:
    for key, value in labels.items():
        if not LABEL_KEY.fullmatch(key) or key.startswith(SWARMS_OWN_LABELS):
            raise ValueError(key)
        if len(value) > 255 or not value.isprintable():
            raise ValueError(value)
    return labels


def _tags(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > MOST_TAGS:
        raise ValueError("too many")
    for key, value in tags.items():
        reserved = key == "Name" or key.lower().startswith(("aws:", "quorate:"))
        if not 1 <= len(key) <= 128 or not TAG_TEXT.fullmatch(key) or reserved:
            raise ValueError(key)
        if len(value) > 256 or not TAG_TEXT.fullmatch(value):
            raise ValueError(value)
    return tags


Count = Annotated[int, BeforeValidator(_not_a_bool), Field(ge=0)]
Text = Annotated[str, StringConstraints(strict=True)]
InstanceType = Annotated[Text, StringConstraints(pattern=INSTANCE_TYPE)]

A_TYPE = Bound("must be an EC2 instance type such as t3.small", "AWS has no other names for them")
A_COUNT = Bound("must be a whole number from 0", "it counts instances")


class Pool(BaseModel):
    """A pool of workers that one Auto Scaling group holds, over all zones."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    name: Annotated[
        Text,
        StringConstraints(pattern=POOL_NAME),
        Bound(
            "must be 1 to 32 of a-z, 0-9 and -, a letter first and no - last",
            "it becomes part of the names of AWS resources",
        ),
    ]
    min: Annotated[Count, A_COUNT]
    max: Annotated[Count, A_COUNT]
    desired: Annotated[Count | None, A_COUNT] = None
    instance_types: Annotated[
        tuple[InstanceType, ...],
        Field(min_length=1, max_length=40),
        AfterValidator(_unique),
        Bound(
            "must be a list of 1 to 40 different EC2 instance types, the preferred first",
            "an Auto Scaling group takes no more overrides and none twice",
        ),
    ]
    spot: Annotated[
        bool, Bound("must be true or false", "a pool runs on spot capacity altogether or not at all")
    ] = False
    labels: Annotated[
        dict[Text, Text],
        AfterValidator(_labels),
        Bound(
            "must be an object of texts; keys are 1 to 63 of letters, digits and ._/- and do not start with "
            + ", ".join(SWARMS_OWN_LABELS),
            "each becomes a Swarm node label, and those prefixes belong to Docker and Quorate",
        ),
    ] = {}

    @property
    def first_desired(self) -> int:
        """The count of workers at the group's birth; afterwards it belongs to scaling."""
        return self.min if self.desired is None else self.desired


class Settings(BaseModel):
    """What a stack asks for. Keys in the configuration are these names in camelCase."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    managers: Annotated[
        Count,
        Field(ge=1, le=MOST_MANAGERS),
        AfterValidator(_odd),
        Bound(
            "must be odd: 1, 3, 5 or 7",
            "an even count survives no more losses than the odd one below it, and Swarm advises at most "
            f"{MOST_MANAGERS} because each one slows down every write",
        ),
    ] = 3
    survive: Annotated[
        Goal,
        Bound(
            f"must be one of {', '.join(Goal)}",
            "it names the loss after which the managers left must still be a quorum",
        ),
    ] = Goal.ZONE
    zones: Annotated[
        tuple[Annotated[Text, AfterValidator(_zone_id)], ...],
        Field(min_length=1, max_length=MOST_ZONES),
        AfterValidator(_unique),
        Bound(
            f"must be a list of 1 to {MOST_ZONES} different zone ids such as use1-az1",
            "a zone's name (us-east-1a) means another place in every account, its id does not; "
            "`aws ec2 describe-availability-zones` lists both",
        ),
    ]
    layout: Annotated[
        tuple[Count, ...],
        AfterValidator(_fits_swarm),
        Bound(
            f"must be a list of managers per zone, 1 to {MOST_MANAGERS} in all, or [] for the best spread",
            "it fixes the spread by hand, for the steps of a move",
        ),
    ] = ()
    managers_schedulable: Annotated[
        bool, Bound("must be true or false", "it says whether managers run tasks")
    ] = False
    vpc_cidr: Annotated[
        IPv4Network,
        Bound(
            "must be an IPv4 network such as 10.20.0.0/16, no host bits set",
            "the VPC gets it, and every zone a part of it",
        ),
    ] = IPv4Network("10.20.0.0/16")
    overlay_cidr: Annotated[
        IPv4Network,
        Bound(
            "must be an IPv4 network such as 10.128.0.0/12, no host bits set",
            "Swarm cuts its overlay networks out of it",
        ),
    ] = IPv4Network("10.128.0.0/12")
    egress: Annotated[
        Egress,
        Bound(
            f"must be one of {', '.join(Egress)}",
            "it says how private nodes reach AWS: a NAT gateway in every zone, one for all zones, "
            "or AWS alone by interface endpoints",
        ),
    ] = Egress.PER_ZONE
    image: Annotated[
        Text,
        StringConstraints(pattern=IMAGE),
        Bound(
            "must be ami-… or resolve:ssm:/path of a parameter that holds one",
            "nodes boot from it and install nothing",
        ),
    ]
    worker_image: Annotated[
        str,
        StringConstraints(pattern=f"^$|{IMAGE}"),
        Bound(
            "must be ami-… or resolve:ssm:/path of a parameter that holds one, or be left out",
            "workers boot from it, and without it from image, as managers do",
        ),
    ] = ""
    manager_instance_type: Annotated[InstanceType, A_TYPE] = "t3.small"
    workers: Annotated[
        tuple[Pool, ...],
        Field(max_length=MOST_POOLS),
        Bound(
            f"must be a list of at most {MOST_POOLS} pools {{name, min, max, desired, instanceTypes, spot, "
            "labels}",
            "each pool is an Auto Scaling group, and the managers' policy names every one",
        ),
    ] = ()
    tags: Annotated[
        dict[Text, Text],
        AfterValidator(_tags),
        Bound(
            f"must be an object of at most {MOST_TAGS} texts; keys of 1 to 128 and values of at most 256 "
            "letters, digits, spaces and ._:/=+@-; not Name, and not starting with aws: or quorate:",
            "every resource gets them beside Quorate's own, and AWS takes 50 of that form",
        ),
    ] = {}

    def image_for(self, role: str) -> str:
        """What nodes of `role`, manager or worker, boot from."""
        return (self.worker_image if role == "worker" else None) or self.image

    @property
    def spread(self) -> Spread:
        """Managers per zone, in the order of `zones`: `layout`, or the best spread for the goal."""
        return self.layout or best_spread(self.managers, len(self.zones), self.survive)


def zone_number(zone_id: str) -> int:
    """The number at the end of a zone id: 4 for use1-az4."""
    match = ZONE_ID.fullmatch(zone_id)
    if match is None:
        raise ValueError(f"{zone_id!r} is no zone id")
    return int(match[1])
