"""When something happened, as people and programs write it."""

import re
from datetime import date, datetime

from backflush.core.refusals import InvalidValue


def read_moment(text: str, *, field: str) -> datetime | date:
    """A date, or a date and time, as ISO writes them; without a zone it is the site's."""
    text = text.strip()
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else datetime.fromisoformat(text)
    except ValueError:
        raise InvalidValue(
            f"{text!r} is no date. Write it like 2026-03-12, or 2026-03-12T14:30.", field=field
        ) from None
