"""The plant's tables as files in the columns of the import: one at a time from its list, or several in one workbook."""

import csv
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from tempfile import TemporaryFile
from typing import Final, cast

from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import path

from backflush.core.refusals import InvalidValue, Refusal
from backflush.core.sentences import Count
from backflush.delivery.refusals import status_of
from backflush.imports.columns import TABLES
from backflush.imports.exports import EXPORTS, csv_of, rows_of, write_workbook
from backflush.items.services import COST_ELEMENTS
from backflush.people.rights import Verb
from backflush.web.items.views import sees_costs
from backflush.web.lists.files import CSV, WORKBOOK_MOST, XLSX, Echo
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest, Visit
from backflush.web.purchasing.subcontractors import WHO_SEES
from backflush.web.setup.resource import SETTING_UP

AT_ONCE: Final = 2_000
SEEN_BY: Final[Mapping[str, Collection[Verb]]] = {
    **dict.fromkeys(EXPORTS, SETTING_UP),
    **dict.fromkeys(("items", "structures", "opening_stock", "purchase_orders", "works_orders"), (Verb.SEE_WORK,)),
    "suppliers": (*SETTING_UP, *WHO_SEES),
}
"""The rights of which one is needed for a table: those of its list."""


def tables_seen(visit: Visit) -> list[str]:
    """Return the tables that a user may export."""
    return [table for table in EXPORTS if any(map(visit.may, SEEN_BY[table]))]


@page()
def export_page(request: PageRequest) -> HttpResponse:
    """List the tables that can be exported, each with what it holds."""
    return _exports(request, None)


def _exports(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    tables = [(TABLES[name], TABLES[name].means) for name in tables_seen(request.visit)]
    context = {"tables": tables, "refusal": refusal}
    return render(request, "web/exchange/export.html", context, status=status_of(refusal) if refusal else 200)


@page()
def export_table(request: PageRequest, table: str, kind: str) -> HttpResponse:
    """Send one table of the site as a file."""
    if table not in EXPORTS or kind not in ("csv", "xlsx"):
        raise Http404
    request.visit.require(*SEEN_BY[table])
    return _csv(request.visit, table) if kind == "csv" else _workbook(request, [table], table)


@page()
def export_workbook(request: PageRequest) -> HttpResponse:
    """Send a workbook with the tables that were chosen, or with all."""
    seen = tables_seen(request.visit)
    chosen = [table for table in seen if table in request.GET.getlist("table")]
    return _workbook(request, chosen or seen, "plant")


def _without(visit: Visit) -> Collection[str]:
    """Return the columns that a user may not see; an import of the file leaves them as they are."""
    return () if sees_costs(visit) else COST_ELEMENTS


def _csv(visit: Visit, table: str) -> HttpResponse:
    response = StreamingHttpResponse(_csv_lines(visit, table), content_type=CSV)
    response.headers["Content-Disposition"] = f'attachment; filename="{table}.csv"'
    return cast(HttpResponse, response)


def _csv_lines(visit: Visit, table: str) -> Iterator[bytes]:
    writer, rows = csv.writer(Echo()), csv_of(table, site=visit.site.code, without=_without(visit))
    yield b"\xef\xbb\xbf"
    while some := list(islice(rows, AT_ONCE)):
        yield "".join([writer.writerow(row) for row in some]).encode()


def _workbook(request: PageRequest, tables: Collection[str], name: str) -> HttpResponse:
    site, without = request.visit.site.code, _without(request.visit)
    for table in tables:
        if next(islice(rows_of(table, site=site), WORKBOOK_MOST + 1, None), None) is not None:
            refusal = InvalidValue(
                "{table} has more than {most} rows, too many for a workbook. Export it as CSV.",
                table=table,
                most=Count(WORKBOOK_MOST),
                field="export",
            )
            return _exports(request, refusal)
    made = TemporaryFile()  # noqa: SIM115 - the response closes it
    write_workbook(made, [*tables], site=site, without=without)
    made.seek(0)
    sent = FileResponse(made, as_attachment=True, filename=f"{name}.xlsx", content_type=XLSX)
    return cast(HttpResponse, sent)


urlpatterns = [
    path("export/", export_page, name="export"),
    path("export/plant.xlsx", export_workbook, name="export-workbook"),
    path("export/<slug:table>.<slug:kind>", export_table, name="table-export"),
]
