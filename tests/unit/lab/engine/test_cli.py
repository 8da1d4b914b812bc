"""The real Pulumi CLI over the plugin, and the engine in process: the same plan, resources and outputs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from quorate.lab.cloud import Cloud
from quorate.lab.cloud.faults import Fault
from quorate.lab.engine import Run
from quorate.lab.provider.aws import SERVICES

pytestmark = [
    pytest.mark.pulumi_cli,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"),
    pytest.mark.timeout(1800),  # each of its commands takes seconds, on a busy machine half a minute
]

ROOT = Path(__file__).parents[4]
PROGRAMS = Path(__file__).parent / "programs"


class Cli:
    """`pulumi` for one project in a directory of its own, with a backend of its own."""

    def __init__(self, directory: Path, cloud: Cloud) -> None:
        self.directory = directory
        self._environment = {
            "PATH": os.pathsep.join(
                [str(ROOT / "scripts/lab-plugin"), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            "HOME": str(directory),
            "PULUMI_HOME": str(directory / ".pulumi-home"),
            "PULUMI_BACKEND_URL": f"file://{directory}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "QUORATE_LAB_NONCE": cloud.nonce,
        }
        path = directory / "Pulumi.lab.yaml"
        config = yaml.safe_load(path.read_text())["config"] if path.exists() else {}
        config |= {
            "aws:region": cloud.region,
            "aws:accessKey": "lab",
            "aws:secretKey": "lab",
            "aws:skipCredentialsValidation": True,
            "aws:endpoints": [dict.fromkeys(SERVICES, cloud.endpoint)],
        }
        path.write_text(yaml.safe_dump({"config": config}))
        self("stack", "init", "lab")

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            ["pulumi", *words, "--non-interactive"],
            cwd=self.directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def fails(self, *words: str, **environment: str) -> str:
        """What it says when it does not succeed."""
        done = subprocess.run(
            ["pulumi", *words, "--non-interactive"],
            cwd=self.directory,
            env=self._environment | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode != 0
        return done.stdout + done.stderr

    def up(self) -> None:
        self("up", "--stack", "lab", "--yes", "--skip-preview")

    def plan(self) -> dict[str, set[str]]:
        """What a preview would do, by action; replacements counted once."""
        steps = json.loads(self("preview", "--stack", "lab", "--json"))["steps"]
        words = {each: each for each in ("create", "update", "delete", "replace")}
        words["create-replacement"] = "replace"
        found: dict[str, set[str]] = {}
        for step in steps:
            if step["op"] in words and not step["urn"].split("::")[2].startswith("pulumi:"):
                found.setdefault(words[step["op"]], set()).add(step["urn"])
        return found

    def resources(self) -> dict[str, Any]:
        """The state's resources by URN."""
        deployment = json.loads(self("stack", "export", "--stack", "lab"))["deployment"]
        return {each["urn"]: each for each in deployment["resources"] if each["custom"]}

    def outputs(self) -> dict[str, Any]:
        return json.loads(self("stack", "output", "--stack", "lab", "--json"))


@pytest.fixture
def cli(tmp_path: Path, cloud: Cloud) -> Iterator[Callable[[Path], Cli]]:
    """The CLI for a copy of a project, so that stacks and backends stay apart; destroyed at the end."""
    opened: list[Cli] = []

    def open_(source: Path) -> Cli:
        target = tmp_path / "project"
        target.mkdir()
        for name in ("Pulumi.yaml", "__main__.py", "Pulumi.lab.yaml"):
            if (source / name).exists():
                shutil.copy(source / name, target)
        for name in ("infra", ".venv"):
            if (source / name).exists():
                (target / name).symlink_to(source / name)
        opened.append(Cli(target, cloud))
        return opened[-1]

    yield open_
    cloud.faults.clear()
    for each in opened:
        each("destroy", "--stack", "lab", "--yes", "--skip-preview")


def plan_of(run: Any) -> dict[str, set[str]]:
    """What a run of ours did or would do, as the CLI counts it."""
    found: dict[str, set[str]] = {}
    for each in run.changes:
        if each.action.value != "same" and not each.type.startswith("pulumi:"):
            found.setdefault(each.action.value, set()).add(each.urn)
    return found


def without_ids(resources: dict[str, Any], values: Any) -> Any:
    """With every generated id replaced by the URN of what it is the id of."""
    text = json.dumps(values, sort_keys=True)
    for urn, each in sorted(resources.items(), key=lambda item: -len(item[1].get("id", ""))):
        if each.get("id") and each["id"] not in json.dumps(each["inputs"]):
            text = text.replace(each["id"], f"<{urn}>")
    return json.loads(text)


