"""Rules for every test: in CI nothing that the machine can provide may be skipped."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine's other work than about the thing tested.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the Pulumi CLI run where it is on PATH: no package registry has it."""
    if shutil.which("pulumi"):
        return
    for item in items:
        if item.get_closest_marker("pulumi_cli"):
            item.add_marker(pytest.mark.skip(reason="the Pulumi CLI is not on PATH"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """A skip hides a missing part; in CI only the Pulumi CLI may be missing."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") and not item.get_closest_marker("pulumi_cli"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where nothing may be skipped: {report.longrepr}"
