"""What a booking would do, before it is posted (B7): the same plan, from the same rules."""

from fractions import Fraction

from backflush.backflushing.selectors import Preview, preview
from backflush.stockmap.models import Site
from backflush.works.selectors import bookable
from backflush.works.services.booking import BookingIn, booking_made
from backflush.works.services.producing import ProductionIn, production_made


def preview_booking(booking: BookingIn, *, site: Site) -> Preview:
    """What booking production on a works order would assume, and what of it would wait."""
    orders, rules = bookable(site, [booking.order])
    order = orders[booking.order]
    made = booking_made(booking, order, rules, site=site, key=None)
    return preview(made, site=site, factor=order.factor)


def preview_production(production: ProductionIn, *, site: Site) -> Preview:
    """What producing without an order would assume, and what of it would wait."""
    made = production_made(production, site=site, key=None, write=False)
    return preview(made, site=site, factor=Fraction(1))
