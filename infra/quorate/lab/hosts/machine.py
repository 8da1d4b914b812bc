"""What a machine must have before a lab can live on it."""

from __future__ import annotations

import os
import shutil
import sys

from quorate.errors import QuorateError

PACKAGES = {
    "dockerd": "docker.io",
    "containerd": "containerd",
    "runc": "runc",
    "ip": "iproute2",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
    "hostname": "hostname",
    "docker-registry": "docker-registry",
    "busybox": "busybox-static",
}
"""Command -> the Debian package that brings it."""

SBIN = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def search_path() -> str:
    """PATH with the system's folders at its end; root's shells do not always have sbin."""
    words = os.environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(dict.fromkeys([word for word in words if word] + list(SBIN)))


def check_root() -> None:
    """Raises QuorateError, one line, without root on Linux."""
    if sys.platform != "linux":
        raise QuorateError(f"the lab needs Linux namespaces, this is {sys.platform}; run it in a Linux VM")
    if os.geteuid() != 0:
        raise QuorateError(
            "the lab makes network namespaces and starts engines, which needs root, and this is user "
            f"{os.geteuid()}; run it again as root (sudo). quorum-layout and tests/unit need no root"
        )


def check_machine() -> None:
    """Raises QuorateError, one line, where the lab cannot work on this machine."""
    check_root()
    path = search_path()
    missing = [command for command in PACKAGES if shutil.which(command, path=path) is None]
    if missing:
        packages = " ".join(dict.fromkeys(PACKAGES[command] for command in missing))
        raise QuorateError(
            f"the lab needs {', '.join(missing)}, not found on this machine; "
            f"install with: apt-get install --no-install-recommends {packages}"
        )
    os.environ["PATH"] = path
