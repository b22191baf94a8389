"""Receipts on purchase orders: accepted and rejected in the order's unit, and what the sub-contractor used for them."""

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from backflush.backflushing.models import Booking
from backflush.backflushing.outcomes import UseState, use_states
from backflush.backflushing.report_kinds import Report
from backflush.core.refusals import Refusal
from backflush.delivery.pagination import page_of
from backflush.people.rights import Verb
from backflush.stockmap.models import Site
from backflush.subcontract.receipts import RECEIPTS
from backflush.subcontract.selectors import all_receipts, purchase_lines, purchase_order_numbered
from backflush.web.forms.booking_pages import BookingPages, Opened
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest
from backflush.web.production.order_detail import Booked
from backflush.web.stock.reversal import banner


class ReceiptPages(BookingPages):
    """Receipts on the lines of purchase orders."""

    kind = RECEIPTS
    name, preview_name, post_name = "receive", "receive-preview", "receive-post"
    template = "web/purchasing/receive.html"
    codes = "purchase-orders"

    def title(self) -> str:
        """Return the heading of the page."""
        return _("Receive")

    def scan_label(self) -> str:
        """Return the label of the field to scan into."""
        return _("Purchase order number or barcode")

    def as_kept(self, site: Site, text: str) -> str:
        """Return the number of the purchase order that was typed in another case. Refusals: `NotFound`, `Archived`."""
        return purchase_order_numbered(site, text).number

    def choices(self, request: PageRequest, form_data: QueryDict, refusal: Refusal) -> dict[str, Any] | None:
        """Return the lines of an order to choose from, where several may have come in."""
        if refusal.field != "line" or form_data.get("line", "").strip():
            return None
        order = purchase_order_numbered(request.visit.site, form_data.get("order", "").strip())
        return {"order": order, "lines": purchase_lines(order)}

    def aside(self, opened: Opened) -> str:
        """Return the name of the supplier."""
        supplier = opened.subjects.found[opened.report.of][0].order.supplier
        return str(supplier.name or supplier.code)

    def banner(self, request: PageRequest) -> dict[str, Any]:
        """Return what was just received or reversed, read from the ledger."""
        return banner(request)

    def done_at(self, request: PageRequest, report: Report, booking: Booking) -> str:
        """Return the address of the purchase order, with what was received."""
        return f"{reverse('purchase-order', args=[report.of])}?done={booking.posting_id}"

    def button(self, good: str, scrap: str) -> str:
        """Return the words of the button."""
        if good and scrap:
            return _("Receive %(good)s, reject %(scrap)s") % {"good": good, "scrap": scrap}
        if good:
            return _("Receive %(good)s") % {"good": good}
        return _("Reject %(scrap)s") % {"scrap": scrap} if scrap else _("Receive")

    def beyond(self, left: str) -> str:
        """Return the notice that more is entered than was ordered."""
        return _("That is more than the %(left)s to come. It can be received; the order will show it.") % {"left": left}

    def preview_title(self) -> str:
        """Return the heading of the preview."""
        return _("What the sub-contractor used")

    def preview_empty(self) -> str:
        """Return what stands in the preview while nothing is entered."""
        return _("Enter what came in, and you see here what will be taken out of the sub-contractor's stock.")


@page()
def receipts_page(request: PageRequest) -> HttpResponse:
    """All receipts, the newest first."""
    found, total = all_receipts(request.visit.site)
    shown = page_of(found, request.GET, by=("posting_id",), descending=True, total=total)
    context = {"page": shown, "may_receive": request.visit.may(Verb.RECEIVE)}
    return render(request, "web/purchasing/receipts.html", context | booked_of(request, shown.rows))


def booked_of(request: PageRequest, bookings: list[Booking]) -> dict[str, Any]:
    """Receipts with how the use that they assumed stands, for their table."""
    uses: dict[int, UseState] = use_states(booking.posting_id for booking in bookings)
    may_reverse = bool({Verb.REVERSE, Verb.REVERSE_OWN} & request.visit.verbs)
    return {
        "booked": [Booked(booking, uses[booking.posting_id]) for booking in bookings],
        "may_reverse": may_reverse,
    }


urlpatterns = [
    *ReceiptPages().urls("orders/receive/"),
    path("orders/receipts/", receipts_page, name="receipts"),
]
