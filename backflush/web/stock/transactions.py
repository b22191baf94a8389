"""Stock transactions: every movement with source and target, filtered, paged and exported."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from django.db.models import BooleanField, ExpressionWrapper
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.core.input_values import whole_or_none
from backflush.core.moves import Process
from backflush.core.refusals import InvalidValue, Refusal
from backflush.delivery.pagination import COUNTED_MOST, UNCOUNTED, Page, page_of
from backflush.ledger.models import Movement
from backflush.ledger.movement_list import (
    STATUSES,
    Found,
    MovementFilter,
    filtered_movements,
    is_reversed,
    movements_named,
)
from backflush.people.selectors import people_at
from backflush.stockmap.selectors import action_names
from backflush.web.display import badges, formats
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.forms.values import day_in
from backflush.web.lists.export_jobs import Sent, send
from backflush.web.lists.files import FileColumn
from backflush.web.lists.filters import (
    Chip,
    FilterForm,
    chips_of,
    choice_of_any,
    first_moment,
    item_filter,
    moment_after,
    place_filter,
    same_list,
)
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest, Visit

ORDERED_BY: Final = ("at", "id")
COUNT_MAX: Final = 999
COUNT: Final = "count"
"""The query parameter that asks for a slow count; its value is the number of rows shown."""
SUGGESTED_MOST: Final = 200
"""The most suggestions of a field."""

FILTERS: Final[Sequence[tuple[str, str | Promise]]] = (
    ("item", lazy("item")),
    ("location", lazy("place")),
    ("order", lazy("order")),
    ("status", lazy("status")),
    ("process", lazy("process")),
    ("action", lazy("action")),
    ("person", lazy("by")),
    ("since", lazy("from")),
    ("until", lazy("to")),
)


@dataclass(frozen=True)
class Transactions:
    """The requested list."""

    visit: Visit
    query: QueryDict

    @cached_property
    def filters(self) -> MovementFilter:
        """The filter. Dates are in the site's time zone; the last day is included."""
        words = {name: self.query.get(name, "").strip() for name, _word in FILTERS if name not in {"since", "until"}}
        for name, known in (("status", STATUSES), ("process", Process)):
            if words[name] and words[name] not in set(known):
                raise InvalidValue("Choose from the list.", field=name)
        return MovementFilter(
            **words,
            since=first_moment(day_in(self.query, "since"), self.visit.zone),
            until=moment_after(day_in(self.query, "until"), self.visit.zone),
        )

    @cached_property
    def found(self) -> Found:
        """The matching movements."""
        return filtered_movements(self.visit.site, self.filters)

    @cached_property
    def page(self) -> Page[Movement]:
        """The rows of this page."""
        found, named = self.found, movements_named()
        total = UNCOUNTED if found.slow and COUNT not in self.query else found.total
        return page_of(found.movements, self.query, by=ORDERED_BY, descending=True, total=total, named=named)

    @property
    def shown(self) -> int:
        """The number of rows of the page that asks for the count."""
        return whole_or_none(self.query.get(COUNT, ""), most=COUNT_MAX) or 0

    def chips(self) -> list[Chip]:
        """The active filters."""
        shown: dict[str, str] = {}
        if (status := self.query.get("status", "")) in badges.MOVEMENT:
            shown["status"] = str(badges.MOVEMENT[status].word)
        if (process := self.query.get("process", "")) in badges.PROCESS:
            shown["process"] = str(badges.PROCESS[process])
        for name in ("since", "until"):
            if (day := day_in(self.query, name)) is not None:
                shown[name] = formats.day(day)
        return chips_of(self.query, FILTERS, shown)


@page()
def transactions_page(request: PageRequest) -> HttpResponse:
    """List movements, newest first."""
    listed = Transactions(request.visit, request.GET)
    if request.htmx and request.htmx.target == COUNT:
        number = formats.counted(listed.found.total, COUNTED_MOST)
        return HttpResponse(_("%(shown)s of %(number)s") % {"shown": listed.shown, "number": number})
    try:
        shown: dict[str, Any] = {"page": listed.page, "chips": listed.chips()}
    except Refusal as refusal:
        shown = {"refusal": refusal}
    return _answer(request, shown)


