"""The figures of docs/benchmarks.md, each a ratio of two things timed in turn in this one run.

make bench                          all of them, about half an hour
make bench ONLY=planner             those whose name holds the word
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import decide_thousand
import healing
import layout_search
from aws_calls import recorded, replay
from pairs import HEAD, Figure, paired
from quorate.lab.engine import Run
from quorate.lab.lab import PROGRAM_MODULES, Lab

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PYTHON = ROOT / ".venv/bin/python"


def seconds(*words: str | Path) -> float:
    """A whole process."""
    start = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def planner() -> list[Figure]:
    def pass_alone() -> float:
        return seconds(PYTHON, "-c", "pass")

    def ours(*words: str) -> Callable[[], float]:
        return lambda: seconds(ROOT / "scripts/quorum-layout", *words)

    check = ours("check", "2,2,1")
    plan = ours("plan", "--managers", "5", "--zones", "3")
    return [
        paired("`quorum-layout check 2,2,1` / `python -c pass`", 4, check, pass_alone, 25),
        paired("`quorum-layout plan` of 5 over 3 / `python -c pass`", 4, plan, pass_alone, 25),
    ]


@contextmanager
def cloud() -> Iterator[dict[str, str]]:
    """A new cloud without hosts: its endpoint and nonce."""
    words = [PYTHON, HERE / "cloud.py"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.communicate()


def program() -> list[Figure]:
    """The whole program on an empty cloud, imports done, beside its calls in a loop on another one."""
    for module in PROGRAM_MODULES:
        importlib.import_module(module)

    def laid_out() -> float:
        with cloud() as aws, tempfile.TemporaryDirectory() as folder:
            run = Run(ROOT, "lab", state_path=Path(folder) / "state.json", **aws)
            start = time.perf_counter()
            run.up()
            return time.perf_counter() - start

    with recorded() as calls:
        laid_out()

    def bare() -> float:
        with cloud() as aws:
            return replay(calls, aws["endpoint"], "us-east-1")

    name = f"the Pulumi program / its {len(calls)} AWS calls in a bare loop"
    return [paired(name, 1.5, laid_out, bare, 5)]


class Milestones:
    """Progress that remembers when each step ended."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.ended: dict[str, float] = {}
        self._step = ""

    def begin(self, step: str) -> None:
        self._step = step

    def tell(self, detail: str) -> None:
        pass

    def note(self, line: str) -> None:
        print(line, file=sys.stderr)

    def done(self) -> None:
        self.ended[self._step] = time.perf_counter()


def swarm() -> list[Figure]:
    """Whole starts, and their part from engines to a whole cluster, beside the same swarm by hand."""
    formed: list[float] = []
    whole: list[float] = []
    by_hand_formed: list[float] = []
    by_hand_whole: list[float] = []
    for _ in range(5):
        with tempfile.TemporaryDirectory(prefix="ql-") as folder:
            lab = Lab(folder)
            try:
                steps = Milestones()
                lab.up(progress=steps)
                end = time.perf_counter()
            finally:
                lab.down()
        formed.append(end - steps.ended["engines"])
        whole.append(end - steps.began)
        made = json.loads(subprocess.run([HERE / "by_hand.sh"], check=True, capture_output=True).stdout)
        by_hand_formed.append(made["formed"])
        by_hand_whole.append(made["engines"] + made["formed"])
    return [
        Figure("engines up -> whole cluster / by hand", tuple(formed), tuple(by_hand_formed), 2.5),
        Figure("`make up` / by hand, engines' start included", tuple(whole), tuple(by_hand_whole), 4),
    ]


PARTS: dict[str, Callable[[], list[Figure]]] = {
    "planner": planner,
    "layout": layout_search.figures,
    "decide": decide_thousand.figures,
    "program": program,
    "swarm": swarm,
    "healing": healing.figures,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("only", nargs="?", default="", help=f"a word of one of: {', '.join(PARTS)}")
    only = parser.parse_args().only
    print(HEAD, flush=True)
    for name, part in PARTS.items():
        if only in name:
            for figure in part():
                print(figure.row(), flush=True)


if __name__ == "__main__":
    main()
