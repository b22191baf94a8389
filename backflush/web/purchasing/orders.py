"""Purchase orders: the list, a new order with its lines, and an order with its receipts."""

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from backflush.core.lifecycle import PurchaseStatus, refuse_closing, refuse_receipt
from backflush.core.quantity import ZERO
from backflush.core.refusals import InvalidValue, Refusal
from backflush.delivery.pagination import page_of
from backflush.items.selectors import find_items, find_units, item_coded, no_items, no_units
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import offered
from backflush.stockmap.models import Action, ActionType
from backflush.subcontract.models import PurchaseOrder
from backflush.subcontract.selectors import (
    purchase_lines,
    purchase_order_numbered,
    purchase_orders_in_turn,
    receipts,
)
from backflush.subcontract.services import PurchaseLineIn, PurchaseOrderIn, close_order, place_order
from backflush.web.display import badges
from backflush.web.forms.edit_table import (
    EditTable,
    RowFaults,
    TableRow,
    changes_rows,
    entered_rows,
    line_numbers,
    read_rows,
)
from backflush.web.forms.fields import Field, FieldKind, Form
from backflush.web.forms.values import day_in, number_in, text_in
from backflush.web.lists.filters import FilterForm, item_filter
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.web.purchasing.receipts import booked_of
from backflush.web.stock.reversal import banner

BEGUN_BY: Final = ("item", "quantity")
"""A row in which none of these is filled in isn't a line."""


@page()
def purchase_orders_page(request: PageRequest) -> HttpResponse:
    """List all purchase orders, open ones first. A complete order number opens its order at once."""
    status, number = request.GET.get("status", ""), text_in(request.GET, "number", empty=True)
    supplier, item = text_in(request.GET, "supplier", empty=True), text_in(request.GET, "item", empty=True)
    if status and status not in set(PurchaseStatus):
        raise InvalidValue(
            "There is no status '{status}'. Choose one of: {statuses}.",
            status=status,
            statuses=list(PurchaseStatus),
            field="status",
        )
    site = request.visit.site
    if number and not status and PurchaseOrder.objects.filter(site=site, number=number).exists():
        return redirect("purchase-order", number)
    if item:
        item = item_coded(item).code
    found = purchase_orders_in_turn(site, status=status, number=number, supplier=supplier, item=item)
    fields = [
        Field("number", _("Number begins with")),
        Field("supplier", _("Supplier"), FieldKind.CODE, codes="suppliers"),
        item_filter(),
    ]
    kept = {"status": status} if status else {}
    context = {
        "page": page_of(found, request.GET, by=("turn", "number"), descending=True),
        "status": status,
        "filters": FilterForm("purchase-orders", Form(fields, request.GET), kept=kept),
        "statuses": badges.PURCHASE_ORDER,
        "may_buy": request.visit.may(Verb.PURCHASE),
    }
    return render(request, "web/purchasing/order_list.html", context)


@page(Verb.PURCHASE)
def new_page(request: PageRequest) -> HttpResponse:
    """Show the form of a new purchase order."""
    return _new_form(request, None)


