"""A build by Packer: the template with its variables, run to its end or cleaned up."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from quorate.errors import Failed
from quorate.operations.image.places import REPOSITORY
from quorate.operations.image.programs import output_of, run_logged

CONCERNS = ("base", "engine", "region", "encryption", "access")
"""images/packer/vars/<concern>.pkrvars.hcl"""
OLDEST = (1, 6, 6)
WITH_PLUGINS = (1, 7, 0)
"""From here on Packer reads required_plugins, and `packer init` exists."""


@dataclass(frozen=True)
class Packer:
    """`program` is the packer to run, `ansible_playbook` the one that provisions."""

    program: str = "packer"
    ansible_playbook: Path = REPOSITORY / ".venv-image/bin/ansible-playbook"
    images: Path = REPOSITORY / "images/packer"
    vars_folder: Path | None = None
    log: Path | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def version(self) -> tuple[int, ...]:
        """Failed when Packer is missing or older than the template can be read by."""
        words = output_of([self.program, "version"])
        found = re.search(r"v(\d+)\.(\d+)\.(\d+)", words)
        version = tuple(int(part) for part in found.groups()) if found else ()
        if version < OLDEST:
            raise Failed(f"Packer {words.strip()!r} is too old; 1.6.6 is the first that will do")
        return version

    def build(
        self, target: str, work: Path, variables: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        """`target` is qemu or amazon-ebs. Failed with the reason; Packer has cleaned up by then."""
        with self._environment(work) as environment:
            words: list[str | Path] = [self.program, "build", "-color=false", f"-only={target}.node"]
            words += self._variables(variables)
            try:
                run_logged(
                    [*words, self._template(work, environment)],
                    self.log_in(work),
                    cwd=Path(environment["TMPDIR"]),  # when a plugin panics it leaves a crash.log there
                    env=environment,
                    say=say,
                    progress=_progress,
                )
            except Failed as error:
                raise Failed(_plainly(str(error))) from error

    def log_in(self, work: Path) -> Path:
        """Where Packer's words go."""
        return self.log or work / "packer.log"

    def _template(self, work: Path, environment: Mapping[str, str]) -> Path:
        """The template's folder; with current Packer, a copy that names the plugins."""
        if self.version() < WITH_PLUGINS:
            return self.images
        copy = work / "template/images/packer"
        if not copy.exists():
            shutil.copytree(self.images, copy)
            shutil.copy(self.images / "current/plugins.pkr.hcl", copy)
            (work / "template/ansible").symlink_to(REPOSITORY / "ansible")
            output_of([self.program, "init", copy], env=environment)
        return copy

    @contextlib.contextmanager
    def _environment(self, work: Path) -> Iterator[dict[str, str]]:
        """Scratch has a short name, wherever builds are kept: Packer's plugins listen on sockets in it.

        A socket's path has 107 bytes at most (unix(7)).
        """
        with tempfile.TemporaryDirectory(prefix="quorate-") as scratch:
            yield {
                **self.environment,
                "CHECKPOINT_DISABLE": "1",
                "PACKER_CACHE_DIR": str(work / "cache"),
                "PACKER_LOG": "",
                "TMPDIR": scratch,
            }

    def _variables(self, variables: Mapping[str, str]) -> list[str | Path]:
        folder = self.vars_folder or self.images / "vars"
        words: list[str | Path] = [f"-var-file={folder / f'{concern}.pkrvars.hcl'}" for concern in CONCERNS]
        given = {"ansible_playbook": str(self.ansible_playbook), **variables}
        return words + [word for name, value in given.items() for word in ("-var", f"{name}={value}")]


def read_variables(concern: str, folder: Path | None = None) -> dict[str, str]:
    """The texts of a var file; what is not a text (lists, maps) is left to Packer."""
    path = (folder or REPOSITORY / "images/packer/vars") / f"{concern}.pkrvars.hcl"
    return dict(re.findall(r'^(\w+)\s*=\s*"([^"]*)"', path.read_text(), re.MULTILINE))


def read_list(name: str, concern: str, folder: Path | None = None) -> list[str]:
    """The texts of one list of a var file."""
    path = (folder or REPOSITORY / "images/packer/vars") / f"{concern}.pkrvars.hcl"
    found = re.search(rf"^{name}\s*=\s*\[(.*?)\]", path.read_text(), re.MULTILINE | re.DOTALL)
    return re.findall(r'"([^"]*)"', found[1]) if found else []


def _progress(line: str) -> str | None:
    """A line of Packer's as a step worth showing, or None."""
    if found := re.search(r"TASK \[(.*?)\] \*", line):
        return found[1]
    found = re.match(r"==> [\w.-]+: (?!Executing|\s)(.*)", line)
    return found[1] if found else None


def _plainly(words: str) -> str:
    if "waiting for SSH" in words:
        return f"the machine came up, but ssh never did: {words}"
    return words
