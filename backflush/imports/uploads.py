"""Files that users send to a page: kept until they are imported, and handed to an import."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from django.db import transaction
from django.utils import timezone

from backflush.core.refusals import InvalidValue, NotFound
from backflush.imports.files import TEXT_FILES, WORKBOOKS
from backflush.imports.models import Upload
from backflush.people.models import User
from backflush.stockmap.models import Site

UPLOAD_MOST: Final = 10_000_000
"""The most bytes of an uploaded file. Larger ones are imported by `backflush import`."""
KEPT: Final = timedelta(days=1)
NAME_MOST: Final = 60
"""The most characters that are kept of a file's name."""
_UNSAFE: Final = re.compile(r"[^\w. -]")
PASTED: Final = "pasted.txt"


@transaction.atomic
def keep_upload(*, name: str, content: bytes, site: Site, by: User) -> Upload:
    """Keep a file for a day; older ones are deleted. Raises `InvalidValue` for a file that can't be imported."""
    name = _UNSAFE.sub("_", name.replace("\\", "/").rpartition("/")[2])[-NAME_MOST:] or PASTED
    if Path(name).suffix.lower() not in (*TEXT_FILES, *WORKBOOKS):
        raise InvalidValue("Files of this kind can't be imported. Choose a CSV, XLSX or ODS file.", field="file")
    if not content.strip():
        raise InvalidValue("The file is empty. Choose another one.", field="file")
    if len(content) > UPLOAD_MOST:
        raise InvalidValue(
            "The file has more than {most} MB. Import it with the command `backflush import`.",
            most=UPLOAD_MOST // 1_000_000,
            field="file",
        )
    now = timezone.now()
    Upload.objects.filter(at__lt=now - KEPT).delete()
    return Upload.objects.create(site=site, by=by, at=now, name=name, content=content)


def upload_of(number: int, *, site: Site, by: User) -> Upload:
    """Return a user's own file; raises `NotFound`."""
    found = Upload.objects.filter(pk=number, site=site, by=by).first()
    if found is None:
        raise NotFound("This file isn't kept any more. Upload it again.", field="upload")
    return found


@contextmanager
def as_path(upload: Upload) -> Iterator[Path]:
    """Give an uploaded file to an import as a file of its name."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / upload.name
        path.write_bytes(upload.content)
        yield path
