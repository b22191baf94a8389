"""Book production on a works order: scan the order, enter quantities, see what happens, book; undo in place."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import Report
from backflush.core.input_values import whole_or_none
from backflush.core.moves import Status
from backflush.core.refusals import InvalidValue
from backflush.dashboard.bookable_orders import bookable_orders
from backflush.handling.moves import reverse as take_back
from backflush.handling.rights import may_reverse, require_may_reverse
from backflush.ledger.models import Movement
from backflush.ledger.selectors import posting_numbered
from backflush.people.rights import Verb
from backflush.stockmap.models import Site
from backflush.unresolved.arrivals import proposed_by
from backflush.web.forms.booking_pages import BookingPages
from backflush.web.forms.idempotency import new_key
from backflush.web.platform.decorators import posts
from backflush.web.platform.visit import PageRequest
from backflush.works.selectors import order_numbered
from backflush.works.services.booking import ON_ORDERS

OFFERED: Final = 12
"""So many orders are offered where none was scanned yet."""


class ProductionPages(BookingPages):
    """The words of good and scrap, which production with and without an order have in common."""

    def button(self, good: str, scrap: str) -> str:
        """Return the words of the button."""
        if good and scrap:
            return _("Book %(good)s good, %(scrap)s scrap") % {"good": good, "scrap": scrap}
        if good:
            return _("Book %(good)s good") % {"good": good}
        return _("Book %(scrap)s scrap") % {"scrap": scrap} if scrap else _("Book")

    def beyond(self, left: str) -> str:
        """Return the notice that more is entered than the order wants."""
        return _("That is more than the %(left)s to go. It can be booked; the order will show it.") % {"left": left}


class OrderPages(ProductionPages):
    """Production on works orders."""

    kind = ON_ORDERS
    name, preview_name, post_name = "book", "booking-preview", "book-post"
    template = "web/production/book_order.html"
    codes = "works-orders"

    def title(self) -> str:
        """Return the heading of the page."""
        return _("Book production")

    def scan_label(self) -> str:
        """Return the label of the field to scan into."""
        return _("Works order number or barcode")

    def as_kept(self, site: Site, text: str) -> str:
        """Return the number of the works order that was typed in another case. Refusals: `NotFound`, `Archived`."""
        return order_numbered(site, text).number

    def offered(self, request: PageRequest) -> dict[str, Any]:
        """Return the orders that take bookings."""
        return {"orders": bookable_orders(request.visit.site, OFFERED)}

    def banner(self, request: PageRequest) -> dict[str, Any]:
        """Return what was just booked or reversed, read from the ledger."""
        return _banner(request)

    def done_at(self, request: PageRequest, report: Report, booking: Booking) -> str:
        """Return the page's own address, with what was booked and how much the preview had said would wait."""
        query = {"booked": str(booking.posting_id), "expected_waiting": request.POST.get("expected_waiting", "")}
        return f"{self.scan_at}?{urlencode(query)}"


@posts(Verb.REVERSE_OWN, Verb.REVERSE)
def undo(request: PageRequest) -> HttpResponse:
    """Take the booking back at once: it's exact, and can be booked again."""
    posting_id = whole_or_none(request.POST.get("posting", ""))
    if posting_id is None:
        raise InvalidValue("Choose the booking to reverse.", field="posting")
    posting = posting_numbered(request.visit.site, posting_id)
    require_may_reverse(request.user, request.visit.site, posting)
    take_back(site=request.visit.site, posting=posting.pk, by=request.user, key=request.POST.get("key", ""))
    return redirect(f"{reverse('book')}?{urlencode({'undone': posting.pk})}")


COUNTS_OFFERED: Final = 3
"""How many of the components that wait are offered to be counted as empty."""


def _banner(request: PageRequest) -> dict[str, Any]:
    """Return what was just booked or reversed, read from the ledger."""
    posting_id = whole_or_none(request.GET.get("booked", "") or request.GET.get("undone", ""))
    if posting_id is None:
        return {}
    booking = (
        Booking.objects.filter(site=request.visit.site, posting=posting_id)
        .select_related("posting", "cost_object", "item__stock_unit")
        .first()
    )
    if booking is None:
        return {}
    if booking.reversed_by_id is not None:
        return {"undone": booking}
    waiting = Movement.objects.filter(posting=booking.posting_id, status=Status.UNRESOLVED).order_by("pk")
    lines = list(waiting.values_list("item__code", "source__path", "source__has_balance"))
    waits, counts_stock = len(lines), Verb.COUNT in request.visit.verbs
    expected = whole_or_none(request.GET.get("expected_waiting", ""))
    return {
        "booked": booking,
        "waits": waits,
        "countable": [(item, place) for item, place, kept in lines if kept and counts_stock][:COUNTS_OFFERED],
        "differs": expected not in {None, waits},
        "expected_waiting": expected,
        "may_undo": may_reverse(request.user, request.visit.site, booking.posting),
        "proposal": proposed_by(booking.posting, site=request.visit.site),
        "key": new_key(),
    }


urlpatterns = [*OrderPages().urls("book/"), path("book/undo/", undo, name="book-undo")]
