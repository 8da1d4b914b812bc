"""The zones of the settings among those that AWS says the region has."""

from __future__ import annotations

from dataclasses import dataclass

from quorate.settings.model import Settings
from quorate.settings.problems import Problem, SettingsRefused


@dataclass(frozen=True, slots=True)
class Region:
    """Where a stack goes, as AWS answers: `zones` maps zone id to zone name, e.g. use1-az1 to us-east-1b."""

    name: str
    partition: str
    account: str
    zones: dict[str, str]


def check_zones(settings: Settings, region: Region, namespace: str) -> None:
    """Raises SettingsRefused for every zone id that the region does not have."""
    there = ", ".join(sorted(region.zones)) or "none"
    problems = [
        Problem(
            f"zones[{position}]",
            zone,
            f"must be a zone of {region.name}, which has {there}",
            "AWS does not know the id there for this account; choose from these or change aws:region",
        )
        for position, zone in enumerate(settings.zones)
        if zone not in region.zones
    ]
    if problems:
        raise SettingsRefused(namespace, problems)
