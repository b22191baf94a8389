"""What a booking would do, before it is posted (B7): planned as it would be, by the same rules."""

from backflush.backflushing.selectors import Preview, preview
from backflush.stockmap.models import Site
from backflush.works.selectors import Bookable, bookable
from backflush.works.services.booking import BookableOrders, BookingIn
from backflush.works.services.production_without_order import ProducibleItems, ProductionIn


def preview_booking(booking: BookingIn, *, site: Site, orders: Bookable | None = None) -> Preview:
    """Return what booking production on a works order would assume, and what of it would wait.

    A door that has read the order already hands it on in `orders`.
    """
    return preview(booking, BookableOrders(site, orders or bookable(site, [booking.order])))


def preview_production(production: ProductionIn, *, site: Site) -> Preview:
    """Return what production without an order would assume, and what of it would wait."""
    return preview(production, ProducibleItems(site, [production.item]))
