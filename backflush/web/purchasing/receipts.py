"""Receipts on purchase orders: accepted and rejected in the order's unit, and what the sub-contractor used for them."""

from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode

from backflush.backflushing.models import Booking
from backflush.backflushing.outcomes import UseState, use_states
from backflush.booking_kinds import preview_report
from backflush.core.lifecycle import PurchaseStatus, refuse_receipt
from backflush.core.refusals import InvalidQuantity, InvalidValue, Refusal
from backflush.delivery.pagination import page_of
from backflush.delivery.refusals import status_of
from backflush.people.rights import Verb
from backflush.subcontract.models import PurchaseOrder, PurchaseOrderLine
from backflush.subcontract.receipts import ReceiptIn, receive, received_along
from backflush.subcontract.selectors import all_receipts, purchase_lines, purchase_order_numbered
from backflush.web.forms.idempotency import new_key
from backflush.web.forms.production_form import Task, amounts_in, left_of, shown_of
from backflush.web.forms.values import moment_in, serials_in, text_in
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest
from backflush.web.production.order_detail import Booked
from backflush.web.stock.reversal import strip

FIELDS: Final = frozenset({"accepted", "rejected", "batch", "serials", "bin", "at", "order", "line"})


def _line(order: PurchaseOrder, number: str) -> PurchaseOrderLine:
    lines = purchase_lines(order)
    found = [line for line in lines if number in {"", str(line.number)}]
    if refusal := refuse_receipt(order.number, PurchaseStatus(order.status)):
        raise refusal
    if len(found) != 1:
        raise InvalidValue("Choose the line that was received.", field="line")
    return found[0]


def _task(order: PurchaseOrder, line: PurchaseOrderLine) -> Task:
    to_go = left_of(line.quantity, line.cost_object.good)
    return Task(
        item=line.item,
        unit=line.unit.code,
        factor=line.factor,
        good="accepted",
        scrap="rejected",
        hidden={"order": order.number, "line": str(line.number)},
        preview_at=reverse("receive-preview"),
        post_at=reverse("receive-post"),
        into=received_along(order).target,
        to_go=to_go,
        quick=[to_go] if to_go else [],
    )


def _report(task: Task, typed: QueryDict, *, key: str = "") -> ReceiptIn:
    accepted, rejected = amounts_in(task, typed)
    return ReceiptIn(
        order=task.hidden["order"],
        line=int(task.hidden["line"]),
        accepted=accepted,
        rejected=rejected,
        at=moment_in(typed, "at"),
        key=key,
        batch=text_in(typed, "batch", empty=True),
        serials=serials_in(typed, "serials"),
        bin=text_in(typed, "bin", empty=True),
    )


def _asked(request: PageRequest, typed: QueryDict) -> tuple[PurchaseOrder, Task]:
    order = purchase_order_numbered(request.visit.site, text_in(typed, "order"))
    return order, _task(order, _line(order, typed.get("line", "").strip()))


@page(Verb.RECEIVE)
def receive_page(request: PageRequest) -> HttpResponse:
    """The order field; with an order its lines; with a line the amounts and what will happen."""
    if not request.GET.get("order", "").strip():
        return render(request, "web/purchasing/receive.html", strip(request))
    return _show(request, request.GET)


def _show(request: PageRequest, typed: QueryDict, refusal: Refusal | None = None) -> HttpResponse:
    facts: dict[str, Any] = {
        "typed": typed,
        "number": typed.get("order", "").strip(),
        "key": typed.get("key") or new_key(),
        "refusal": refusal,
        "fields": FIELDS,
    }
    try:
        order = purchase_order_numbered(request.visit.site, text_in(typed, "order"))
        facts |= {"order": order, "lines": purchase_lines(order)}
        task = _task(order, _line(order, typed.get("line", "").strip()))
        facts |= {"task": task} | _foreseen(request, task, typed)
    except Refusal as found:
        chooses = found.field == "line" and not typed.get("line")
        facts["refusal"] = refusal or (None if chooses else found)
    status = status_of(facts["refusal"]) if facts["refusal"] else 200
    return render(request, "web/purchasing/receive.html", facts, status=status)


def _foreseen(request: PageRequest, task: Task, typed: QueryDict) -> dict[str, Any]:
    try:
        report = _report(task, typed)
        preview = preview_report(report, site=request.visit.site) if report.accepted + report.rejected else None
        return shown_of(task, report.accepted, report.rejected, preview)
    except Refusal as refusal:
        return {"unforeseen": refusal}


@page(Verb.RECEIVE)
def preview_part(request: PageRequest) -> HttpResponse:
    """What will happen with what is typed so far."""
    _order, task = _asked(request, request.GET)
    shown = {"task": task, "by_itself": True} | _foreseen(request, task, request.GET)
    return render(request, "web/forms/making_preview.html", shown)


def _again(request: PageRequest, refusal: Refusal) -> HttpResponse:
    return _show(request, request.POST, refusal)


@posts(Verb.RECEIVE, again=_again)
def post(request: PageRequest) -> HttpResponse:
    """Take it into stock, and assume what the sub-contractor used."""
    order, task = _asked(request, request.POST)
    report = _report(task, request.POST, key=request.POST.get("key", ""))
    if not report.accepted + report.rejected:
        raise InvalidQuantity("Enter the quantity received, accepted or rejected.", field="accepted")
    received = receive(report, site=request.visit.site, by=request.user)
    done = urlencode({"done": received.posting_id})
    return redirect(f"{reverse('purchase-order', args=[order.number])}?{done}")


@page()
def receipts_page(request: PageRequest) -> HttpResponse:
    """All receipts, the newest first."""
    found, total = all_receipts(request.visit.site)
    shown = page_of(found, request.GET, by=("posting_id",), descending=True, total=total)
    facts = {"page": shown, "may_receive": request.visit.may(Verb.RECEIVE)}
    return render(request, "web/purchasing/receipts.html", facts | booked_of(request, shown.rows))


def booked_of(request: PageRequest, bookings: list[Booking]) -> dict[str, Any]:
    """Receipts with how the use that they assumed stands, for their table."""
    uses: dict[int, UseState] = use_states(booking.posting_id for booking in bookings)
    may_reverse = bool({Verb.REVERSE, Verb.REVERSE_OWN} & request.visit.verbs)
    return {
        "booked": [Booked(booking, uses[booking.posting_id]) for booking in bookings],
        "may_reverse": may_reverse,
    }


urlpatterns = [
    path("orders/receive/", receive_page, name="receive"),
    path("orders/receive/preview/", preview_part, name="receive-preview"),
    path("orders/receive/post/", post, name="receive-post"),
    path("orders/receipts/", receipts_page, name="receipts"),
]
