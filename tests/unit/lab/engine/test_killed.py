"""kill -9 at any step: the next run goes on, nothing is made twice, and a destroy leaves nothing."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from quorate.lab.cloud import Cloud

HERE = Path(__file__).parent
Inventory = Callable[[], dict[str, int]]


class Killer:
    """The process that forks runs and kills them."""

    def __init__(self, program: str, state: Path, cloud: Cloud) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable,
                HERE / "killer.py",
                HERE / "programs" / program,
                state,
                cloud.endpoint,
                cloud.nonce,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(HERE.parents[3] / "infra"), "PATH": "/usr/bin:/bin"},
        )

    def __call__(self, do: str, kill: int | None = None, **config: str) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        order = {
            "do": do,
            "kill": kill,
            "config": {key.replace("__", ":"): each for key, each in config.items()},
        }
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert answer["error"] is None
        return answer

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=60)


@pytest.fixture
def killer(tmp_path: Path, cloud: Cloud) -> Iterator[Callable[[str], Killer]]:
    started = []

    def start(program: str) -> Killer:
        started.append(Killer(program, tmp_path / "state.json", cloud))
        return started[-1]

    yield start
    for each in started:
        each.close()


def whole(inventory: Inventory) -> dict[str, int]:
    """Without instances, which come and go by themselves."""
    return {kind: count for kind, count in inventory().items() if kind != "instances"}


def test_a_run_killed_at_any_step_is_finished_by_the_next_without_anything_twice(
    killer: Callable[[str], Killer], inventory: Inventory
) -> None:
    run = killer("small")
    steps = run("up")["steps"]
    expected = whole(inventory)
    run("destroy")
    assert inventory() == {}
    assert steps > 30

    for step in range(1, steps + 1):
        killed = run("up", kill=step)["killed"]
        run("up")
        assert whole(inventory) == expected, f"after a kill at step {step}"
        run("destroy")
        assert inventory() == {}, f"destroyed after a kill at step {step}"
        # Threads take their steps in another order each time, so the last ones may not come.
        assert killed or step > steps * 0.7


def test_a_destroy_after_a_kill_at_any_step_leaves_nothing(
    killer: Callable[[str], Killer], inventory: Inventory
) -> None:
    run = killer("small")
    steps = run("up")["steps"]
    run("destroy")

    for step in range(2, steps, 3):
        run("up", kill=step)
        run("destroy")
        assert inventory() == {}, f"destroyed after a kill at step {step}"


def test_a_destroy_killed_at_any_step_is_finished_by_the_next(
    killer: Callable[[str], Killer], inventory: Inventory
) -> None:
    run = killer("small")
    run("up")
    steps = run("destroy")["steps"]

    for step in range(1, steps, 4):
        run("up")
        run("destroy", kill=step)
        run("destroy")
        assert inventory() == {}, f"destroyed after a kill at step {step} of a destroy"


def test_a_replacement_killed_at_any_step_ends_with_one(
    killer: Callable[[str], Killer], inventory: Inventory
) -> None:
    run = killer("small")
    run("up")
    expected = whole(inventory)
    steps = run("up", small__note="two")["steps"]

    for step in range(1, steps, 2):
        note = "three" if step % 4 == 1 else "two"
        run("up", kill=step, small__note=note)
        run("up", small__note=note)
        assert whole(inventory) == expected, f"after a kill at step {step} of a replacement"
    run("destroy")
    assert inventory() == {}


def test_one_resource_of_every_type_survives_kill_upon_kill(
    killer: Callable[[str], Killer], inventory: Inventory
) -> None:
    run = killer("everything")
    run("up")
    expected = whole(inventory)
    run("destroy")
    chance = random.Random(2377)

    for do, left in (("up", expected), ("destroy", {})):
        kills = 0  # a run that is always killed in its first steps never ends: each lives a little longer
        while run(do, kill=chance.randint(4, 30) + 2 * kills)["killed"]:
            kills += 1
        assert kills > 3, "too few kills to say anything"
        assert whole(inventory) == left
