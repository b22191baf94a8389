"""Template tags of a movement's row. They aren't templates, because a list has six of them in each of fifty rows."""

from decimal import Decimal
from typing import Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from backflush.ledger.models import Movement
from backflush.stockmap.models import Location
from backflush.web.display.tags.pieces import q

register: Final = template.Library()


@register.simple_tag
def place(at: Location, bin: str) -> SafeString:
    """Return the source or target."""
    shelf = format_html(' <span class="trait-tag">{}</span>', bin) if bin else ""
    return format_html('<span class="code">{}</span>{}', at.path, shelf)


@register.simple_tag
def moved(movement: Movement) -> SafeString:
    """Return the quantity that moved or was due."""
    if movement.due is None:
        return q(movement.quantity, movement.item)
    return format_html('<span class="text-muted">{} {}</span>', _("due"), q(movement.due, movement.item))


@register.simple_tag
def left(after: Decimal | None, at: Location, movement: Movement) -> SafeString:
    """Return the balance after a movement at one of its ends."""
    if movement.due is not None:
        return format_html('<span class="text-muted">{}</span>', "—")
    return (
        q(after, movement.item)
        if at.has_balance
        else format_html('<span class="text-muted">{}</span>', _("no balance"))
    )
