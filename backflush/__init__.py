"""Backflush: book what was made, and take the components that it must have used out of stock."""

from typing import Final

__version__: Final = "0.1.0"
"""Stated only here: the wheel, `backflush --version`, the API description and `/metrics/` read it."""
