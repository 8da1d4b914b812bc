"""Pulumi.yaml and the stack's file, read as the CLI reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from quorate.errors import UsageError
from quorate.lab.engine import Project

ROOT = Path(__file__).parents[4]

PULUMI_YAML = """
name: test
runtime: {name: python}
main: infra/
config:
  managers: {type: integer, default: 3}
  zones: {type: array, items: {type: string}}
  note: {default: hello}
  open: {type: boolean, default: false}
  aws:region: {value: eu-west-1}
  plain: text
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "__main__.py").touch()
    (tmp_path / "Pulumi.yaml").write_text(PULUMI_YAML)
    return tmp_path


def config(project: Path, stack: str, given: str = "", **overrides: str) -> dict[str, str]:
    if given:
        (project / f"Pulumi.{stack}.yaml").write_text(given)
    return Project.read(project).configuration(
        stack, {f"test:{key}": each for key, each in overrides.items()}
    )


def test_defaults_and_values_come_from_the_project(project: Path) -> None:
    assert config(project, "lab") == {
        "test:managers": "3",
        "test:note": "hello",
        "test:open": "false",
        "test:plain": "text",
        "aws:region": "eu-west-1",
    }


def test_the_stack_goes_over_the_defaults_and_structures_become_json(project: Path) -> None:
    given = "config: {test:managers: 5, test:zones: [a, b], aws:region: us-east-1, test:workers: [{name: x}]}"
    found = config(project, "lab", given)
    assert found["test:managers"] == "5"
    assert found["test:zones"] == '["a", "b"]'
    assert found["test:workers"] == '[{"name": "x"}]'
    assert found["aws:region"] == "us-east-1"


def test_overrides_go_over_everything(project: Path) -> None:
    assert config(project, "lab", "config: {test:managers: 5}", managers="7")["test:managers"] == "7"


def test_the_program_is_in_the_main_directory(project: Path) -> None:
    assert Project.read(project).program == project / "infra" / "__main__.py"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("config: {test:managers: many}", "test:managers: is many, not of type integer"),
        ("config: {test:zones: one}", "test:zones: is one, not of type array"),
        ("config: {test:token: {secure: abc}}", "test:token is encrypted"),
        ("config: [", "is not YAML"),
        ("just text", "is not a map"),
    ],
)
def test_what_cannot_be_used_is_one_line(project: Path, given: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        config(project, "lab", given)
    assert "\n" not in str(caught.value)


def test_a_directory_without_a_project_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Pulumi\.yaml: cannot be read"):
        Project.read(tmp_path)


def test_a_project_without_a_program_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\nmain: nowhere\n")
    with pytest.raises(UsageError, match="there is no program"):
        Project.read(tmp_path)


def test_the_stacks_that_are_shipped_can_be_read() -> None:
    project = Project.read(ROOT)
    for path in ROOT.glob("Pulumi.*.yaml"):
        stack = path.name.split(".")[1]
        assert project.configuration(stack)["quorate:managers"].isdigit()
