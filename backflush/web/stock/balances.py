"""Balances, now or as at a date; and the bin card of one item at one place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

from django.db.models import F, QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from backflush.core.refusals import DateInFuture, InvalidValue, Refusal
from backflush.delivery.pagination import Page, page_of
from backflush.items.models import Item
from backflush.items.selectors import item_coded
from backflush.ledger.bin_card import CardLine, card_lines, card_movements
from backflush.ledger.history import BalanceAt, balances_at
from backflush.ledger.models import Balance, Movement
from backflush.ledger.movement_list import movements_named
from backflush.ledger.selectors import balances, items_kept
from backflush.stockmap.models import Location
from backflush.stockmap.selectors import location_at
from backflush.web.display import badges, formats
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.forms.values import day_in
from backflush.web.lists.files import AT_ONCE, FileColumn, as_csv, as_xlsx, require_workbook, rows_of
from backflush.web.lists.filters import (
    Chip,
    FilterForm,
    chips_of,
    item_filter,
    moment_after,
    place_filter,
    same_list,
)
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest, Visit

STOCK_KEY: Final = ("code", "path", "bin", "batch", "serial")
CARD: Final = ("at", "id")
FILTERS: Final[Sequence[tuple[str, str | Promise]]] = (
    ("item", lazy("item")),
    ("location", lazy("place")),
    ("on", lazy("at the end of")),
)


@dataclass(frozen=True)
class Balances:
    """The requested list: current balances, or balances at the end of a day, some items per page."""

    visit: Visit
    query: QueryDict

    @property
    def item(self) -> str:
        return self.query.get("item", "").strip()

    @property
    def location(self) -> str:
        return self.query.get("location", "").strip()

    @cached_property
    def day(self) -> date | None:
        """The as-of date (end of day). Must not be in the future."""
        day = day_in(self.query, "on")
        if day is not None and day > self.visit.today:
            raise DateInFuture("{day} is in the future. Choose today or an earlier day.", day=day, field="on")
        return day

    @property
    def moment(self) -> datetime:
        """The last moment of that day."""
        over = moment_after(self.day, self.visit.zone)
        assert over is not None, "only asked where there is a day"
        return over - timedelta(microseconds=1)

    @property
    def stock_keys(self) -> QuerySet[Balance]:
        """The current balances."""
        there = balances(self.visit.site, item=self.item, location=self.location)
        return there.annotate(code=F("item__code"), path=F("location__path"))

    @property
    def items(self) -> QuerySet[Item]:
        """The items that were ever in stock."""
        return items_kept(self.visit.site, item=self.item, location=self.location)

    @cached_property
    def page(self) -> Page[Any]:
        """The balances of this page, or the items whose balances are on it."""
        if self.day is None:
            return page_of(self.stock_keys, self.query, by=STOCK_KEY)
        return page_of(self.items, self.query, by=("code",))

    def then(self, items: Iterable[Item]) -> list[BalanceAt]:
        """Return the balances of some items at the end of the day."""
        some = [item.pk for item in items]
        return balances_at(self.visit.site, self.moment, location=self.location, items=some)

    @property
    def rows(self) -> list["StockKeyRow"]:
        """Return the rows of this page."""
        if self.day is None:
            return [now_row(balance) for balance in self.page.rows]
        return [then_row(one) for one in self.then(self.page.rows)]

    def whole(self) -> Iterable["StockKeyRow"]:
        """Yield the rows of all pages."""
        if self.day is None:
            yield from map(now_row, rows_of(self.stock_keys, by=STOCK_KEY))
            return
        some: list[Item] = []
        for item in rows_of(self.items, by=("code",)):
            some.append(item)
            if len(some) == AT_ONCE:
                yield from map(then_row, self.then(some))
                some = []
        yield from map(then_row, self.then(some))

    def chips(self) -> list[Chip]:
        """The active filters."""
        return chips_of(self.query, FILTERS, {"on": formats.day(self.day)} if self.day else {})


@dataclass(frozen=True, slots=True)
class StockKeyRow:
    """One balance of the list."""

    item: str
    description: str
    unit: str
    decimals: int
    location: str
    bin: str
    batch: str
    serial: str
    quantity: Decimal


def now_row(balance: Balance) -> StockKeyRow:
    """Return a row for a current balance."""
    item = balance.item
    return StockKeyRow(
        item.code,
        item.description,
        item.stock_unit.code,
        item.quantity_decimals,
        balance.location.path,
        balance.bin,
        balance.batch,
        balance.serial,
        balance.quantity,
    )


def then_row(one: BalanceAt) -> StockKeyRow:
    """Return a row for a past balance."""
    return StockKeyRow(
        one.item, one.description, one.unit, one.decimals, one.location, one.bin, one.batch, one.serial, one.quantity
    )


@page()
def balances_page(request: PageRequest) -> HttpResponse:
    """Show balances."""
    listed = Balances(request.visit, request.GET)
    try:
        shown: dict[str, Any] = {
            "page": listed.page,
            "rows": listed.rows,
            "chips": listed.chips(),
            "day": listed.day,
            "last": listed.day is not None and listed.moment,
        }
    except Refusal as refusal:
        shown = {"refusal": refusal}
    return _balances(request, shown)


def _balances(request: PageRequest, shown: dict[str, Any]) -> HttpResponse:
    on = Field("on", _("As at the end of"), FieldKind.DATE)
    return _answer(request, "balances", [item_filter(), place_filter(), on], "web/stock/balances.html", shown)


def _answer(
    request: PageRequest, action: str, fields: Sequence[Field], template: str, shown: dict[str, Any]
) -> HttpResponse:
    refusal = shown.get("refusal")
    filters = FilterForm(action, Form(fields, request.GET, refusal))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refusal else HTTPStatus.OK
    context = {"filters": filters, "query": request.GET, "whole": same_list(request.GET)}
    return render(request, template, context | shown, status=status)


@page()
def export_balances(request: PageRequest, kind: str) -> HttpResponse:
    """Export the list as a file."""
    listed = Balances(request.visit, request.GET)
    name = f"balances-{listed.day or request.visit.today:%Y-%m-%d}"
    if kind == "csv":
        return as_csv(name, BALANCE_COLUMNS, listed.whole(), request.visit.zone)
    if kind != "xlsx":
        raise Http404
    try:
        require_workbook(listed.stock_keys)
    except Refusal as refusal:
        return _balances(request, {"refusal": refusal})
    return as_xlsx(name, BALANCE_COLUMNS, listed.whole(), request.visit.zone)


BALANCE_COLUMNS: Final[Sequence[FileColumn[StockKeyRow]]] = (
    FileColumn(lazy("Item"), lambda row: row.item),
    FileColumn(lazy("Description"), lambda row: row.description),
    FileColumn(lazy("Place"), lambda row: row.location),
    FileColumn(lazy("Bin"), lambda row: row.bin),
    FileColumn(lazy("Batch"), lambda row: row.batch),
    FileColumn(lazy("Serial"), lambda row: row.serial),
    FileColumn(lazy("There"), lambda row: row.quantity),
    FileColumn(lazy("Unit"), lambda row: row.unit),
)


# Bin card


@dataclass(frozen=True)
class Card:
    """The requested bin card."""

    item: Item
    location: Location
    movements: QuerySet[Movement]


def _card(request: PageRequest) -> Card:
    """Return the item and the place of the bin card."""
    item = item_coded(request.GET.get("item", "").strip())
    location = location_at(request.visit.site, request.GET.get("location", "").strip())
    if not location.has_balance:
        raise InvalidValue(
            "{location} keeps no balances, so it has no bin card. Choose another location.",
            location=location.path,
            field="location",
        )
    return Card(item, location, card_movements(request.visit.site, item, location))


@page()
def bin_card_page(request: PageRequest) -> HttpResponse:
    """Show the movements of one item at one place, with the running balance."""
    shown: dict[str, Any] = {}
    if request.GET.get("item") or request.GET.get("location"):
        try:
            card = _card(request)
            listed = page_of(card.movements, request.GET, by=CARD, descending=True, named=movements_named())
            lines = card_lines(request.visit.site, card.item, card.location, listed.rows)
            shown = {"card": card, "page": listed, "lines": lines}
        except Refusal as refusal:
            shown = {"refusal": refusal}
    return _bin_card(request, shown)


def _bin_card(request: PageRequest, shown: dict[str, Any]) -> HttpResponse:
    fields = [item_filter(), place_filter(stores=False)]
    return _answer(request, "bin-card", fields, "web/stock/bin_card.html", shown)


@page()
def export_bin_card(request: PageRequest, kind: str) -> HttpResponse:
    """Export the bin card as a file."""
    card = _card(request)
    name = f"bin-card-{request.visit.today:%Y-%m-%d}"
    rows = _lines(request, card)
    if kind == "csv":
        return as_csv(name, CARD_COLUMNS, rows, request.visit.zone)
    if kind != "xlsx":
        raise Http404
    try:
        require_workbook(card.movements)
    except Refusal as refusal:
        return _bin_card(request, {"refusal": refusal})
    return as_xlsx(name, CARD_COLUMNS, rows, request.visit.zone)


def _lines(request: PageRequest, card: Card) -> Iterable[CardLine]:
    """Yield all lines of a bin card, in chunks."""
    query: dict[str, str] = {}
    while True:
        some = page_of(card.movements, query, by=CARD, descending=True, size=AT_ONCE, total=0, named=movements_named())
        yield from card_lines(request.visit.site, card.item, card.location, some.rows)
        if not some.following:
            return
        query = {"after": some.following}


CARD_COLUMNS: Final[Sequence[FileColumn[CardLine]]] = (
    FileColumn(lazy("Movement"), lambda line: line.movement.pk),
    FileColumn(lazy("When"), lambda line: line.movement.at),
    FileColumn(lazy("From"), lambda line: f"{line.movement.source.path} {line.movement.source_bin}".strip()),
    FileColumn(lazy("To"), lambda line: f"{line.movement.target.path} {line.movement.target_bin}".strip()),
    FileColumn(lazy("Batch"), lambda line: line.movement.batch),
    FileColumn(lazy("Serial"), lambda line: line.movement.serial),
    FileColumn(lazy("In"), lambda line: line.came),
    FileColumn(lazy("Out"), lambda line: line.went),
    FileColumn(lazy("Then there"), lambda line: line.after),
    FileColumn(lazy("Unit"), lambda line: line.movement.item.stock_unit.code),
    FileColumn(lazy("For"), lambda line: line.movement.cost_object.number if line.movement.cost_object else ""),
    FileColumn(lazy("Process"), lambda line: str(badges.PROCESS[line.movement.posting.process])),
    FileColumn(lazy("By"), lambda line: line.movement.posting.by.name),
)

urlpatterns = [
    path("stock/balances/", balances_page, name="balances"),
    path("stock/balances/export.<slug:kind>", export_balances, name="balances-export"),
    path("stock/bin-card/", bin_card_page, name="bin-card"),
    path("stock/bin-card/export.<slug:kind>", export_bin_card, name="bin-card-export"),
]