def _answer(request: PageRequest, shown: dict[str, Any]) -> HttpResponse:
    site = request.visit.site
    fields = [
        item_filter(),
        place_filter(),
        Field("order", _("Order"), FieldKind.CODE, codes="works-orders"),
        choice_of_any("status", _("Status"), [(status, badge.word) for status, badge in badges.MOVEMENT.items()]),
        choice_of_any("process", _("Process"), list(badges.PROCESS.items())),
        choice_of_any("action", _("Action"), [(name, name) for name in action_names(site)]),
        Field(
            "person",
            _("Person, by log-in name"),
            suggestions=[person.username for person in people_at(site, most=SUGGESTED_MOST)],
        ),
        Field("since", _("From day"), FieldKind.DATE),
        Field("until", _("To day, included"), FieldKind.DATE),
    ]
    filters = FilterForm(
        "stock",
        Form(fields, request.GET, shown.get("refusal")),
        folded=("status", "process", "action", "person", "since", "until"),
        folded_label=_("More filters: status, process, action, person, dates"),
    )
    context = {"filters": filters, "whole": same_list(request.GET)}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if "refusal" in shown else HTTPStatus.OK
    return render(request, "web/stock/transactions.html", context | shown, status=status)


class TransactionRow(NamedTuple):
    """A movement of an export: the values of `LOOKUPS`, in their order."""

    number: int
    at: datetime
    item: str
    description: str
    batch: str
    serial: str
    source: str
    source_bin: str
    target: str
    target_bin: str
    moved: Decimal
    due: Decimal | None
    unit: str
    source_after: Decimal | None
    target_after: Decimal | None
    status: str
    reversed: bool
    order: str | None
    process: str
    first_name: str
    last_name: str
    username: str


LOOKUPS: Final = (
    "pk",
    "at",
    "item__code",
    "item__description",
    "batch",
    "serial",
    "source__path",
    "source_bin",
    "target__path",
    "target_bin",
    "quantity",
    "due",
    "item__stock_unit__code",
    "source_after",
    "target_after",
    "status",
    ExpressionWrapper(is_reversed(), output_field=BooleanField()),
    "cost_object__number",
    "posting__process",
    "posting__by__first_name",
    "posting__by__last_name",
    "posting__by__username",
)


def _where(end: str, bin: str) -> str:
    return f"{end} {bin}" if bin else end


COLUMNS: Final[Sequence[FileColumn[TransactionRow]]] = (
    FileColumn(lazy("Movement"), lambda row: row.number),
    FileColumn(lazy("When"), lambda row: row.at),
    FileColumn(lazy("Item"), lambda row: row.item),
    FileColumn(lazy("Description"), lambda row: row.description),
    FileColumn(lazy("Batch"), lambda row: row.batch),
    FileColumn(lazy("Serial"), lambda row: row.serial),
    FileColumn(lazy("From"), lambda row: _where(row.source, row.source_bin)),
    FileColumn(lazy("To"), lambda row: _where(row.target, row.target_bin)),
    FileColumn(lazy("Moved"), lambda row: row.moved),
    FileColumn(lazy("Due"), lambda row: row.due),
    FileColumn(lazy("Unit"), lambda row: row.unit),
    FileColumn(lazy("Left at from"), lambda row: row.source_after),
    FileColumn(lazy("Then at to"), lambda row: row.target_after),
    FileColumn(
        lazy("Status"), lambda row: str((badges.REVERSED if row.reversed else badges.MOVEMENT[row.status]).word)
    ),
    FileColumn(lazy("For"), lambda row: row.order or ""),
    FileColumn(lazy("Process"), lambda row: str(badges.PROCESS[row.process])),
    FileColumn(lazy("By"), lambda row: f"{row.first_name} {row.last_name}".strip() or row.username),
)


def transactions_sent(visit: Visit, query: QueryDict) -> Sent[TransactionRow]:
    """Return the list for an export, with the page's filters, order and columns."""
    return Sent(
        name=f"stock-transactions-{visit.today:%Y-%m-%d}",
        title=_("Stock transactions"),
        columns=COLUMNS,
        found=Transactions(visit, query).found.movements,
        lookups=LOOKUPS,
        line=TransactionRow._make,
        by=ORDERED_BY,
        descending=True,
    )


@page()
def export_transactions(request: PageRequest, kind: str) -> HttpResponse:
    """Export the list as a file."""
    try:
        return send("transactions", request, kind)
    except InvalidValue as refusal:
        listed = Transactions(request.visit, request.GET)
        return _answer(request, {"refusal": refusal, "page": listed.page, "chips": listed.chips()})


urlpatterns = [
    path("stock/", transactions_page, name="stock"),
    path("stock/export.<slug:kind>", export_transactions, name="stock-export"),
]
