"""Production without an order, and kits: the item is scanned in place of an order."""

from typing import Any, Final

from django.utils.translation import gettext as _

from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import Report
from backflush.items.models import ComponentClass, Item
from backflush.items.selectors import item_coded
from backflush.stockmap.models import Site
from backflush.web.platform.visit import PageRequest
from backflush.web.production.book_order import ProductionPages
from backflush.web.stock.reversal import banner
from backflush.works.services.production_without_order import WITHOUT_ORDERS

OFFERED: Final = 12


class ItemPages(ProductionPages):
    """Production without orders."""

    kind = WITHOUT_ORDERS
    name, preview_name, post_name = "produce", "produce-preview", "produce-post"
    template = "web/production/book_without_order.html"
    codes = "items"

    def title(self) -> str:
        """Return the heading of the page."""
        return _("Production without order")

    def scan_label(self) -> str:
        """Return the label of the field to scan into."""
        return _("Item code or barcode")

    def as_kept(self, site: Site, text: str) -> str:
        """Return the code of the item that was typed in another case. Refusals: `NotFound`."""
        return item_coded(text).code

    def offered(self, request: PageRequest) -> dict[str, Any]:
        """Return some kits."""
        return {"kits": Item.objects.filter(component_class=ComponentClass.KIT).order_by("code")[:OFFERED]}

    def banner(self, request: PageRequest) -> dict[str, Any]:
        """Return what was just booked or reversed, read from the ledger."""
        return banner(request)

    def done_at(self, request: PageRequest, report: Report, booking: Booking) -> str:
        """Return the page's own address, with what was booked."""
        return f"{self.scan_at}?done={booking.posting_id}"


urlpatterns = ItemPages().urls("book/item/")
