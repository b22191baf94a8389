"""Keyset pagination: a page starts after the last row of the one before, so page 1,000 opens as fast as page 1.

    page = page_of(queue(site), request.GET, by=("at", "place", "pk"))
    {% include "web/lists/pager.html" with page=page older="Older" newer="Newer" %}

`by` are the fields of the order, the last of them unique; all ascending, or all descending with `descending=True`.
Counts are exact up to 10,000 and then "more than 10,000".
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

from django.core.exceptions import EmptyResultSet, ValidationError
from django.db.models import Model, Q, QuerySet

from backflush.core.input_values import WHOLE_MAX, read_moment, read_whole, require_text
from backflush.core.refusals import InvalidValue, Refusal

PAGE_SIZE: Final = 50
COUNTED_MOST: Final = 10_000
UNCOUNTED: Final = -1
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]", re.ASCII)
MARK_MAX: Final = 2_000
"""The most characters of a position; no row has a longer one."""

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list: its rows, and the positions at which the pages before and after begin (empty: there is
    none)."""

    rows: list[Row]
    previous: str
    following: str
    total: int
    """The count, or `UNCOUNTED` if counting takes longer than the page: it is then requested after the page is
    shown."""

    @property
    def all_shown(self) -> bool:
        """Whether the page is the whole list."""
        return not self.previous and not self.following

    @property
    def is_counted(self) -> bool:
        """Whether the number of rows is known."""
        return self.total != UNCOUNTED


def count_up_to(found: QuerySet[Any], most: int = COUNTED_MOST) -> int:
    """Return the number of rows, or `most` + 1 if there are more than `most`."""
    return found.order_by().values("pk")[: most + 1].count()


def page_of(
    found: QuerySet[Row],
    position: Mapping[str, str],
    *,
    by: Sequence[str],
    descending: bool = False,
    size: int = PAGE_SIZE,
    total: int | None = None,
    named: QuerySet[Row] | None = None,
) -> Page[Row]:
    """Return the page after the position `after`, or before the position `before`; else the first.

    `named` is the same query with everything that is shown: the page is first found by its keys, and only its own rows
    are joined. Otherwise the planner may start from the smallest joined table and read the whole list.
    """
    counted = count_up_to(found) if total is None else total
    if named is None:
        return page_along([found], position, by=by, descending=descending, size=size, total=counted)
    keys = found.select_related(None).only("pk", *by)
    page = page_along([keys], position, by=by, descending=descending, size=size, total=counted)
    whole = named.in_bulk([row.pk for row in page.rows])
    return replace(page, rows=[whole[row.pk] for row in page.rows if row.pk in whole])


def page_along(
    runs: Sequence[QuerySet[Row]],
    position: Mapping[str, str],
    *,
    by: Sequence[str],
    descending: bool = False,
    total: int,
    size: int = PAGE_SIZE,
) -> Page[Row]:
    """Return a page of a list that consists of several queries in sequence, each with an index of its own.

    One query with an order that no index has would be read whole for every page. The position says in which query it
    is.
    """
    after, before = position.get("after", ""), position.get("before", "")
    backwards = bool(before)
    turned = descending ^ backwards
    start, values = _unmark(before or after, len(runs), len(by)) if before or after else (0, [])
    shown: list[tuple[int, Row]] = []
    for run in range(start, -1, -1) if backwards else range(start, len(runs)):
        rows = _rows_behind(runs[run], by, values, turned) if values and run == start else runs[run]
        rows = rows.order_by(*(f"-{name}" if turned else name for name in by))
        shown += [(run, row) for row in rows[: size + 1 - len(shown)]]
        if len(shown) > size:
            break
    more = len(shown) > size
    shown = shown[:size]
    if backwards:
        shown.reverse()
    elif total == UNCOUNTED and not more and not after:
        total = len(shown)
    has_previous, has_following = (more, True) if backwards else (bool(after), more)
    return Page(
        [row for _, row in shown],
        mark_of(*shown[0], by) if shown and has_previous else "",
        mark_of(*shown[-1], by) if shown and has_following else "",
        total,
    )


def _rows_behind(found: QuerySet[Row], by: Sequence[str], values: Sequence[Any], descending: bool) -> QuerySet[Row]:
    """Return the rows behind a mark; refuse a mark that was changed to values that no row can have."""
    rows = found
    try:
        rows = found.filter(behind(by, values, descending))
        # Values are converted for the database here: a year out of its range raises now and not while the page is
        # rendered.
        rows.query.sql_with_params()
    except (ValueError, TypeError, OverflowError, ValidationError):
        raise _changed() from None
    except EmptyResultSet:
        pass
    return rows


def behind(by: Sequence[str], values: Sequence[Any], descending: bool) -> Q:
    """Return the rows after some values. The first condition alone lets both databases start at the right place of an
    index."""
    beyond = "lt" if descending else "gt"
    behind = Q()
    for place in range(len(by)):
        same = Q(**dict(zip(by[:place], values[:place], strict=True)))
        behind |= same & Q(**{f"{by[place]}__{beyond}": values[place]})
    return Q(**{f"{by[0]}__{beyond}e": values[0]}) & behind


def mark_of(run: int, row: Model, by: Sequence[str]) -> str:
    """Return the position after a row."""
    values = [run, *(_plain(getattr(row, name)) for name in by)]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _unmark(mark: str, runs: int, length: int) -> tuple[int, list[Any]]:
    """Return the query number and the values of a position, which a user can change in the address."""
    try:
        values = json.loads(
            base64.urlsafe_b64decode(mark[:MARK_MAX] + "=" * (-len(mark) % 4)),
            parse_int=lambda digits: read_whole(digits, field="after", least=-WHOLE_MAX),
            parse_float=_no_value,
            parse_constant=_no_value,
        )
    except (ValueError, RecursionError, Refusal):
        raise _changed() from None
    if not isinstance(values, list) or len(values) != length + 1 or values[0] not in range(runs):
        raise _changed()
    if not all(isinstance(value, str | int) and _is_text(value) for value in values):
        raise _changed()
    return int(values[0]), values[1:]


def _no_value(written: str) -> None:
    raise ValueError(written)


def _is_text(value: str | int) -> bool:
    """Say whether a database takes the value: no damaged text, and no time that it can't convert."""
    try:
        text = require_text(str(value), field="after")
        if _TIME.match(text):
            read_moment(text, field="after")
    except Refusal:
        return False
    return True


def _changed() -> InvalidValue:
    return InvalidValue("The list has changed. Start again from the first page.", field="after")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
