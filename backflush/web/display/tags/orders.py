"""Template tags of the order pages: progress bars, exact ratios, QR codes, links to records."""

from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from backflush.backflushing.explanation import figure
from backflush.backflushing.models import Booking
from backflush.booking_kinds import details_of
from backflush.core.quantity import ZERO
from backflush.ledger.models import Movement
from backflush.web.display import badges
from backflush.web.display.qr import qr_path
from backflush.web.display.tags.pieces import q

register: Final = template.Library()


@register.filter
def details(booking: Booking) -> list[tuple[str, str]]:
    """Return the values that were kept with a booking, each with its label in the user's language."""
    return [(_(title), value) for title, value in details_of(booking)]


@register.filter
def purchase_status(value: str) -> str:
    """Return the status of a purchase order in words."""
    return str(badges.PURCHASE_ORDER[value])


@register.simple_tag
def booked_bar(done: Decimal, wanted: Decimal) -> SafeString:
    """Return a bar of the booked part of the ordered quantity; the figures are beside it."""
    width = min(100, int(100 * done / wanted)) if wanted > ZERO else 0
    return format_html(
        '<svg class="bar-graph" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="bar-graph-track" width="100" height="8"/>'
        '<rect class="bar-graph-done" width="{}" height="8"/></svg>',
        width,
    )


@register.simple_tag
def qr_code(text: str) -> SafeString:
    """Return a QR code with a quiet zone of four modules around it."""
    width, dark = qr_path(text)
    return format_html(
        '<svg class="qr-code" role="img" aria-label="{}" viewBox="-4 -4 {} {}">'
        '<rect x="-4" y="-4" width="{}" height="{}" fill="#fff"/><path stroke="#000" d="{}"/></svg>',
        _("QR code of %(text)s") % {"text": text},
        width + 8,
        width + 8,
        width + 8,
        width + 8,
        dark,
    )


@register.simple_tag
def thing_link(at: str, code: str) -> SafeString:
    """Return a code that links to its record, if the record has a page."""
    address = _address(at, code)
    if not address:
        return format_html('<span class="row-link code">{}</span>', code)
    return format_html('<a class="row-link code" href="{}">{}</a>', address, code)


@register.simple_tag
def movement_link(movement: Movement) -> SafeString:
    """Return a quantity that links to its movement."""
    shown = q(movement.quantity, movement.item)
    address = _address("movement", movement.pk)
    return format_html('<a href="{}">{}</a>', address, shown) if address else shown


def _address(at: str, *arguments: Any) -> str:
    try:
        return reverse(at, args=arguments)
    except NoReverseMatch:
        return ""


@register.filter
def unlocalized(value: Decimal) -> str:
    """Format a number for SVG, in any locale."""
    return format(value, "f")


@register.filter
def decimal(text: str) -> Decimal:
    """Convert a number stored as text."""
    return Decimal(text)


@register.filter
def order_change(what: str) -> str:
    """Describe a change of an order."""
    return str(badges.ORDER_CHANGE.get(what, what))


@register.filter
def ratio(value: Fraction) -> str:
    """Format an exact ratio: as a decimal if it is finite, else rounded and marked as such."""
    return figure(value)
