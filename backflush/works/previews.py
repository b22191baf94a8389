"""What a booking would do, before it is posted (B7): the same plan, from the same rules."""

from backflush.backflushing.report_kinds import drafted
from backflush.backflushing.selectors import Preview, preview
from backflush.stockmap.models import Site
from backflush.works.selectors import bookable
from backflush.works.services.booking import BookableOrders, BookingIn
from backflush.works.services.production_without_order import PIECE, ProducibleItems, ProductionIn


def preview_booking(booking: BookingIn, *, site: Site) -> Preview:
    """What booking production on a works order would assume, and what of it would wait."""
    orders = BookableOrders(site, bookable(site, [booking.order]))
    return preview(orders.planned(booking, None), site=site, factor=orders.there[booking.order].factor)


def preview_production(production: ProductionIn, *, site: Site) -> Preview:
    """What producing without an order would assume, and what of it would wait."""
    made = ProducibleItems(site, [production.item]).planned(production, None)
    return preview(drafted(made, site=site), site=site, factor=PIECE)
