"""What a built AMI becomes: published, rolled back, or removed by the rule."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quorate.errors import Failed, Refused
from quorate.operations.image.aws import Published, Region
from quorate.operations.image.retention import Judged, Rule, judge

PREFIX = "/quorate/images"
"""Parameters are <prefix>/manager and <prefix>/worker."""

Regions = Callable[[str], Region]


def parameter_of(prefix: str, role: str) -> str:
    return f"{prefix}/{role}"


def read_manifest(path: Path) -> dict[str, Any]:
    """A build's manifest with its AMIs; Failed when it is not there or is none."""
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise Failed(f"{path} is not there: no AMI was built. Run: scripts/build-image ami") from error
    except ValueError as error:
        raise Failed(f"{path} is no manifest: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != 1 or not document.get("amis"):
        raise Failed(f"{path} is no manifest of an AMI. Run: scripts/build-image ami")
    return document


def publish(manifests: Sequence[Path], regions: Regions, prefix: str = PREFIX) -> list[dict[str, Any]]:
    """Every AMI of the manifests under its role's parameter; nothing at all when one of them is not ready."""
    wanted = [
        (document, *pair) for document in map(read_manifest, manifests) for pair in document["amis"].items()
    ]
    for document, name, image in wanted:
        _require_ready(regions(name), image, document["role"])
    return [_publish_one(regions(name), parameter_of(prefix, d["role"]), image) for d, name, image in wanted]


def roll_back(roles: Sequence[str], region: Region, prefix: str = PREFIX) -> list[dict[str, Any]]:
    """Every role's parameter names what it named before; Refused, all of it, where there is none."""
    steps = []
    for role in roles:
        parameter = parameter_of(prefix, role)
        was = region.published(parameter)
        if was.current is None or was.previous is None or was.previous == was.current:
            raise Refused(
                f"roll back of {parameter}",
                f"it names {was.current or 'nothing'} and there is no image before it",
                "nothing would change",
                "Publish another image instead",
            )
        _require_ready(region, was.previous, role)
        steps.append((parameter, was, was.previous))
    return [_change(region, parameter, was, image) for parameter, was, image in steps]


def prune(
    region: Region, roles: Sequence[str], rule: Rule, *, prefix: str = PREFIX, really: bool = False
) -> tuple[Judged, ...]:
    """What stays, why, and what goes; it goes only when `really`.

    Every answer that the rule needs is had before the first image is removed.
    """
    published = [region.published(parameter_of(prefix, role)) for role in roles]
    kept = {image for one in published for image in (one.current, one.previous) if image}
    verdicts = judge(
        region.images(), rule, in_use=region.images_in_use(), published=kept, now=datetime.now(UTC)
    )
    if really:
        for verdict in verdicts:
            if verdict.stays is None:
                region.remove(verdict.image)
    return verdicts


def _require_ready(region: Region, image: str, role: str) -> None:
    found = next((one for one in region.images() if one.id == image), None)
    if found is None or found.state != "available" or found.role != role:
        state = "not there" if found is None else f"{found.state}, an image for a {found.role or 'nobody'}"
        raise Refused(
            f"{image} in {region.name} for {role} nodes",
            "an available image of that role is needed",
            f"it is {state}",
            "Build it again, or wait until AWS has it ready",
        )


def _publish_one(region: Region, parameter: str, image: str) -> dict[str, Any]:
    was = region.published(parameter)
    if was.current == image:
        return _outcome(region, parameter, image, was.previous, changed=False)
    region.require_imds_v2(image)
    return _change(region, parameter, was, image)


def _change(region: Region, parameter: str, was: Published, image: str) -> dict[str, Any]:
    region.publish(parameter, image, was)
    return _outcome(region, parameter, image, was.current, changed=True)


def _outcome(
    region: Region, parameter: str, image: str, previous: str | None, *, changed: bool
) -> dict[str, Any]:
    return {
        "region": region.name,
        "parameter": parameter,
        "image": image,
        "previous": previous,
        "changed": changed,
    }
