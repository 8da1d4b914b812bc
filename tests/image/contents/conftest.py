from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import testinfra
from testinfra.host import Host

from quorate.operations.image.contents import mounted
from quorate.operations.image.places import Disk, Places


@pytest.fixture(scope="session", params=["manager", "worker"])
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def disk(role: str) -> Disk:
    found = Places().disk(role)
    if not found.image.exists():
        pytest.fail(f"{found.image} is not there. Build it: make image")
    return found


@pytest.fixture(scope="session")
def root(disk: Disk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with mounted(disk.image, tmp_path_factory.mktemp("disk")) as folder:
        yield folder


@pytest.fixture(scope="session")
def node(root: Path) -> Host:
    return testinfra.get_host(str(root), connection="chroot")
