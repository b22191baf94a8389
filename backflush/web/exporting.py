"""Lists as files: exactly what is shown, in its order and with its columns, as CSV or XLSX.

Rows are read page by page and never held together. CSV goes out while it is read, however long it is. A workbook is
written to a temporary file row by row, and only up to a limit, because nobody waits longer for it.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from tempfile import TemporaryFile
from typing import Any, Final, Generic, TypeVar, cast
from zoneinfo import ZoneInfo

from django.db.models import Model, QuerySet
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from xlsxwriter import Workbook

from backflush.core.quantity import written
from backflush.core.refusals import InvalidValue
from backflush.web import showing
from backflush.web.paging import count_up_to, page_of

AT_ONCE: Final = 2_000
WORKBOOK_MOST: Final = 100_000
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Row = TypeVar("Row")
RowModel = TypeVar("RowModel", bound=Model)
Cell = str | int | Decimal | datetime | date | None


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """One column: its head, and what of a row stands in it."""

    head: str | Promise
    value: Callable[[Row], Cell]


class Echo:
    """A file that gives back what is written to it, for the csv module."""

    def write(self, line: str) -> str:
        return line


def rows_of(found: QuerySet[RowModel], *, by: Sequence[str], descending: bool = False) -> Iterator[RowModel]:
    """All rows of a list, some at a time, each some beginning behind the last."""
    asked: dict[str, str] = {}
    while True:
        page = page_of(found, asked, by=by, descending=descending, size=AT_ONCE, total=0)
        yield from page.rows
        if not page.following:
            return
        asked = {"after": page.following}


def as_csv(name: str, columns: Sequence[Column[Row]], rows: Iterable[Row], zone: ZoneInfo) -> HttpResponse:
    """Rows as they are read. Numbers are plain, with a point; times are the site's."""
    heads = [str(column.head) for column in columns]
    writer = csv.writer(Echo())

    def lines() -> Iterator[str]:
        yield writer.writerow(heads)
        for row in rows:
            yield writer.writerow([_text(column.value(row), zone) for column in columns])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return cast(HttpResponse, response)


def require_workbook(found: QuerySet[Any]) -> None:
    """Refuse a workbook that would take too long to make."""
    if count_up_to(found, WORKBOOK_MOST) > WORKBOOK_MOST:
        sentence = _("These are more than %(most)s rows. Take the CSV, which comes as it is read, or narrow the list.")
        raise InvalidValue(sentence % {"most": showing.number(WORKBOOK_MOST)}, field="export")


def as_xlsx(name: str, columns: Sequence[Column[Row]], rows: Iterable[Row], zone: ZoneInfo) -> HttpResponse:
    """A workbook with numbers and times as such, written row by row."""
    made = TemporaryFile()  # noqa: SIM115 - the answer closes it when it has been sent
    workbook = Workbook(made, {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm"})
    sheet = workbook.add_worksheet()
    bold = workbook.add_format({"bold": True})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(columns) - 1, 16)
    for place, column in enumerate(columns):
        sheet.write_string(0, place, str(column.head), bold)
    for line, row in enumerate(rows, 1):
        for place, column in enumerate(columns):
            _write(sheet, line, place, column.value(row), zone)
    workbook.close()
    made.seek(0)
    sent = FileResponse(made, as_attachment=True, filename=f"{name}.xlsx", content_type=XLSX)
    return cast(HttpResponse, sent)


def _write(sheet: Any, line: int, place: int, value: Cell, zone: ZoneInfo) -> None:
    match value:
        case None | "":
            return
        case datetime():
            sheet.write_datetime(line, place, value.astimezone(zone).replace(tzinfo=None))
        case date():
            sheet.write_datetime(line, place, value)
        case int() | Decimal():
            sheet.write_number(line, place, value)
        case _:
            # Never a formula, whatever somebody has called an item.
            sheet.write_string(line, place, value)


def _text(value: Cell, zone: ZoneInfo) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
        case date():
            return value.isoformat()
        case Decimal():
            return written(value)
        case int():
            return str(value)
    # A spreadsheet would take it for a formula, and run it.
    return f"'{value}" if value.startswith(FORMULA) else value
