"""Purchase orders: the list, a new order with its lines, and an order with its receipts."""

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from backflush.core.input_values import LINE_MAX, read_whole
from backflush.core.lifecycle import PurchaseStatus, refuse_closing, refuse_receipt
from backflush.core.quantity import ZERO
from backflush.core.refusals import InvalidValue, Refusal
from backflush.delivery.pagination import page_of
from backflush.items.models import Unit
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import offered
from backflush.stockmap.models import Action, ActionType, Supplier
from backflush.subcontract.models import PurchaseOrder
from backflush.subcontract.selectors import (
    purchase_lines,
    purchase_order_numbered,
    purchase_orders_in_turn,
    receipts,
)
from backflush.subcontract.services import PurchaseLineIn, PurchaseOrderIn, close_order, place_order
from backflush.web.display import badges
from backflush.web.forms.fields import Form
from backflush.web.forms.values import day_in, number_in, rows_in, text_in
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.web.purchasing.receipts import booked_of
from backflush.web.stock.reversal import strip

SPARE_LINES: Final = 3
LINES_TYPED_MOST: Final = 500
CELLS: Final = ("item", "number", "quantity", "unit", "due_date")
NUMBERED_BY: Final = 10


@page()
def purchase_orders_page(request: PageRequest) -> HttpResponse:
    """List all purchase orders, open ones first. A complete order number opens its order at once."""
    status, number = request.GET.get("status", ""), text_in(request.GET, "number", empty=True)
    supplier = text_in(request.GET, "supplier", empty=True)
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
    found = purchase_orders_in_turn(site, status=status, number=number, supplier=supplier)
    facts = {
        "page": page_of(found, request.GET, by=("turn", "number"), descending=True),
        "status": status,
        "number": number,
        "supplier": supplier,
        "statuses": badges.PURCHASE_ORDER,
        "may_buy": request.visit.may(Verb.PURCHASE),
    }
    return render(request, "web/purchasing/order_list.html", facts)


@page(Verb.PURCHASE)
def new_page(request: PageRequest) -> HttpResponse:
    """Show the form of a new purchase order."""
    return _new_form(request, None)


def _new_form(request: PageRequest, refusal: Refusal | None) -> HttpResponse:
    typed = request.POST or {
        "supplier": request.GET.get("supplier", ""),
        "placed_on": request.visit.today.isoformat(),
    }
    rows = [*_typed_rows(request), *({} for _spare in range(SPARE_LINES))]
    facts = {
        "typed": typed,
        "refusal": refusal,
        "rows": list(enumerate(rows)),
        "suppliers": offered(Supplier.objects.order_by("code")),
        "actions": offered(Action.objects.filter(type=ActionType.RECEIVE).order_by("name")),
        "units": offered(Unit.objects.order_by("code")),
        "fields": {"number", "supplier", "placed_on", "receive_action"},
    }
    return render(request, "web/purchasing/new_order.html", facts)


def _typed_rows(request: PageRequest) -> list[dict[str, str]]:
    """Return the entered rows that name an item."""
    return [row for row in rows_in(request.POST, CELLS, most=LINES_TYPED_MOST) if row["item"]]


def _lines_in(rows: Sequence[dict[str, str]]) -> list[PurchaseLineIn]:
    lines = []
    for at, row in enumerate(rows, start=1):
        lines.append(
            PurchaseLineIn(
                item=row["item"],
                quantity=number_in(row, "quantity", unit=row["unit"], empty=None),
                unit=row["unit"],
                number=read_whole(row["number"] or str(at * NUMBERED_BY), field="lines", most=LINE_MAX),
                due_date=day_in(row, "due_date"),
            )
        )
    return lines


@posts(Verb.PURCHASE, again=_new_form)
def create(request: PageRequest) -> HttpResponse:
    """Place the purchase order."""
    typed = request.POST
    asked = PurchaseOrderIn(
        number=text_in(typed, "number", most=50),
        supplier=text_in(typed, "supplier"),
        lines=_lines_in(_typed_rows(request)),
        placed_on=day_in(typed, "placed_on") or request.visit.today,
        receive_action=typed.get("receive_action", ""),
    )
    return redirect("purchase-order", place_order(asked, site=request.visit.site, by=request.user).number)


@page()
def purchase_order_page(request: PageRequest, number: str) -> HttpResponse:
    """Show the lines with the accepted and rejected quantities, and the receipts."""
    return _order(request, None, number)


def _order(request: PageRequest, refusal: Refusal | None, number: str) -> HttpResponse:
    order = purchase_order_numbered(request.visit.site, number)
    shown = page_of(receipts(order), request.GET, by=("posting_id",), descending=True)
    lines = [(line, max(ZERO, line.quantity - line.cost_object.good)) for line in purchase_lines(order)]
    status = PurchaseStatus(order.status)
    facts: dict[str, Any] = {
        "order": order,
        "lines": lines,
        "page": shown,
        "form": Form(refusal=refusal),
        "may_receive": request.visit.may(Verb.RECEIVE) and refuse_receipt(number, status) is None,
        "may_close": request.visit.may(Verb.PURCHASE) and refuse_closing(number, status) is None,
        "outstanding": sum(1 for _line, left in lines if left),
    }
    return render(request, "web/purchasing/order.html", facts | booked_of(request, shown.rows) | strip(request))


@page(Verb.PURCHASE)
def close_page(request: PageRequest, number: str) -> HttpResponse:
    """Show what is still to come, and ask whether to close the order."""
    order = purchase_order_numbered(request.visit.site, number)
    lines = [(line, max(ZERO, line.quantity - line.cost_object.good)) for line in purchase_lines(order)]
    facts = {"order": order, "lines": lines, "form": Form(refusal=refuse_closing(number, PurchaseStatus(order.status)))}
    return render(request, "web/purchasing/close.html", facts)


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
