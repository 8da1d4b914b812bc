"""One VM: a disk of its own over the image's, its serial ports, its power switch."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from quorate.errors import Failed
from quorate.lab.hosts.command import run
from quorate.lab.vms import console, ramdisk

# no_timer_check: a busy machine delivers a VM's timer late, and the kernel would take it for a broken one
COMMAND_LINE = "root={root} rw console=ttyS0 net.ifnames=0 quiet loglevel=3 no_timer_check"


@dataclass(frozen=True)
class Boot:
    """What a VM boots. `files` appear below /run; `clock` is qemu's -rtc base, for a wrong one.

    `root` is where its root filesystem is: the disk itself, or a partition of it.
    """

    disk: Path
    kernel: Path
    initrd: Path
    files: Mapping[str, str] = field(default_factory=dict)
    clock: str = "utc"
    memory_mib: int = 1024
    processors: int = 1
    accelerator: str = "tcg"
    niceness: int = 15
    root: str = "/dev/vda"


class Machine:
    """A VM on a tap of the fabric. Its disk outlives power cuts, as a volume does."""

    def __init__(self, folder: Path, boot: Boot, enter: Sequence[str], tap: str, mac: str) -> None:
        self.folder = folder
        self.boot = boot
        self._enter = enter
        self._tap = tap
        self._mac = mac
        self._process: subprocess.Popen[bytes] | None = None
        self.console = console.Console(folder / "shell")

    @property
    def is_on(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What the VM wrote to its first serial port, from its first boot on."""
        path = self.folder / "console.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def power_on(self) -> None:
        """Failed when it is on already, or qemu does not start."""
        if self.is_on:
            raise Failed(f"the VM in {self.folder} is on already")
        self.folder.mkdir(parents=True, exist_ok=True)
        disk = self.folder / "disk.qcow2"
        if not disk.exists():
            run(
                [
                    "qemu-img",
                    "create",
                    "-q",
                    "-f",
                    "qcow2",
                    "-F",
                    "qcow2",
                    "-b",
                    str(self.boot.disk),
                    str(disk),
                ]
            )
        files = {**console.FILES, **self.boot.files}
        initrd = ramdisk.with_files(self.boot.initrd, self.folder / "initrd", files)
        with (self.folder / "qemu.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._enter, "nice", "-n", str(self.boot.niceness), *self._qemu(disk, initrd)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def power_off(self) -> None:
        """A power cut. Can be repeated."""
        self.console.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _qemu(self, disk: Path, initrd: Path) -> list[str]:
        boot = self.boot
        return [
            "qemu-system-x86_64",
            *("-machine", f"q35,accel={boot.accelerator},usb=off", "-cpu", "max"),
            *("-smp", str(boot.processors), "-m", str(boot.memory_mib), "-rtc", f"base={boot.clock}"),
            *("-nodefaults", "-display", "none", "-vga", "none"),
            *("-kernel", str(boot.kernel), "-initrd", str(initrd)),
            *("-append", COMMAND_LINE.format(root=boot.root)),
            *("-drive", f"file={disk},if=virtio,cache=unsafe,discard=unmap"),
            *("-netdev", f"tap,id=net,ifname={self._tap},script=no,downscript=no"),
            *("-device", f"virtio-net-pci,netdev=net,mac={self._mac}", "-device", "virtio-rng-pci"),
            *(
                "-chardev",
                f"file,id=log,path={self.folder / 'console.log'},append=on",
                "-serial",
                "chardev:log",
            ),
            *("-chardev", f"socket,id=shell,path={self.folder / 'shell'},server=on,wait=off"),
            *("-serial", "chardev:shell"),
        ]
