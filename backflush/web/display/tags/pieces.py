"""Template tags of all pages: `{% icon %}`, `{% q %}`, dates, numbers, statuses, refusals at their fields."""

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from backflush.core.refusals import Refusal
from backflush.delivery.pagination import COUNTED_MOST
from backflush.items.models import Item
from backflush.web.display import badges, formats, number_format, translation

register: Final = template.Library()

SPRITE: Final = "vendor/icons.svg"


@cache
def _in_sprite() -> frozenset[str]:
    found = finders.find(SPRITE)
    assert isinstance(found, str), "the sprite isn't there: run `make setup`"
    return frozenset(re.findall(r'<symbol id="([^"]+)"', Path(found).read_text(encoding="utf-8")))


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """Return an icon of the sprite, hidden from screen readers because a word or label is beside it."""
    assert name in _in_sprite(), f"the sprite has no icon {name!r}: run `make setup`"
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        f" icon-{size}" if size else "",
        static(SPRITE),
        name,
    )


@register.simple_tag
def q(value: Decimal | None, item: Item | None = None, *, decimals: int | None = None, unit: str = "") -> SafeString:
    """Return a quantity with its unit, by an item's decimals and unit or by the given ones; empty for None."""
    if value is None:
        return SafeString("")
    if item is not None:
        decimals, unit = item.quantity_decimals, item.stock_unit.code
    zero = " quantity-zero" if not value else ""
    text = formats.number(value, decimals)
    if not unit:
        return format_html('<span class="quantity{}">{}</span>', zero, text)
    return format_html(
        '<span class="quantity{}">{}<span class="quantity-unit">&nbsp;{}</span></span>', zero, text, unit
    )


@register.simple_tag
def badge(of: badges.Badge, amount: str = "") -> SafeString:
    """Return a status badge; lists may add a quantity."""
    words = f"{of.word} {amount}" if amount else of.word
    return format_html('<span class="status-badge {}">{}{}</span>', of.look, icon(of.icon), words)


@register.simple_tag
def status(movement: Any) -> SafeString:
    """Return the status badge of a movement; a row of `movements_named` that was taken back shows as reversed."""
    return badge(badges.REVERSED if getattr(movement, "is_reversed", False) else badges.MOVEMENT[movement.status])


@register.simple_tag
def decimal_sign() -> str:
    """Return the decimal sign of the page's number format, for the script that steps amounts."""
    return number_format.current().decimal


@register.filter
def in_words(value: Any) -> str:
    """Return a word of the rooms, such as a role or a kind of item, in the user's language; several with commas."""
    several = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    return ", ".join(translation.word(str(one)) for one in several)


@register.filter
def order_status(value: str) -> str:
    """Return the status of an order as plain text."""
    return str(badges.ORDER[value])


# These take a value as it is, and are described where they are defined.
for _filter in (
    *(formats.number, formats.for_input, formats.day, formats.clock, formats.when, formats.near, formats.spoken),
    *(formats.moment_text, formats.age, formats.weekday, translation.translated),
):
    register.filter(_filter.__name__, _filter)
register.filter("sentence", translation.sentence_of)


@register.filter
def money(value: Decimal) -> str:
    """Format an amount with two decimals."""
    return formats.money(value)


@register.filter
def unit_cost(value: Decimal) -> str:
    """Format a unit cost with four decimals."""
    return formats.money(value, 4)


@register.filter
def counted(value: int) -> str:
    """Format a count, or say that there are more than the limit."""
    return formats.counted(value, COUNTED_MOST)


@register.filter
def refusal_details(refusal: Refusal) -> list[str]:
    """Return the further sentences of a refusal, one per line."""
    return [translation.translated(detail) for detail in refusal.details]


def _is_about(refusal: object, field: str) -> bool:
    # For a missing variable, a template passes an empty string.
    return isinstance(refusal, Refusal) and refusal.field == field


@register.simple_tag
def invalid(refusal: Refusal | str, field: str) -> SafeString:
    """Return the attributes of a refused input: that it is invalid, and the id of the reason."""
    if not _is_about(refusal, field):
        return SafeString("")
    return format_html('aria-invalid="true" aria-describedby="{}-error" autofocus', field)


@register.simple_tag
def wrong(refusal: Refusal | str, field: str) -> str:
    """Return the class of the element around a refused field."""
    return "has-error" if _is_about(refusal, field) else ""


@register.inclusion_tag("web/forms/field_error.html")
def field_error(refusal: Refusal | str, field: str) -> dict[str, Any]:
    """Below the input: why it was refused. A refusal about no field of the form is for `parts/refusal.html`."""
    return {"refusal": refusal if _is_about(refusal, field) else None, "field": field}


# stock


@register.filter
def process_word(process: str) -> str:
    """Return the process of a posting in words."""
    return str(badges.PROCESS[process])
