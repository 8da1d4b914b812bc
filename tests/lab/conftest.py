"""Order of the tests with real engines, and what is said when one fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from quorate.lab.lab import Lab

from .guard import watch
from .told import told

LONG = {"outages", "test_traces", "test_boots"}


@pytest.fixture(scope="session", autouse=True)
def _guard() -> Iterator[None]:
    """Labs are taken down also when this process is killed."""
    with pytest.MonkeyPatch.context() as patch:
        end = watch(patch)
        yield
        end()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for Swarm's own elections takes longest and goes first: no core idles at the end."""
    items.sort(key=lambda item: not LONG.intersection((*item.path.parts, item.path.stem)))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """A failure shows what the lab's hosts said last, before they are gone."""
    outcome = yield
    report = outcome.get_result()
    if call.when != "call" or not report.failed:
        return
    for value in getattr(item, "funcargs", {}).values():
        lab = getattr(value, "lab", value)
        if isinstance(lab, Lab):
            report.sections.append((f"hosts of {lab.directory}", "\n".join(told(lab))))
