"""Building an image from end to end: a disk with what lies beside it, or an AMI with its manifest."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quorate.errors import Failed
from quorate.operations.image import contents
from quorate.operations.image.aws import Region
from quorate.operations.image.base import USER, base_disk
from quorate.operations.image.bundle import make_bundle
from quorate.operations.image.leftovers import remove_leftovers
from quorate.operations.image.packer import Packer, read_list, read_variables
from quorate.operations.image.places import REPOSITORY, Disk, Places, digest
from quorate.operations.image.programs import output_of
from quorate.operations.image.ssm_agent import fetch_ssm_agent

ROLES = ("manager", "worker")
SSH_TIMEOUT = "30m"
"""For a VM without KVM on a busy machine; an instance gets the template's time."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Workshop:
    """What builds have in common."""

    places: Places
    packer: Packer
    say: Say
    pip: Path = REPOSITORY / ".venv-image/bin/pip"


def build_disk(
    shop: Workshop,
    role: str,
    *,
    accelerator: str = "tcg",
    fresh_base: bool = False,
    without_ssm_agent: bool = False,
) -> Disk:
    """A node's disk for local VMs. The one before it stays until the new one is complete.

    Unlike an AMI it is built without the SSM agent as long as none is pinned: nothing on it needs AWS.
    """
    pinned = bool(read_variables("access", shop.packer.vars_folder).get("ssm_agent_sha256"))
    with shop.places.one_build():
        work = shop.places.work
        base = base_disk(shop.places, shop.say, fresh=fresh_base)
        variables = _variables(shop, role, without_ssm_agent=without_ssm_agent or not pinned) | {
            "base_disk": str(base.image),
            "base_disk_sha256": f"sha256:{digest(base.image)}",
            "base_kernel": str(base.kernel),
            "base_initrd": str(base.initrd),
            "output_directory": str(work / "output"),
            "accelerator": accelerator,
            "ssh_timeout": SSH_TIMEOUT,
            "ssh_username": USER,
            "ssh_private_key_file": str(base.key),
        }
        shop.packer.build("qemu", work, variables, shop.say)
        making = Disk(work / "disk")
        making.folder.mkdir()
        shop.say("disk: compressed, looked at, its bill of materials written")
        output_of(["qemu-img", "convert", "-c", "-O", "qcow2", work / "output/disk.qcow2", making.image])
        with contents.mounted(making.image, work) as root:
            contents.take_kernel(root, making.folder)
            bill = contents.bill_of_materials(root, f"quorate-{role}", variables["build_time"])
        contents.write_json(making.bill_of_materials, bill)
        contents.write_json(making.manifest, _manifest(variables) | {"disk": _disk_facts(making)})
        disk = shop.places.disk(role)
        shutil.rmtree(disk.folder, ignore_errors=True)
        making.folder.rename(disk.folder)
        return disk


def build_ami(shop: Workshop, role: str, *, without_ssm_agent: bool = False) -> Path:
    """An AMI; the path of its manifest, which `publish` takes, its bill of materials beside it.

    Nothing is published here.
    """
    with shop.places.one_build():
        _require_base_ami(shop)
        variables = _variables(shop, role, without_ssm_agent=without_ssm_agent)
        manifest = shop.places.top / f"ami-{role}.json"
        try:
            shop.packer.build("amazon-ebs", shop.places.work, variables, shop.say)
            document = _manifest(variables) | {"amis": _amis(Path(variables["manifest"]))}
            bill = contents.bill_of_materials(
                contents.unpacked(Path(variables["installed"])), f"quorate-{role}", variables["build_time"]
            )
            contents.write_json(manifest.with_suffix(".sbom.cdx.json"), bill)
            contents.write_json(manifest, document)
        except BaseException as error:
            settings = read_variables("region", shop.packer.vars_folder)
            regions = [settings["region"], *read_list("copy_to_regions", "region", shop.packer.vars_folder)]
            log = shop.packer.log_in(shop.places.work)
            clear = remove_leftovers(regions, _name(variables), variables["build"], log, shop.say)
            if isinstance(error, KeyboardInterrupt) and not clear:
                raise KeyboardInterrupt("what may be left on AWS is named above") from error
            raise
        return manifest


def _require_base_ami(shop: Workshop) -> None:
    """Failed when the pinned AMI is not there (any more), before anything is started."""
    pinned = read_variables("base", shop.packer.vars_folder)
    owner, name = pinned["source_ami_owner"], pinned["source_ami_name"]
    region = Region.of(read_variables("region", shop.packer.vars_folder)["region"])
    if region.newest_name(owner, name) is None:
        raise Failed(
            f"no base image: account {owner} has no available AMI {name} in {region.name}. "
            "Pin another: scripts/build-image pin base"
        )


def _variables(shop: Workshop, role: str, *, without_ssm_agent: bool) -> dict[str, str]:
    work = shop.places.work
    shop.say("agent: locked dependencies")
    bundle = make_bundle(work / "bundle", shop.pip)
    package = (
        None
        if without_ssm_agent
        else fetch_ssm_agent(read_variables("access", shop.packer.vars_folder), work)
    )
    if package is None:
        shop.say("no SSM agent on this image: nobody but its own units reaches a node booted from it")
    return {
        "role": role,
        "revision": revision(),
        "build": secrets.token_hex(8),
        "build_time": datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
        "bundle": str(bundle.archive),
        "ssm_agent_package": str(package or ""),
        "manifest": str(work / "packer-manifest.json"),
        "installed": str(work / "installed.tar"),
    }


def revision() -> str:
    """The checkout's git revision, `-dirty` when files differ from it; `unknown` outside of git."""
    git = ["git", "-C", str(REPOSITORY)]
    if not (REPOSITORY / ".git").exists():
        return "unknown"
    found = output_of([*git, "rev-parse", "--short=12", "HEAD"]).strip()
    return found + ("-dirty" if output_of([*git, "status", "--porcelain"]).strip() else "")


def _manifest(variables: Mapping[str, str]) -> dict[str, Any]:
    """What Packer wrote of this build, under the names that stay."""
    build = json.loads(Path(variables["manifest"]).read_text())["builds"][-1]
    return {
        "schema": 1,
        "name": _name(variables),
        **build["custom_data"],
    }


def _name(variables: Mapping[str, str]) -> str:
    """As the template names it."""
    return f"quorate-{variables['role']}-{variables['build_time']}"


def _amis(packer_manifest: Path) -> dict[str, str]:
    """AMI id by region, from Packer's `region:ami,region:ami`."""
    build = json.loads(packer_manifest.read_text())["builds"][-1]
    return dict(pair.split(":", 1) for pair in build["artifact_id"].split(","))


def _disk_facts(disk: Disk) -> dict[str, Any]:
    information = json.loads(output_of(["qemu-img", "info", "--output=json", disk.image]))
    return {
        "file": disk.image.name,
        "sha256": digest(disk.image),
        "bytes": disk.image.stat().st_size,
        "virtual_bytes": information["virtual-size"],
        "kernel_sha256": digest(disk.kernel),
        "initrd_sha256": digest(disk.initrd),
    }
