"""Stock transactions: what moved? Every movement as its from/to pair, searched, paged and exported."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backflush.core.moves import Process, Status
from backflush.core.refusals import InvalidValue, Refusal
from backflush.ledger.listing import Found, Sought, movements_sought
from backflush.ledger.models import Movement
from backflush.people.selectors import people_at
from backflush.stockmap.selectors import action_names, place_names
from backflush.web import showing, signs
from backflush.web.exporting import Column, as_csv, as_xlsx, require_workbook, rows_of
from backflush.web.pages import page
from backflush.web.paging import Page, page_of
from backflush.web.sieve import Chip, chips_of, day_in, first_moment, moment_after, same_list
from backflush.web.visits import PageRequest, Visit

ORDERED_BY: Final = ("at", "id")
SUGGESTED_MOST: Final = 200
"""So many names a field suggests."""

FILTERS: Final[Sequence[tuple[str, str | Promise]]] = (
    ("item", _("item")),
    ("location", _("place")),
    ("order", _("order")),
    ("status", _("status")),
    ("process", _("process")),
    ("action", _("action")),
    ("person", _("by")),
    ("since", _("from")),
    ("until", _("to")),
)


@dataclass(frozen=True)
class Transactions:
    """The list as it was asked for."""

    visit: Visit
    asked: QueryDict

    @cached_property
    def sought(self) -> Sought:
        """What is looked for. Days are the site's, the last one included."""
        words = {name: self.asked.get(name, "").strip() for name, _word in FILTERS if name not in {"since", "until"}}
        for name, known in (("status", Status), ("process", Process)):
            if words[name] and words[name] not in set(known):
                raise InvalidValue(_now("Choose from the list."), field=name)
        return Sought(
            **words,
            since=first_moment(day_in(self.asked, "since"), self.visit.zone),
            until=moment_after(day_in(self.asked, "until"), self.visit.zone),
        )

    @cached_property
    def found(self) -> Found:
        """What matches."""
        return movements_sought(self.visit.site, self.sought)

    @cached_property
    def page(self) -> Page[Movement]:
        """The rows of this page."""
        return page_of(self.found.movements, self.asked, by=ORDERED_BY, descending=True, total=self.found.total)

    def chips(self) -> list[Chip]:
        """The filters that hold."""
        shown: dict[str, str] = {}
        if (status := self.asked.get("status", "")) in signs.MOVEMENT:
            shown["status"] = str(signs.MOVEMENT[status].word)
        if (process := self.asked.get("process", "")) in signs.PROCESS:
            shown["process"] = str(signs.PROCESS[process])
        for name in ("since", "until"):
            if (day := day_in(self.asked, name)) is not None:
                shown[name] = showing.day(day)
        return chips_of(self.asked, FILTERS, shown)


@page()
def transactions_page(request: PageRequest) -> HttpResponse:
    """What moved, newest first."""
    listed = Transactions(request.visit, request.GET)
    try:
        shown: dict[str, Any] = {"page": listed.page, "chips": listed.chips()}
    except Refusal as refusal:
        shown = {"refusal": refusal}
    return _answer(request, shown)


def _answer(request: PageRequest, shown: dict[str, Any]) -> HttpResponse:
    site = request.visit.site
    fields = {
        "typed": request.GET,
        "statuses": [(status.value, signs.MOVEMENT[status].word) for status in Status],
        "processes": signs.PROCESS.items(),
        "places": place_names(site, most=SUGGESTED_MOST),
        "actions": action_names(site),
        "people": people_at(site, most=SUGGESTED_MOST),
        "whole": same_list(request.GET),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if "refusal" in shown else HTTPStatus.OK
    return render(request, "web/stock/transactions.html", fields | shown, status=status)


@page()
def export_transactions(request: PageRequest, kind: str) -> HttpResponse:
    """The whole list as a file: the same filters, order and columns."""
    listed = Transactions(request.visit, request.GET)
    found = listed.found.movements
    name = f"stock-transactions-{request.visit.today:%Y-%m-%d}"
    rows: Iterator[Movement] = rows_of(found, by=ORDERED_BY, descending=True)
    if kind == "csv":
        return as_csv(name, COLUMNS, rows, request.visit.zone)
    if kind != "xlsx":
        raise Http404
    try:
        require_workbook(found)
    except Refusal as refusal:
        return _answer(request, {"refusal": refusal, "page": listed.page, "chips": listed.chips()})
    return as_xlsx(name, COLUMNS, rows, request.visit.zone)


def _where(end: str, bin: str) -> str:
    return f"{end} {bin}".strip()


COLUMNS: Final[Sequence[Column[Movement]]] = (
    Column(_("Movement"), lambda row: row.pk),
    Column(_("When"), lambda row: row.at),
    Column(_("Item"), lambda row: row.item.code),
    Column(_("Description"), lambda row: row.item.description),
    Column(_("Batch"), lambda row: row.batch),
    Column(_("Serial"), lambda row: row.serial),
    Column(_("From"), lambda row: _where(row.source.path, row.source_bin)),
    Column(_("To"), lambda row: _where(row.target.path, row.target_bin)),
    Column(_("Moved"), lambda row: row.quantity),
    Column(_("Due"), lambda row: row.due),
    Column(_("Unit"), lambda row: row.item.stock_unit.code),
    Column(_("Left at from"), lambda row: row.source_after),
    Column(_("Then at to"), lambda row: row.target_after),
    Column(_("Status"), lambda row: str(signs.MOVEMENT[row.status].word)),
    Column(_("For"), lambda row: row.job.number if row.job else ""),
    Column(_("Process"), lambda row: str(signs.PROCESS[row.posting.process])),
    Column(_("By"), lambda row: row.posting.by.name),
)

urlpatterns = [
    path("stock/", transactions_page, name="stock"),
    path("stock/export.<slug:kind>", export_transactions, name="stock-export"),
]
