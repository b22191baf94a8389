"""Template tags of the audit pages."""

from collections.abc import Callable, Mapping
from typing import Final

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from backflush.audit.lines import FindingLine
from backflush.web.audit.worksheet import KINDS, CheckColumn
from backflush.web.display import formats
from backflush.web.display.tags.orders import thing_link
from backflush.web.display.tags.pieces import q

register: Final = template.Library()


@register.simple_tag
def cell(column: CheckColumn, line: FindingLine, *, frozen: bool = False) -> SafeString:
    """Return a cell of a check's list; in a `frozen` sheet it shows the date instead of the age.

    There is a function for each kind of cell: a template that tests all kinds took twice the time.
    """
    if column.cell == "item":
        about = format_html('<span class="cell-note">{}</span>', line.about)
        return format_html('<th scope="row" class="card-heading">{}{}</th>', thing_link("item", line.item), about)
    shown = CELLS["day" if frozen and column.cell == "age" else column.cell](line)
    looks = [
        name
        for name, is_so in (("cell-number", column.figures), ("card-wide", column.wide), ("card-hidden", not shown))
        if is_so
    ]
    return format_html('<td class="{}" data-l="{}">{}</td>', " ".join(looks), column.heading, shown)


def _quantity(line: FindingLine) -> str:
    shown = q(line.quantity, decimals=line.decimals, unit=line.unit)
    return _leading(reverse("movement", args=[line.movement]), shown) if line.movement and shown else shown


def _order(line: FindingLine) -> str:
    query = urlencode({"order": line.order, "item": line.item})
    return _leading(f"{reverse('stock')}?{query}", line.order) if line.order else ""


def _way(line: FindingLine) -> str:
    if not line.other_place:
        return line.place
    return _("%(real)s, not %(planned)s") % {"real": line.other_place, "planned": line.place}


def _leading(address: str, shown: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', address, shown)


def _whole(shown: str) -> SafeString:
    return format_html('<span class="text-nowrap">{}</span>', shown)


CELLS: Final[Mapping[str, Callable[[FindingLine], str]]] = {
    "quantity": _quantity,
    "other": lambda line: q(line.other, decimals=line.decimals, unit=line.unit),
    "count": lambda line: "" if line.count is None else formats.number(line.count),
    "order": _order,
    "place": lambda line: line.place,
    "way": _way,
    "age": lambda line: _whole(formats.age(line.at)) if line.at else "",
    "day": lambda line: _whole(formats.day(line.at)) if line.at else "",
    "when": lambda line: _whole(formats.when(line.at)) if line.at else "",
    "who": lambda line: line.who,
    "kind": lambda line: str(KINDS.get(line.kind, line.kind)),
    "why": lambda line: line.why,
}
"""The content of each kind of cell, as text or markup; empty if a line has no value for it."""