def _new_form(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    new = {"supplier": request.GET.get("supplier", ""), "placed_on": request.visit.today.isoformat()}
    rows = read_rows(request.POST, _columns())
    items = find_items({row.value("item") for row in rows})
    for row in rows:
        if item := items.get(row.value("item")):
            row.notes, row.placeholders = {"item": item.description}, {"unit": item.stock_unit.code}
    table = EditTable(
        _columns(),
        rows,
        label=_("Lines, table"),
        hint=_("An empty unit is the item's stock unit. Rows without an item are left out."),
    )
    form = Form(_fields(), request.POST or new, refusal, table=table)
    return render(request, "web/purchasing/new_order.html", {"form": form})


def _fields() -> list[Field]:
    actions = offered(Action.objects.filter(type=ActionType.RECEIVE).order_by("name"))
    choices = [("", _("the site's")), *((action.name, action.name) for action in actions)]
    return [
        Field("number", _("Number"), required=True, length_max=50),
        Field("placed_on", _("Placed on"), FieldKind.DATE, required=True),
        Field("supplier", _("Supplier"), FieldKind.CODE, codes="suppliers", required=True),
        Field("receive_action", _("Receive action"), FieldKind.CHOICE, choices=choices),
    ]


def _columns() -> list[Field]:
    return [
        Field("number", _("Line"), FieldKind.WHOLE, also=("line",)),
        Field("item", _("Item"), FieldKind.CODE, codes="items"),
        Field("quantity", _("Quantity"), FieldKind.QUANTITY),
        Field("unit", _("Unit"), FieldKind.CODE, codes="units"),
        Field("due_date", _("Due"), FieldKind.DATE),
    ]


def _lines_in(rows: Sequence[TableRow]) -> list[PurchaseLineIn]:
    """Read the rows as lines; missing line numbers are filled in. Everything wrong is refused together."""
    entered, faults, lines = entered_rows(rows, BEGUN_BY), RowFaults(), []
    items = find_items({row.value("item") for row in entered})
    units = find_units({row.value("unit") for row in entered})
    for row, number in zip(entered, line_numbers(entered, faults), strict=True):
        code, unit = row.value("item"), row.value("unit")
        due_date = None
        with faults.at(row, "item"):
            if code not in items:
                raise no_items([code]) if code else InvalidValue("Enter the item.")
        with faults.at(row, "unit"):
            if unit and unit not in units:
                raise no_units([unit])
        with faults.at(row, "due_date"):
            due_date = day_in(row.values, "due_date")
        with faults.at(row, "quantity"):
            quantity = number_in(row.values, "quantity", unit=unit, empty=None)
            if not faults.has(row):
                lines.append(
                    PurchaseLineIn(
                        item=items[code].code,
                        quantity=quantity,
                        unit=units[unit].code if unit else "",
                        number=number,
                        due_date=due_date,
                    )
                )
    faults.require_none()
    return lines


@posts(Verb.PURCHASE, again=_new_form)
def create(request: PageRequest) -> HttpResponse:
    """Place the order; or only add, remove or restore a row."""
    form_data = request.POST
    if changes_rows(form_data):
        return _new_form(request, None)
    order = PurchaseOrderIn(
        number=text_in(form_data, "number", most=50),
        supplier=text_in(form_data, "supplier"),
        lines=_lines_in(read_rows(form_data, _columns())),
        placed_on=day_in(form_data, "placed_on") or request.visit.today,
        receive_action=form_data.get("receive_action", ""),
    )
    return redirect("purchase-order", place_order(order, site=request.visit.site, by=request.user).number)


@page()
def purchase_order_page(request: PageRequest, number: str) -> HttpResponse:
    """Show the lines with the accepted and rejected quantities, and the receipts."""
    return _order(request, None, number)


def _order(request: PageRequest, refusal: Refusal | None, number: str) -> HttpResponse:
    order = purchase_order_numbered(request.visit.site, number)
    shown = page_of(receipts(order), request.GET, by=("posting_id",), descending=True)
    lines = [(line, max(ZERO, line.quantity - line.cost_object.good)) for line in purchase_lines(order)]
    status = PurchaseStatus(order.status)
    context: dict[str, Any] = {
        "order": order,
        "lines": lines,
        "page": shown,
        "form": Form(refusal=refusal),
        "may_receive": request.visit.may(Verb.RECEIVE) and refuse_receipt(number, status) is None,
        "may_close": request.visit.may(Verb.PURCHASE) and refuse_closing(number, status) is None,
        "outstanding": sum(1 for _line, left in lines if left),
    }
    return render(request, "web/purchasing/order.html", context | booked_of(request, shown.rows) | banner(request))


@page(Verb.PURCHASE)
def close_page(request: PageRequest, number: str) -> HttpResponse:
    """Show what is still to come, and ask whether to close the order."""
    order = purchase_order_numbered(request.visit.site, number)
    lines = [(line, max(ZERO, line.quantity - line.cost_object.good)) for line in purchase_lines(order)]
    context = {
        "order": order,
        "lines": lines,
        "form": Form(refusal=refuse_closing(number, PurchaseStatus(order.status))),
    }
    return render(request, "web/purchasing/close.html", context)


@posts(Verb.PURCHASE, again=_order)
def close(request: PageRequest, number: str) -> HttpResponse:
    """Close the purchase order short."""
    close_order(site=request.visit.site, number=number, by=request.user)
    return redirect("purchase-order", number)


urlpatterns = [
    path("orders/purchase/", purchase_orders_page, name="purchase-orders"),
    path("orders/purchase/new/", new_page, name="purchase-order-new"),
    path("orders/purchase/create/", create, name="purchase-order-create"),
    path("orders/purchase/lines/<path:number>/", purchase_order_page, name="purchase-order"),
    path("orders/purchase/close/<path:number>/", close_page, name="purchase-order-close"),
    path("orders/purchase/closed/<path:number>/", close, name="purchase-order-close-now"),
]
