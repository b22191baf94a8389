"""What a list is narrowed by: read from the address, shown as chips that can be taken off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from backflush.core.refusals import InvalidValue

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


def day_in(asked: Mapping[str, str], field: str) -> date | None:
    """A field's day as browsers send it; None where it is empty."""
    text = asked.get(field, "").strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        sentence = _("%(typed)s is no date. Write it like 2026-03-12.")
        raise InvalidValue(sentence % {"typed": text}, field=field) from None


def first_moment(day: date | None, zone: ZoneInfo) -> datetime | None:
    """When a day begins by some clocks."""
    return None if day is None else datetime.combine(day, time(), zone)


def moment_after(day: date | None, zone: ZoneInfo) -> datetime | None:
    """When a day is over by some clocks."""
    if day is None:
        return None
    if day == date.max:
        raise InvalidValue(_("Choose an earlier day."), field="until")
    return first_moment(day + timedelta(days=1), zone)
