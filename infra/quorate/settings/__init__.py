"""A stack's configuration as typed, checked settings. Nothing here knows Pulumi or AWS.

problems.py   one refused value as one line, and the error that carries them
model.py      every key with its type, default, bound and the reason for the bound
rules.py      what the values must be to one another
networks.py   address ranges: what collides, and which subnet a zone has
region.py     what AWS answered about the region, and the zones of the settings among them
parsing.py    the raw configuration map in, `Settings` out
"""

from __future__ import annotations

from quorate.settings.model import Egress, Pool, Settings
from quorate.settings.networks import private_subnet, public_subnet
from quorate.settings.parsing import parse
from quorate.settings.problems import Problem, SettingsRefused
from quorate.settings.region import Region, check_zones

__all__ = [
    "Egress",
    "Pool",
    "Problem",
    "Region",
    "Settings",
    "SettingsRefused",
    "check_zones",
    "parse",
    "private_subnet",
    "public_subnet",
]
