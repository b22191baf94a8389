"""What a list is narrowed by: read from the address, shown as chips that can be taken off."""

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
"""Of an address: where in the list one was. Another list begins at its beginning."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that holds: what it is called, what it asks for, and the address of the list without it."""

    name: str | Promise
    value: str
    without: str


def chips_of(asked: QueryDict, names: Sequence[tuple[str, str | Promise]], shown: Mapping[str, str]) -> list[Chip]:
    """The filters that hold, in order; `shown` has what is shown for a field where that isn't what was typed."""
    chips = []
    for field, name in names:
        if typed := asked.get(field, "").strip():
            chips.append(Chip(name, shown.get(field, typed), f"?{_without(asked, field)}"))
    return chips


def _without(asked: QueryDict, field: str) -> str:
    rest = asked.copy()
    for name in (field, *NOT_KEPT):
        rest.pop(name, None)
    return rest.urlencode()


def same_list(asked: QueryDict) -> str:
    """The address of the whole list that is shown a page of."""
    return _without(asked, "")


def first_moment(day: date | None, zone: ZoneInfo) -> datetime | None:
    """Return when a day begins in a time zone, or the earliest moment that there is."""
    if day is None:
        return None
    return EARLIEST if day.year < FIRST_YEAR else datetime.combine(day, time(), zone)


def moment_after(day: date | None, zone: ZoneInfo) -> datetime | None:
    """Return when the day after a day begins in a time zone; None where no moment is that late."""
    if day is None or day.year > LAST_YEAR:
        return None
    return first_moment(day + timedelta(days=1), zone)