def kept(resource: dict[str, Any]) -> dict[str, Any]:
    """The inputs that both keep: the CLI also has the encrypted value of what is write-only."""
    return {
        name: value for name, value in resource["inputs"].items() if name not in ("valueWo", "__defaults")
    }


def without_instances(found: dict[str, int]) -> dict[str, int]:
    """They come and go by themselves."""
    return {kind: count for kind, count in found.items() if kind != "instances"}


def test_both_ways_plan_make_and_export_the_same(
    cli: Callable[[Path], Cli], stack: Callable[[str], Any], inventory: Callable[[], dict[str, int]]
) -> None:
    ours = stack("everything")
    planned, changed = ours.run(), ours.run(everything__note="two")
    planned.preview()
    outputs = ours.run().up()
    made = {each["urn"]: each for each in json.loads(ours.state.read_text())["resources"] if each["custom"]}
    count = inventory()
    changed.preview()
    ours.destroy()

    pulumi = cli(PROGRAMS / "everything")
    assert pulumi.plan() == plan_of(planned)
    pulumi.up()

    theirs = {urn: each for urn, each in pulumi.resources().items() if not each["type"].startswith("pulumi:")}
    assert set(theirs) == set(made)
    for urn, each in theirs.items():
        assert without_ids(theirs, kept(each)) == without_ids(made, kept(made[urn])), urn
        assert set(each["outputs"]) - {"id", "valueWo"} == set(made[urn]["outputs"]) - {"id"}, urn
    assert without_ids(theirs, pulumi.outputs()) == without_ids(made, outputs)
    assert without_instances(inventory()) == without_instances(count)

    pulumi("up", "--stack", "lab", "--yes", "--skip-preview", "--expect-no-changes")
    pulumi("refresh", "--stack", "lab", "--yes", "--skip-preview", "--expect-no-changes")
    pulumi("preview", "--stack", "lab", "--expect-no-changes")
    assert "not-yet-a-token" not in pulumi("stack", "export", "--stack", "lab")

    pulumi("config", "set", "--stack", "lab", "note", "two")
    assert pulumi.plan() == plan_of(changed)


def test_both_ways_replace_the_same(
    cli: Callable[[Path], Cli], stack: Callable[[str], Any], inventory: Callable[[], dict[str, int]]
) -> None:
    ours = stack("small")
    ours.up()
    planned, done = ours.run(small__note="two"), ours.run(small__note="two")
    planned.preview()
    done.up()
    count = inventory()
    ours.destroy()

    pulumi = cli(PROGRAMS / "small")
    pulumi.up()
    pulumi("config", "set", "--stack", "lab", "note", "two")
    assert pulumi.plan() == plan_of(planned) == plan_of(done)
    pulumi.up()
    assert inventory() == count
    pulumi("destroy", "--stack", "lab", "--yes", "--skip-preview")
    assert inventory() == {}


def test_the_cluster_is_planned_the_same_either_way(
    cli: Callable[[Path], Cli], cloud: Cloud, tmp_path: Path
) -> None:
    run = Run(ROOT, "lab", state_path=tmp_path / "ours.json", endpoint=cloud.endpoint, nonce=cloud.nonce)
    run.preview()
    assert cli(ROOT).plan() == plan_of(run)


def test_another_labs_nonce_stops_the_cli_before_anything_is_made(
    cli: Callable[[Path], Cli], inventory: Callable[[], dict[str, int]]
) -> None:
    said = cli(PROGRAMS / "small").fails(
        "up", "--stack", "lab", "--yes", "--skip-preview", QUORATE_LAB_NONCE="another"
    )
    assert "nonce is not this lab's" in said
    assert "Traceback" not in said
    assert inventory() == {}


def test_what_was_partly_made_is_finished_by_the_clis_next_run(
    cli: Callable[[Path], Cli], cloud: Cloud, inventory: Callable[[], dict[str, int]]
) -> None:
    pulumi = cli(PROGRAMS / "small")
    cloud.faults.add(Fault(kind="error", action="ec2:AttachInternetGateway", times=1))
    said = pulumi.fails("up", "--stack", "lab", "--yes", "--skip-preview")
    assert "attach-internet-gateway" in said
    assert inventory().get("attachments") is None

    pulumi.up()
    found = inventory()
    assert (found["internet gateways"], found["attachments"]) == (1, 1)
