"""The packages of the virtual environment: `quorum-layout` starts without them, and few verbs need any."""

from __future__ import annotations

import site
import sys

from quorate.errors import Failed


def enable(needed: str, what_for: str) -> None:
    """Makes installed packages importable; Failed where `needed` is not among them."""
    if not any(path.endswith("-packages") for path in sys.path):
        site.main()
    from importlib.util import find_spec

    if find_spec(needed) is None:
        raise Failed(f"{what_for} needs the package {needed}, which is not installed. Run: make venv")
