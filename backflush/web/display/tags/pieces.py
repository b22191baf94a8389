"""The pieces that every page is made of: `{% icon %}`, `{% q %}`, dates, numbers, statuses, errors at their field."""

import re
from collections.abc import Iterable
from datetime import date, datetime
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
    """An icon of the sprite, hidden from screen readers: a word or a label stands beside it."""
    assert name in _in_sprite(), f"the sprite has no icon {name!r}: run `make setup`"
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        f" icon-{size}" if size else "",
        static(SPRITE),
        name,
    )


@register.simple_tag
def q(value: Decimal | None, item: Item | None = None, *, decimals: int | None = None, unit: str = "") -> SafeString:
    """A quantity with its unit, by an item's decimals and unit or by those given; empty where there is none."""
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
def sign(of: badges.Sign, amount: str = "") -> SafeString:
    """A status in its pill; lists may add the amount."""
    words = f"{of.word} {amount}" if amount else of.word
    return format_html('<span class="status-badge {}">{}{}</span>', of.look, icon(of.icon), words)


@register.simple_tag
def status(movement: Any) -> SafeString:
    """The status of a movement."""
    return sign(badges.MOVEMENT[movement.status])


@register.simple_tag
def decimal_sign() -> str:
    """Return the decimal sign of the page's number format, for the script that steps amounts."""
    return number_format.current().decimal


@register.filter
def in_words(value: Any) -> str:
    """A word of the rooms, such as a role or a kind of item, in the reader's language; of several, with commas."""
    several = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    return ", ".join(translation.word(str(one)) for one in several)


@register.filter
def translated(sentence: str) -> str:
    """Return a sentence of a room in the reader's language."""
    return translation.translated(sentence)


@register.filter
def order_status(value: str) -> str:
    """The status of an order, in a plain word."""
    return str(badges.ORDER[value])


@register.filter
def number(value: Decimal | int, decimals: int | None = None) -> str:
    """A number by the locale."""
    return formats.number(value, decimals)


@register.filter
def typed(value: Decimal | int) -> str:
    """A number as it stands in a field."""
    return formats.typed(value)


@register.filter
def money(value: Decimal) -> str:
    """An amount in two decimals."""
    return formats.money(value)


@register.filter
def unit_cost(value: Decimal) -> str:
    """A unit cost in four decimals."""
    return formats.money(value, 4)


@register.filter
def counted(value: int) -> str:
    """A count, or that there are more than were counted."""
    return formats.counted(value, COUNTED_MOST)


@register.filter
def day(moment: date | datetime) -> str:
    """12 Mar 2026."""
    return formats.day(moment)


@register.filter
def clock(moment: datetime) -> str:
    """14:32."""
    return formats.clock(moment)


@register.filter
def when(moment: datetime) -> str:
    """12 Mar 2026 14:32."""
    return formats.when(moment)


@register.filter
def near(moment: datetime) -> str:
    """14:32 today, 17 Feb 09:12 this year, else the whole date."""
    return formats.near(moment)


@register.filter
def spoken(moment: datetime) -> str:
    """In a sentence: today 14:32."""
    return formats.spoken(moment)


@register.filter
def moment_said(moment: datetime) -> str:
    """In a sentence that says when something was done: today at 13:12, or on 9 Mar 15:10."""
    return formats.moment_said(moment)


@register.filter
def age(moment: date | datetime) -> str:
    """23 days, today."""
    return formats.age(moment)


@register.filter
def weekday(moment: date | datetime) -> str:
    """Thursday 12 March 2026."""
    return formats.weekday(moment)


@register.filter
def said(refusal: Refusal) -> str:
    """Why not, in the reader's language."""
    return translation.said(refusal)


@register.filter
def said_details(refusal: Refusal) -> list[str]:
    """What else a refusal says, line by line."""
    return [translation.translated(detail) for detail in refusal.details]


def _is_about(refusal: object, field: str) -> bool:
    # A template gives an empty string for what its view didn't.
    return isinstance(refusal, Refusal) and refusal.field == field


@register.simple_tag
def invalid(refusal: Refusal | str, field: str) -> SafeString:
    """On an input: that it is what was refused, and where the reason stands."""
    if not _is_about(refusal, field):
        return SafeString("")
    return format_html('aria-invalid="true" aria-describedby="{}-error" autofocus', field)


@register.simple_tag
def wrong(refusal: Refusal | str, field: str) -> str:
    """On the field around it: the class that draws it."""
    return "has-error" if _is_about(refusal, field) else ""


@register.inclusion_tag("web/forms/field_error.html")
def field_error(refusal: Refusal | str, field: str) -> dict[str, Any]:
    """Below the input: why it was refused. A refusal about no field of the form is for `parts/refusal.html`."""
    return {"refusal": refusal if _is_about(refusal, field) else None, "field": field}


# stock


@register.filter
def process_word(process: str) -> str:
    """By which process something was posted."""
    return str(badges.PROCESS[process])
