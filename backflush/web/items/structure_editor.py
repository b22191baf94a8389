"""The editor of an item's structure: its lines with all their versions, in an editable table.

A long structure is edited a part at a time; the lines that aren't shown stay as they are.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from backflush.core.input_values import whole_or_none
from backflush.core.refusals import Refusal, StructureLoop
from backflush.core.structure import find_loop
from backflush.items.models import Item
from backflush.people.rights import Verb
from backflush.stockmap.models import Location, Site
from backflush.structures.models import StructureLine
from backflush.structures.selectors import contents, structure_rows, structure_stamp
from backflush.structures.services import LineIn, as_entered, change_structure, require_unchanged
from backflush.web.forms.edit_table import (
    EditTable,
    RowButton,
    RowFaults,
    TableRow,
    changes_rows,
    entered_rows,
    read_rows,
)
from backflush.web.forms.fields import Form
from backflush.web.forms.values import whole_in
from backflush.web.items.structure_rows import (
    BEGUN_BY,
    SECONDARY,
    note_components,
    read_lines,
    row_of,
    structure_columns,
)
from backflush.web.items.views import item_at
from backflush.web.platform.decorators import by_method, page, posts
from backflush.web.platform.visit import PageRequest

SHOWN: Final = 50
VERSION: Final = "new-version"
"""The button that adds another version of a line; its value is the row's index."""


@page(Verb.STRUCTURES)
def edit_page(request: PageRequest, code: str) -> HttpResponse:
    """Show the lines of a structure, a part at a time."""
    return _show(request, None, code)


def _show(request: PageRequest, refusal: Refusal | None, code: str) -> HttpResponse:
    item, site = item_at(code), request.visit.site
    columns = structure_columns(dated=True)
    total = StructureLine.objects.filter(item=item).count()
    if "stamp" in request.POST:
        start, stamp, seen = whole_in(request.POST, "start") or 0, request.POST["stamp"], request.POST.get("seen", "")
        rows = _with_version(read_rows(request.POST, columns), request)
    else:
        start = min(whole_in(request.GET, "start") or 0, max(total - 1, 0))
        stamp = structure_stamp(item)
        shown = list(structure_rows(item))[start : start + SHOWN]
        rows = [row_of(at, as_entered(line, site), key=str(line.pk)) for at, line in enumerate(shown)]
        seen = ",".join(row.key for row in rows)
    note_components(rows)
    table = EditTable(
        columns,
        rows,
        label=_("Lines, table"),
        secondary=SECONDARY,
        button=RowButton(VERSION, _("New version")),
        hint=_(
            "An empty unit is the component's stock unit. To change a line from a date on, press New version: "
            "the line then ends the day before the new version starts."
        ),
    )
    context = {
        "item": item,
        "form": Form(refusal=refusal, table=table),
        "start": start,
        "stamp": stamp,
        "seen": seen,
        "total": total,
        "first": start + 1,
        "last": min(start + SHOWN, total),
        "before": max(start - SHOWN, 0) if start else None,
        "after": start + SHOWN if start + SHOWN < total else None,
    }
    return render(request, "web/items/edit_structure.html", context)


@posts(Verb.STRUCTURES, again=_show)
def change_page(request: PageRequest, code: str) -> HttpResponse:
    """Save the lines; or only add, remove or restore a row."""
    form_data = request.POST
    if changes_rows(form_data) or VERSION in form_data:
        return _show(request, None, code)
    item, site, stamp = item_at(code), request.visit.site, form_data.get("stamp", "")
    # What another user has changed meanwhile comes first: it isn't a fault of these lines.
    require_unchanged(item, stamp)
    rows = read_rows(form_data, structure_columns(dated=True))
    kept = _not_shown(item, form_data, site)
    lines = read_lines(rows, site, kept=kept, elsewhere=_elsewhere(rows, site))
    try:
        change_structure(item=item, lines=[*kept, *lines], since=stamp)
    except StructureLoop as refusal:
        _require_no_loop_by_line(item, entered_rows(rows, BEGUN_BY), lines, refusal)
        raise
    return redirect("item", item.code)


def _not_shown(item: Item, form_data: Mapping[str, str], site: Site) -> list[LineIn]:
    """Return the item's lines that the form didn't show."""
    seen = {whole_or_none(pk) for pk in form_data.get("seen", "").split(",")}
    return [as_entered(line, site) for line in structure_rows(item) if line.pk not in seen]


def _elsewhere(rows: Sequence[TableRow], site: Site) -> dict[str, Sequence[Location]]:
    """Return the own from-locations that lines have at other sites, by the key of their row."""
    keys = [key for row in rows if (key := whole_or_none(row.key)) is not None]
    lines = StructureLine.objects.filter(pk__in=keys).select_related("component", "unit")
    return {str(line.pk): as_entered(line, site).elsewhere for line in lines.prefetch_related("sources__location")}


def _with_version(rows: list[TableRow], request: PageRequest) -> list[TableRow]:
    """Return the rows with another version of a line that starts tomorrow, while the existing one ends today."""
    index = whole_or_none(request.POST.get(VERSION, ""), most=max(len(rows) - 1, 0)) if rows else None
    if index is None:
        return rows
    today = request.visit.today
    old = rows[index]
    later = TableRow(0, {**old.values, "starts": (today + timedelta(days=1)).isoformat()})
    old.values = {**old.values, "ends": today.isoformat()}
    rows = [*rows[: index + 1], later, *rows[index + 1 :]]
    for at, row in enumerate(rows):
        row.index = at
    return rows


def _require_no_loop_by_line(
    item: Item, rows: Sequence[TableRow], lines: Sequence[LineIn], refusal: StructureLoop
) -> None:
    """Refuse the lines by which the item would contain itself, each at its cell."""
    contains, faults = contents(), RowFaults()
    for row, line in zip(rows, lines, strict=True):
        contains[item.pk] = {line.component.pk}
        if find_loop(contains, [item.pk]):
            faults.add(row, "component", refusal)
    faults.require_none()


urlpatterns = [path("items/structure/<path:code>/", by_method(edit_page, change_page), name="item-structure")]
