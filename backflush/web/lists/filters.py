"""Filters of a list: read from the query, and shown as chips that can be removed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from backflush.core.input_values import FIRST_YEAR, LAST_YEAR
from backflush.web.forms.fields import BoundField, Field, FieldKind, Form, Text

EARLIEST: Final = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
"""Nothing happened before."""

NOT_KEPT = ("after", "before", "open", "count")
"""Query parameters of the position in a list. They are dropped when a filter changes."""


@dataclass(frozen=True)
class FilterForm:
    """The filters of a list as a form (`{% filter_form filters %}`); `action` is the name of the list's address.

    `folded` are the fields behind *More filters*, with the words on the fold. `kept` are further parts of the query
    that stay as they are. A refused filter is shown at its field.
    """

    action: str
    form: Form
    folded: Sequence[str] = ()
    folded_label: Text = ""
    kept: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> list[BoundField]:
        """The fields that are always shown."""
        return [bound for bound in self.form if bound.name not in self.folded]

    @property
    def more(self) -> list[BoundField]:
        """The fields behind the fold."""
        return self.form.some(*self.folded)

    @property
    def is_open(self) -> bool:
        """Whether the fold is open, because a field behind it is filled in or refused."""
        return self.form.has_entry(*self.folded)

    @property
    def is_set(self) -> bool:
        """Whether any filter is set."""
        return any(bound.value for bound in self.form)


def choice_of_any(name: str, label: Text, choices: Sequence[tuple[str, Text]]) -> Field:
    """Return a field that chooses one of some values, or any."""
    return Field(name, label, FieldKind.CHOICE, choices=[("", _("any")), *choices])


def item_filter() -> Field:
    """Return the filter for one item, completed while it is typed."""
    return Field("item", _("Item"), FieldKind.CODE, codes="items")


def place_filter(*, stores: bool = True) -> Field:
    """Return the filter for a location, completed while it is typed; with `stores`, a store's code is taken too."""
    return Field("location", _("Place or store") if stores else _("Place"), FieldKind.CODE, codes="locations")


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter: its label, its value, and the address of the list without it."""

    name: str | Promise
    value: str
    without: str


def chips_of(query: QueryDict, names: Sequence[tuple[str, str | Promise]], shown: Mapping[str, str]) -> list[Chip]:
    """Return the active filters in order; `shown` has the text for values that aren't shown as entered."""
    chips = []
    for key, name in names:
        if text := query.get(key, "").strip():
            chips.append(Chip(name, shown.get(key, text), f"?{_without(query, key)}"))
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
