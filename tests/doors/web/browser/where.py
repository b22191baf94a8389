"""Which chromium drives the pages, if there is one."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")
REQUIRED = "required"


def is_required() -> bool:
    """Whether a missing browser is a failure."""
    return os.environ.get("BACKFLUSH_BROWSER") == REQUIRED


def chromium() -> str | None:
    """The one named in the environment, else the first on the path."""
    named = os.environ.get("BACKFLUSH_BROWSER", "")
    if named and named != REQUIRED:
        return shutil.which(named)
    return next((found for name in NAMES if (found := shutil.which(name))), None)
