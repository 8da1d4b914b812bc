"""The one error of the layout room."""

from __future__ import annotations


class LayoutError(ValueError):
    """A number, a spread or a wish that cannot be worked with; `str()` is one line for a person."""
