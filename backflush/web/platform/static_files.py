"""Collects static files under their hashed names; again only if a source changed.

A built wheel contains the collected files, so `gather` has nothing to do there.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from backflush.web.platform.style_sheet import write_style_sheet

STAMP: Final = "gathered.sha256"
UNUSED: Final = ("django_htmx/ext/*", "django_htmx/htmax-*", "django_htmx/htmx-4*", "django_htmx/htmx-2.js")
"""Files of packages that no page uses; they are neither served nor shipped."""


def gather(*, clean: bool = False) -> None:
    """Bring the collected files up to date with their sources.

    `clean` removes the files of earlier versions, for which open pages may still ask a running server.
    """
    write_style_sheet()
    stamp = Path(settings.STATIC_ROOT) / STAMP
    digest = _digest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    call_command("collectstatic", verbosity=0, interactive=False, clear=clean, ignore_patterns=[*UNUSED])
    stamp.write_text(digest)


def _digest() -> str:
    """Return a digest over the names and contents of all sources."""
    whole = hashlib.sha256()
    for finder in get_finders():
        for name, storage in sorted(finder.list(UNUSED), key=lambda found: str(found[0])):
            with storage.open(name) as source:
                whole.update(f"{name}\0".encode() + hashlib.sha256(source.read()).digest())
    return whole.hexdigest()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backflush.config.settings")
    django.setup()
    gather(clean=True)
