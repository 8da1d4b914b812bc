"""Size and build time of a node's disk against the same base with docker installed by hand over ssh."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from quorate.operations.image.base import USER, base_disk
from quorate.operations.image.build import Workshop, build_disk
from quorate.operations.image.packer import Packer
from quorate.operations.image.places import Places
from quorate.operations.image.programs import output_of

PORT = 22522
BY_HAND = (
    "sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io "
    "&& sudo apt-get clean && sudo rm -rf /var/lib/apt/lists/* && sudo fstrim -a"
)


def by_hand(places: Places, folder: Path) -> tuple[int, float]:
    """Bytes of the compressed disk, and seconds from switching on to having it."""
    base = base_disk(places, print)
    disk, done = folder / "hand.qcow2", folder / "done.qcow2"
    output_of(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base.image, disk])
    began = time.monotonic()
    words = [
        "nice",
        "-n",
        "15",
        "qemu-system-x86_64",
        "-machine",
        "q35,accel=tcg",
        "-cpu",
        "max",
        "-smp",
        "2",
    ]
    words += ["-m", "1536", "-display", "none", "-kernel", str(base.kernel), "-initrd", str(base.initrd)]
    words += [
        "-append",
        "root=/dev/vda rw net.ifnames=0",
        "-netdev",
        f"user,id=n,hostfwd=tcp:127.0.0.1:{PORT}-:22",
    ]
    words += [
        "-device",
        "virtio-net-pci,netdev=n",
        "-drive",
        f"file={disk},if=virtio,cache=unsafe,discard=unmap",
    ]
    ssh = ["ssh", "-q", "-i", str(base.key), "-p", str(PORT), "-o", "StrictHostKeyChecking=no"]
    ssh += ["-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=5", f"{USER}@127.0.0.1"]
    with subprocess.Popen(words) as vm:
        try:
            while subprocess.run([*ssh, "true"], check=False).returncode != 0:
                time.sleep(1)
            output_of([*ssh, BY_HAND])
            subprocess.run([*ssh, "sudo systemctl poweroff"], check=False)
            vm.wait(timeout=180)
        finally:
            vm.kill()
    output_of(["qemu-img", "convert", "-c", "-O", "qcow2", disk, done])
    return done.stat().st_size, time.monotonic() - began


def by_the_build(places: Places) -> tuple[int, float]:
    """The same of a manager's disk by `scripts/build-image disk manager`."""
    began = time.monotonic()
    disk = build_disk(Workshop(places, Packer(), print), "manager")
    return disk.image.stat().st_size, time.monotonic() - began


def main() -> None:
    """Prints both and their ratios."""
    places = Places()
    with tempfile.TemporaryDirectory() as folder:
        hand_bytes, hand_seconds = by_hand(places, Path(folder))
    own_bytes, own_seconds = by_the_build(places)
    size, seconds = own_bytes / hand_bytes, own_seconds / hand_seconds
    print(f"size   {own_bytes / 2**20:.0f} MiB, by hand {hand_bytes / 2**20:.0f} MiB: {size:.2f}")
    print(f"time   {own_seconds:.0f} s, by hand {hand_seconds:.0f} s: {seconds:.2f}")


if __name__ == "__main__":
    main()
