"""Backflush: book finished production and post the component consumption that its structure implies."""

from typing import Final

__version__: Final = "0.1.0"
"""Stated only here: the wheel, `backflush --version`, the API description and `/metrics/` read it."""
