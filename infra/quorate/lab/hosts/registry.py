"""A real image registry for the lab's engines: Debian's docker-registry inside the fabric."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

from quorate.errors import Failed
from quorate.lab.hosts.engine import REGISTRY_PORT
from quorate.lab.hosts.fabric import REGISTRY_ADDRESS, Fabric
from quorate.lab.hosts.names import LAB_VARIABLE, Names
from quorate.lab.hosts.namespaces import RUN_NETNS

ADDRESS = f"{REGISTRY_ADDRESS}:{REGISTRY_PORT}"
"""What stands before an image's name."""

APPLETS = (
    *("sh", "cat", "cp", "date", "echo", "env", "grep", "head", "hostname", "httpd", "ip", "kill", "ls"),
    *("mkdir", "nc", "nslookup", "ping", "ps", "rm", "sed", "sleep", "tail", "test", "touch", "true", "wc"),
)
"""What a test needs of busybox. Its wget is left out: it crashes in a container here."""


class Registry:
    """Runs until it is stopped; started again when it ends by itself."""

    def __init__(self, names: Names, fabric: Fabric, say: Callable[[str], None] = lambda _: None) -> None:
        self.folder = names.directory / "registry"
        self.log = names.logs / "registry.log"
        self._names = names
        self._fabric = fabric
        self._say = say
        self._stopped = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="registry", daemon=True)

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        (self.folder / "config.json").write_text(json.dumps(self._settings(), indent=2))
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
        self._thread.join(timeout=5)

    def _settings(self) -> dict[str, object]:
        """The registry's configuration (distribution's docs, Configuring a registry); JSON is YAML too."""
        return {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.folder / "data")},
                "delete": {"enabled": True},
            },
            "http": {"addr": ADDRESS},
        }

    def _run(self) -> None:
        while not self._stopped.is_set():
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [
                        "nsenter",
                        f"--net={RUN_NETNS / self._fabric.netns}",
                        *("docker-registry", "serve", str(self.folder / "config.json")),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={"PATH": os.environ["PATH"], LAB_VARIABLE: self._names.lab_id},
                    start_new_session=True,
                )
            code = self._process.wait()
            if not self._stopped.wait(1.0):
                self._say(f"the registry ended with {code}; started again")


def push_test_image(docker_host: str, name: str) -> str:
    """Puts an image with nothing but busybox into the registry; what an engine pulls it by."""
    from docker.api.client import APIClient
    from docker.errors import DockerException

    repository = f"{ADDRESS}/{name}"
    try:
        engine = APIClient(base_url=docker_host, version="auto", timeout=60)
        engine.import_image_from_data(busybox_rootfs(), repository=repository, tag="latest")
        said = list(engine.push(repository, tag="latest", stream=True, decode=True))
    except DockerException as error:
        raise Failed(f"image {name}: the engine at {docker_host} could not push it: {error}") from error
    refused = [line["error"] for line in said if "error" in line]
    if refused:
        raise Failed(f"image {name}: the registry did not take it: {refused[0]}")
    return f"{repository}:latest"


def busybox_rootfs(busybox: Path | None = None) -> bytes:
    """A tar of a root filesystem with nothing but busybox in it. Failed when busybox is not a static one."""
    found = busybox or Path(shutil.which("busybox") or "/bin/busybox")
    if not found.exists():
        raise Failed("busybox is not installed; install with: apt-get install busybox-static")
    program = found.read_bytes()
    if b"/ld-linux" in program[:4096] or b"/lib/ld-" in program[:4096]:
        raise Failed(f"{found} needs shared libraries; install with: apt-get install busybox-static")
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for folder in ("bin", "dev", "etc", "proc", "sys", "tmp", "var", "var/www"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(entry)
        _file(archive, "bin/busybox", program, 0o755)
        _file(archive, "etc/passwd", b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
        _file(archive, "etc/group", b"root:x:0:\nnogroup:x:65534:\n")
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    return content.getvalue()


def _file(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
