"""Join and steward in a world of their own: no run of events breaks a law, and every run ends whole."""

from __future__ import annotations

from hypothesis import settings

from .machine import Life

Life.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLife = Life.TestCase
