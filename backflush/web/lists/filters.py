"""Filters of a list: read from the query, and shown as chips that can be removed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.functional import Promise

from backflush.core.input_values import FIRST_YEAR, LAST_YEAR

EARLIEST: Final = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
"""Nothing happened before."""

NOT_KEPT = ("after", "before", "open", "count")
"""Query parameters of the position in a list. They are dropped when a filter changes."""


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter: its label, its value, and the address of the list without it."""

    name: str | Promise
    value: str
    without: str


def chips_of(query: QueryDict, names: Sequence[tuple[str, str | Promise]], shown: Mapping[str, str]) -> list[Chip]:
    """Return the active filters in order; `shown` has the text for values that aren't shown as entered."""
    chips = []
    for field, name in names:
        if text := query.get(field, "").strip():
            chips.append(Chip(name, shown.get(field, text), f"?{_without(query, field)}"))
    return chips


def _without(query: QueryDict, field: str) -> str:
    rest = query.copy()
    for name in (field, *NOT_KEPT):
        rest.pop(name, None)
    return rest.urlencode()


def same_list(query: QueryDict) -> str:
    """Return the address of the whole list of which a page is shown."""
    return _without(query, "")


def first_moment(day: date | None, zone: ZoneInfo) -> datetime | None:
    """Return the first moment of a day in a time zone, or the earliest moment that exists."""
    if day is None:
        return None
    return EARLIEST if day.year < FIRST_YEAR else datetime.combine(day, time(), zone)


def moment_after(day: date | None, zone: ZoneInfo) -> datetime | None:
    """Return the first moment of the next day in a time zone, or None if it is too late to exist."""
    if day is None or day.year > LAST_YEAR:
        return None
    return first_moment(day + timedelta(days=1), zone)
