"""Lists as CSV or XLSX files, with the filters, order and columns of the page.

Rows are read page by page and never held in memory together. A CSV is sent while it is read; a workbook is written to a
temporary file row by row. A list over a hundred thousand rows is made by a background job (`export_jobs`).
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from tempfile import TemporaryFile
from typing import IO, Any, Final, Generic, TypeVar, cast
from zoneinfo import ZoneInfo

from django.db.models import Expression, Model, QuerySet
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.utils.functional import Promise
from xlsxwriter import Workbook

from backflush.core.quantity import written
from backflush.core.refusals import InvalidValue
from backflush.core.sentences import Count
from backflush.delivery.pagination import behind, count_up_to, page_of

AT_ONCE: Final = 2_000
WORKBOOK_MOST: Final = 100_000
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The characters that begin a formula; spreadsheets in East Asian languages take the full-width ones too."""
CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Row = TypeVar("Row")
RowModel = TypeVar("RowModel", bound=Model)
Cell = str | int | Decimal | datetime | date | None


@dataclass(frozen=True, slots=True)
class FileColumn(Generic[Row]):
    """One column: its header, and the value of a row."""

    head: str | Promise
    value: Callable[[Row], Cell]


class Echo:
    """A file-like object that returns what is written, for the csv module."""

    def write(self, line: str) -> str:
        return line


def rows_of(found: QuerySet[RowModel], *, by: Sequence[str], descending: bool = False) -> Iterator[RowModel]:
    """Yield all rows of a list, reading one chunk after another by keyset."""
    query: dict[str, str] = {}
    while True:
        page = page_of(found, query, by=by, descending=descending, size=AT_ONCE, total=0)
        yield from page.rows
        if not page.following:
            return
        query = {"after": page.following}


def flat_rows(
    found: QuerySet[Any],
    lookups: Sequence[str | Expression],
    *,
    by: Sequence[str],
    descending: bool = False,
    after: Sequence[Any] = (),
    most: int | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Yield rows of a list as plain values, from a position on and up to a limit, without creating model instances.

    The values of the list's order follow the row's own; those of the last row are the position to continue from. Rows
    are first found by their keys and then joined to related tables, as for a page (`pagination.page_of`).
    """
    ordered = found.order_by(*(f"-{name}" if descending else name for name in by))
    left = most
    while left is None or left > 0:
        size = AT_ONCE if left is None else min(AT_ONCE, left)
        some = ordered.filter(behind(by, after, descending)) if after else ordered
        rows = _with_values(found, list(some.values_list("pk", *by)[:size]), lookups)
        yield from rows
        if len(rows) < size:
            return
        after = rows[-1][len(lookups) :]
        left = None if left is None else left - size


def _with_values(
    found: QuerySet[Any], keys: Sequence[tuple[Any, ...]], lookups: Sequence[str | Expression]
) -> list[tuple[Any, ...]]:
    """Return the values of some rows in this order, each followed by the values of the list's order."""
    named = found.model._default_manager.filter(pk__in=[key[0] for key in keys])  # noqa: SLF001 - as Django names it
    values = {row[0]: row[1:] for row in named.values_list("pk", *lookups)}
    return [(*values[key[0]], *key[1:]) for key in keys]


def as_csv(name: str, columns: Sequence[FileColumn[Row]], rows: Iterable[Row], zone: ZoneInfo) -> HttpResponse:
    """Return the rows as CSV. Numbers have a decimal point; times are in the site's time zone."""
    lines = chain([csv_heads(columns)], csv_lines(columns, rows, zone))
    response = StreamingHttpResponse(lines, content_type=CSV)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return cast(HttpResponse, response)


def csv_heads(columns: Sequence[FileColumn[Row]]) -> bytes:
    """Return the header of a CSV."""
    line: str = csv.writer(Echo()).writerow([str(column.head) for column in columns])
    return line.encode()


def csv_lines(columns: Sequence[FileColumn[Row]], rows: Iterable[Row], zone: ZoneInfo) -> Iterator[bytes]:
    """Yield the other lines, many at a time, because a response is slow in sending small pieces."""
    writer, values = csv.writer(Echo()), [column.value for column in columns]
    rows = iter(rows)
    while some := list(islice(rows, AT_ONCE)):
        yield "".join([writer.writerow([_text(value(row), zone) for value in values]) for row in some]).encode()


def require_workbook(found: QuerySet[Any]) -> None:
    """Refuse a workbook that would take too long to make."""
    if count_up_to(found, WORKBOOK_MOST) > WORKBOOK_MOST:
        raise InvalidValue(
            "The list has more than {most} rows, too many for a workbook. Export it as CSV, or filter it.",
            most=Count(WORKBOOK_MOST),
            field="export",
        )


def as_xlsx(name: str, columns: Sequence[FileColumn[Row]], rows: Iterable[Row], zone: ZoneInfo) -> HttpResponse:
    """Return the rows as a workbook with typed numbers and times, written row by row."""
    made = workbook_of(columns, rows, zone)
    sent = FileResponse(made, as_attachment=True, filename=f"{name}.xlsx", content_type=XLSX)
    return cast(HttpResponse, sent)


def workbook_of(columns: Sequence[FileColumn[Row]], rows: Iterable[Row], zone: ZoneInfo) -> IO[bytes]:
    """Yield a workbook in a temporary file, which is deleted when closed."""
    made = TemporaryFile()  # noqa: SIM115 - whoever takes it closes it
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
    return made


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
            # Never a formula, whatever the item is called.
            sheet.write_string(line, place, value)


def _text(value: Cell, zone: ZoneInfo) -> str:
    if isinstance(value, str):
        # A spreadsheet would run it as a formula.
        return f"'{value}" if value.startswith(FORMULA) or value.lstrip().startswith(FORMULA) else value
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return written(value)
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(" ", "seconds")[:19]
    return value.isoformat() if isinstance(value, date) else str(value)
