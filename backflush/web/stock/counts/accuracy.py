"""How accurate the book is: each figure with its definition, by class, place, counter and month; and its export."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.dashboard.count_accuracy import Accuracy, CountAccuracy, count_accuracy
from backflush.web.items.views import sees_costs
from backflush.web.lists.files import FileColumn, as_csv, as_xlsx
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest


@dataclass(frozen=True, slots=True)
class AccuracyRow:
    """A row of the export: the division, its name and its figures."""

    division: str
    figures: Accuracy


COLUMNS: Final[Sequence[FileColumn[AccuracyRow]]] = (
    FileColumn(lazy("By"), lambda row: row.division),
    FileColumn(lazy("Name"), lambda row: row.figures.name),
    FileColumn(lazy("Counts"), lambda row: row.figures.counts),
    FileColumn(lazy("Within tolerance"), lambda row: row.figures.within),
)
COST_COLUMNS: Final[Sequence[FileColumn[AccuracyRow]]] = (
    FileColumn(lazy("Value of all differences"), lambda row: Decimal(row.figures.absolute)),
    FileColumn(lazy("Net loss"), lambda row: Decimal(row.figures.net_loss)),
)


def _divisions(found: CountAccuracy) -> list[tuple[str, str | Promise, Sequence[Accuracy]]]:
    return [
        ("months", _("By month"), found.by_month),
        ("classes", _("By ABC class"), found.by_class),
        ("places", _("By place"), found.by_place),
        ("counters", _("By counter"), found.by_counter),
    ]


@page()
def accuracy_page(request: PageRequest) -> HttpResponse:
    """Show how accurate the book was by the counts of the last year."""
    answer = count_accuracy(request.visit.site)
    context: dict[str, Any] = {
        "found": answer.answer,
        "as_at": answer.as_at,
        "divisions": _divisions(answer.answer),
        "costs": sees_costs(request.visit),
    }
    return render(request, "web/stock/counts/accuracy.html", context)


def _rows(found: CountAccuracy) -> Iterator[AccuracyRow]:
    yield AccuracyRow(_("All"), found.total)
    for _name, title, division in _divisions(found):
        for figures in division:
            yield AccuracyRow(str(title), figures)


@page()
def export_accuracy(request: PageRequest, kind: str) -> HttpResponse:
    """Export the figures as a file; values only for people who may see costs."""
    if kind not in {"csv", "xlsx"}:
        raise Http404
    visit = request.visit
    columns = [*COLUMNS, *(COST_COLUMNS if sees_costs(visit) else ())]
    make = as_csv if kind == "csv" else as_xlsx
    return make(f"count-accuracy-{visit.today:%Y-%m-%d}", columns, _rows(count_accuracy(visit.site).answer), visit.zone)


urlpatterns = [
    path("stock/counts/accuracy/", accuracy_page, name="count-accuracy"),
    path("stock/counts/accuracy.<slug:kind>", export_accuracy, name="count-accuracy-export"),
]
