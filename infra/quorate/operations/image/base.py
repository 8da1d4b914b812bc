"""The disk that a local build starts from: Debian 12 as its cloud images are, and nothing of ours.

It is an ext4 filesystem without a partition table; kernel and initial ramdisk lie beside it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from quorate.errors import Failed
from quorate.operations.image.places import Places
from quorate.operations.image.programs import output_of

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
SECURITY_MIRROR = "http://deb.debian.org/debian-security"
PACKAGES = [
    "ca-certificates",
    "dbus",
    "e2fsprogs",
    "initramfs-tools",
    "iproute2",
    "kmod",
    "linux-image-cloud-amd64",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd-resolved",
    "systemd-sysv",
    "systemd-timesyncd",
    "udev",
    "zstd",
]
SIZE = "6G"
USER = "admin"
"""The account of Debian's own AMIs."""

FILES = {
    "etc/fstab": "/dev/vda / ext4 errors=remount-ro,x-systemd.growfs 0 1\n",
    "etc/hostname": "base\n",
    "etc/machine-id": "",
    "etc/systemd/network/10-build.network": "[Match]\nName=en* eth*\n\n[Network]\nDHCP=ipv4\n",
    "etc/sudoers.d/90-cloud-init-users": f"{USER} ALL=(ALL) NOPASSWD:ALL\n",
}


@dataclass(frozen=True)
class Base:
    """`key` opens the account for as long as a build lasts; it is on no finished disk."""

    folder: Path

    @property
    def image(self) -> Path:
        return self.folder / "base.qcow2"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd"

    @property
    def key(self) -> Path:
        return self.folder / "build-key"

    @property
    def recipe(self) -> Path:
        return self.folder / "recipe"


def base_disk(places: Places, say: Callable[[str], None], *, fresh: bool = False) -> Base:
    """The base disk, made when there is none, when its recipe has changed, or when `fresh` is asked for."""
    base = Base(places.base)
    recipe = repr((SUITE, MIRROR, SECURITY_MIRROR, PACKAGES, SIZE, USER, FILES))
    if not fresh and base.recipe.exists() and base.recipe.read_text() == recipe:
        return base
    if os.geteuid() != 0:
        raise Failed("a base disk is made as root. Run: sudo scripts/build-image base")
    say(f"base disk: {SUITE} from {MIRROR}")
    making = Base(places.work / "base")
    making.folder.mkdir(parents=True)
    root = making.folder / "root"
    _install(root)
    output_of(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "build", "-f", making.key])
    _write_files(root, making.key.with_suffix(".pub").read_text())
    shutil.copy(next(root.glob("boot/vmlinuz-*")), making.kernel)
    shutil.copy(next(root.glob("boot/initrd.img-*")), making.initrd)
    raw = making.folder / "base.raw"
    output_of(["mkfs.ext4", "-q", "-L", "root", "-d", root, raw, SIZE])
    shutil.rmtree(root)
    output_of(["qemu-img", "convert", "-O", "qcow2", raw, making.image])
    raw.unlink()
    making.recipe.write_text(recipe)
    shutil.rmtree(base.folder, ignore_errors=True)
    making.folder.rename(base.folder)
    return base


def _install(root: Path) -> None:
    sources = [
        f"deb {MIRROR} {SUITE} main",
        f"deb {MIRROR} {SUITE}-updates main",
        f"deb {SECURITY_MIRROR} {SUITE}-security main",
    ]
    try:
        # what is mounted below the root is mounted for mmdebstrap alone, and gone with it
        output_of(
            [
                *("unshare", "--mount", "--"),
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                f"--include={','.join(PACKAGES)}",
                SUITE,
                str(root),
                *sources,
            ]
        )
    except Failed as error:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(root)
        raise Failed(
            f"no base disk: Debian {SUITE} cannot be had from {MIRROR}. Is the mirror reachable? {error}"
        ) from error


def _write_files(root: Path, public_key: str) -> None:
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "etc/sudoers.d/90-cloud-init-users").chmod(0o440)
    output_of(["chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", USER])
    output_of(
        ["chroot", root, "systemctl", "--quiet", "enable", "systemd-networkd", "systemd-resolved", "ssh"]
    )
    folder = root / "home" / USER / ".ssh"
    folder.mkdir(mode=0o700)
    (folder / "authorized_keys").write_text(public_key)
    output_of(["chroot", root, "chown", "-R", f"{USER}:{USER}", f"/home/{USER}/.ssh"])
