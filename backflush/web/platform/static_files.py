"""Static files with their hashed names, made from what stands in the packages; again only when something changed.

A built wheel contains them ready, so `gather` finds nothing to do there.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

STAMP: Final = "gathered.sha256"


def gather() -> None:
    """Bring what is served up to date with its sources."""
    stamp = Path(settings.STATIC_ROOT) / STAMP
    digest = _digest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(digest)


def _digest() -> str:
    """What all sources together come to, by name and content."""
    whole = hashlib.sha256()
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: str(found[0])):
            with storage.open(name) as source:
                whole.update(f"{name}\0".encode() + hashlib.sha256(source.read()).digest())
    return whole.hexdigest()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backflush.config.settings")
    django.setup()
    gather()
