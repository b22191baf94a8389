"""Production without an order, and kits: the item is scanned in place of an order."""

from typing import Any, Final

from django.urls import reverse

from backflush.backflushing.models import Booking
from backflush.items.models import ComponentClass, Item
from backflush.web.platform.visit import PageRequest
from backflush.web.production.book_order import ProductionPages
from backflush.web.stock.reversal import strip
from backflush.works.services.production_without_order import WITHOUT_ORDERS, ProductionIn

OFFERED: Final = 12


class ItemPages(ProductionPages):
    """Production without orders."""

    kind = WITHOUT_ORDERS
    name, preview_name, post_name = "produce", "produce-preview", "produce-post"
    template = "web/production/book_without_order.html"

    def offered(self, request: PageRequest) -> dict[str, Any]:
        """Return some kits."""
        return {"kits": Item.objects.filter(component_class=ComponentClass.KIT).order_by("code")[:OFFERED]}

    def strip(self, request: PageRequest) -> dict[str, Any]:
        """Return what was just booked or reversed, read from the ledger."""
        return strip(request)

    def done_at(self, request: PageRequest, report: ProductionIn, booking: Booking) -> str:
        """Return the page's own address, with what was booked."""
        return f"{reverse('produce')}?done={booking.posting_id}"


urlpatterns = ItemPages().urls("book/item/")
