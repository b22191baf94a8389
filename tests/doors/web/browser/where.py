"""Finds the chromium that runs the browser tests."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")
REQUIRED = "required"


def is_required() -> bool:
    """Return whether a missing browser is a failure."""
    return os.environ.get("BACKFLUSH_BROWSER") == REQUIRED


def chromium() -> str | None:
    """Return the chromium named in the environment, else the first on the PATH."""
    named = os.environ.get("BACKFLUSH_BROWSER", "")
    if named and named != REQUIRED:
        return shutil.which(named)
    return next((found for name in NAMES if (found := shutil.which(name))), None)
