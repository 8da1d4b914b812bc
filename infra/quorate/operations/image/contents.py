"""A finished disk, looked at without booting it: mounted read-only, nothing on it is run."""

from __future__ import annotations

import contextlib
import json
import shutil
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from quorate.errors import Failed
from quorate.operations.image.programs import output_of


@contextlib.contextmanager
def mounted(image: Path, work: Path) -> Iterator[Path]:
    """The root filesystem of a qcow2 disk as a folder that cannot be written to."""
    raw, root = work / f"{image.stem}-{uuid.uuid4().hex[:8]}.raw", work / f"root-{uuid.uuid4().hex[:8]}"
    root.mkdir(parents=True)
    try:
        output_of(["qemu-img", "convert", "-O", "raw", image, raw])
        output_of(["mount", "-o", "loop,ro,noload,nosuid,nodev", raw, root])
        try:
            yield root
        finally:
            output_of(["umount", root])
    finally:
        root.rmdir()
        raw.unlink(missing_ok=True)


def unpacked(lists: Path) -> Path:
    """The lists of what is installed on a node that is no disk here, as a root folder with nothing else."""
    root = lists.with_suffix("")
    with tarfile.open(lists) as tar:
        tar.extractall(root, filter="data")
    return root


def take_kernel(root: Path, folder: Path) -> None:
    """Copies the newest kernel and its initial ramdisk beside the disk as `vmlinuz` and `initrd`."""
    kernels = sorted(root.glob("boot/vmlinuz-*"), key=lambda path: path.stat().st_mtime)
    if not kernels:
        raise Failed(f"{root}: no kernel in /boot")
    version = kernels[-1].name.removeprefix("vmlinuz-")
    shutil.copy(kernels[-1], folder / "vmlinuz")
    shutil.copy(root / "boot" / f"initrd.img-{version}", folder / "initrd")


def bill_of_materials(root: Path, name: str, version: str) -> dict[str, Any]:
    """CycloneDX 1.5: every Debian package and every Python distribution under /opt/quorate."""
    components = [*debian_packages(root), *python_distributions(root)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{name}/{version}')}",
        "version": 1,
        "metadata": {"component": {"type": "operating-system", "name": name, "version": version}},
        "components": sorted(components, key=lambda component: str(component["purl"])),
    }


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n")


def debian_packages(root: Path) -> Iterator[dict[str, Any]]:
    """What dpkg lists as installed, from the disk's own database."""
    fields = "${db:Status-Abbrev}|${Package}|${Version}|${Architecture}\n"
    listing = output_of(["dpkg-query", f"--admindir={root / 'var/lib/dpkg'}", "-W", "-f", fields])
    for line in listing.splitlines():
        status, package, version, architecture = line.split("|")
        if status[1] == "i":
            release = quote(version, safe="")
            purl = f"pkg:deb/debian/{quote(package)}@{release}?arch={architecture}&distro=debian-12"
            yield {"type": "library", "name": package, "version": version, "purl": purl, "bom-ref": purl}


def python_distributions(root: Path) -> Iterator[dict[str, Any]]:
    """What is in the agent's virtual environment, from the names of its dist-info folders."""
    for folder in sorted(root.glob("opt/quorate/lib/python3*/site-packages/*.dist-info")):
        name, _, version = folder.name.removesuffix(".dist-info").rpartition("-")
        purl = f"pkg:pypi/{quote(name.lower().replace('_', '-'))}@{quote(version, safe='')}"
        yield {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}
