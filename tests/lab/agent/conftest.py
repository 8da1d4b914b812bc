"""Join and steward on real engines, on a cluster that was laid out by hand."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from quorate.lab.lab import Lab

from .cluster import Cluster
from .handmade import Handmade


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running lab with everything but groups; it is taken down whatever happens."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.start()
    try:
        made = Handmade(lab)
        made.prepare()
        yield Cluster(lab, made)
    finally:
        if (keep := os.environ.get("QUORATE_KEEP_LOGS")) and lab.names.hosts.exists():
            for log in lab.directory.rglob("*.log"):
                kept = Path(keep) / log.relative_to(lab.directory)
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(log, kept)
        lab.down()
