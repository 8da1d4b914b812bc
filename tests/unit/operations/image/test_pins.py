from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from quorate.errors import Failed, Refused
from quorate.operations.image.packer import CONCERNS, read_variables
from quorate.operations.image.pin import pin_ssm_agent, write_variables
from quorate.operations.image.places import REPOSITORY
from quorate.operations.image.ssm_agent import fetch_ssm_agent

BODY = b"!<arch>\na package\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(REPOSITORY / "images/packer/vars", tmp_path / "vars"))


@pytest.fixture
def source(tmp_path: Path) -> Iterator[str]:
    """An address pattern as AWS's, on loopback: a VERSION, and one version's package."""
    top = tmp_path / "source"
    (top / "latest").mkdir(parents=True)
    (top / "latest/VERSION").write_text("3.3.1.0\n")
    (top / "3.3.1.0").mkdir()
    (top / "3.3.1.0/agent.deb").write_bytes(BODY)
    handler = partial(SimpleHTTPRequestHandler, directory=str(top))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{{version}}/agent.deb"
    server.shutdown()
    server.server_close()


def pin(url: str, checksum: str) -> dict[str, str]:
    return {"ssm_agent_version": "3.3.1.0", "ssm_agent_sha256": checksum, "ssm_agent_url": url}


def test_every_concern_has_a_var_file() -> None:
    for concern in CONCERNS:
        assert read_variables(concern), concern


def test_the_pinned_package_is_fetched(source: str, tmp_path: Path) -> None:
    package = fetch_ssm_agent(pin(source, hashlib.sha256(BODY).hexdigest()), tmp_path)
    assert package.read_bytes() == BODY


def test_another_package_than_the_pinned_one_is_not_used(source: str, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="not the one that was pinned"):
        fetch_ssm_agent(pin(source, "0" * 64), tmp_path)
    assert not (tmp_path / "amazon-ssm-agent.deb").exists()


def test_without_a_pin_nothing_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="must be pinned"):
        fetch_ssm_agent(pin("https://example.invalid/{version}", ""), tmp_path)


def test_a_source_that_does_not_answer_is_named_with_the_way_on(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"127\.0\.0\.1:9/.*--without-ssm-agent"):
        fetch_ssm_agent(pin("http://127.0.0.1:9/{version}", "0" * 64), tmp_path)


def test_pinning_takes_the_latest_version_with_its_checksum(source: str, folder: Path) -> None:
    write_variables("access", folder, {"ssm_agent_url": source})
    assert pin_ssm_agent(folder) == ("", "3.3.1.0")
    pinned = read_variables("access", folder)
    assert pinned["ssm_agent_version"] == "3.3.1.0"
    assert pinned["ssm_agent_sha256"] == hashlib.sha256(BODY).hexdigest()


def test_a_pin_changes_its_line_and_nothing_else(folder: Path) -> None:
    before = (folder / "base.pkrvars.hcl").read_text()
    write_variables("base", folder, {"source_ami_name": "debian-12-amd64-20990101-1"})
    after = (folder / "base.pkrvars.hcl").read_text()
    changed = [
        pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if pair[0] != pair[1]
    ]
    assert len(changed) == 1 and "20990101" in changed[0][1]


def test_a_value_that_would_break_the_file_is_refused(folder: Path) -> None:
    before = (folder / "base.pkrvars.hcl").read_text()
    with pytest.raises(Failed):
        write_variables("base", folder, {"source_ami_name": 'x"\nsource_ami_owner = "1'})
    assert (folder / "base.pkrvars.hcl").read_text() == before
