"""The columns of files with the same headings: found for the next file, and kept after an import."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from django.utils import timezone

from backflush.imports.column_matches import ColumnMatch
from backflush.imports.models import ColumnMapping
from backflush.imports.words import heading_key
from backflush.people.models import User


def shape_of(headings: Sequence[str]) -> str:
    """Return the digest by which files with the same headings are known, whatever their case and punctuation."""
    return hashlib.sha256(json.dumps([heading_key(heading) for heading in headings]).encode()).hexdigest()


def mapping_of(headings: Sequence[str]) -> ColumnMapping | None:
    """Return the mapping that a file with these headings was imported with, if any."""
    return ColumnMapping.objects.filter(shape=shape_of(headings)).first()


def keep_mapping(table: str, matches: Sequence[ColumnMatch], answers: Mapping[str, str], by: User) -> None:
    """Keep the columns of a file for the next one with the same headings."""
    ColumnMapping.objects.update_or_create(
        shape=shape_of([match.heading for match in matches]),
        defaults={
            "table": table,
            "columns": {heading_key(match.heading): match.column for match in matches if match.heading},
            "answers": dict(answers),
            "by": by,
            "at": timezone.now(),
        },
    )
