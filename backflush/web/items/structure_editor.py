"""The structure editor: an item's lines with all versions, each fault at its line, with all entries kept.

A long structure is edited fifty lines at a time; the lines that aren't shown stay as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from backflush.core.input_values import LINE_MAX, whole_or_none
from backflush.core.quantity import ZERO
from backflush.core.refusals import InvalidValue, Refusal, StructureLoop
from backflush.core.structure import find_loop, line_refusals, overlap_refusals
from backflush.delivery.refusals import status_of
from backflush.items.models import Item, Unit
from backflush.people.rights import Verb
from backflush.stockmap.deactivation import offered
from backflush.stockmap.models import Location, Site
from backflush.structures.models import LineSource, StructureLine
from backflush.structures.selectors import contents, structure_rows, structure_stamp
from backflush.structures.services import LineIn, as_entered, change_structure, require_unchanged
from backflush.web.forms.fields import input_text
from backflush.web.forms.values import day_in, number_in, whole_in
from backflush.web.items.views import item_at
from backflush.web.platform.decorators import page, posts
from backflush.web.platform.visit import PageRequest

SHOWN: Final = 50
EMPTY_ROWS: Final = 3
LINE_STEP: Final = 10
COLUMNS: Final = ("number", "component", "quantity", "unit", "waste", "fixed", "source", "starts", "ends")
TICKS: Final = ("by_hand", "supplier_provides")
FIELDS: Final = {"line": "number", "end": "ends"}
"""The names of the service's fields in this form."""
BEGUN: Final = ("component", "quantity")
"""A row in which both of these are empty is ignored."""


@dataclass(slots=True)
class EditorRow:
    """One line of the form, with its faults by field. `pk` is the stored line, if any."""

    index: int
    values: Mapping[str, str]
    pk: int | None = None
    component: Item | None = None
    faults: dict[str, str] = field(default_factory=dict)
    line: LineIn | None = None

    @property
    def is_line(self) -> bool:
        """Whether the row has entries or is a stored line."""
        return self.pk is not None or any(self.values.get(name, "").strip() for name in BEGUN)

    def fault(self, refusal: Refusal) -> None:
        """Record the first fault of a field."""
        name = FIELDS.get(refusal.field or "", refusal.field or "component")
        self.faults.setdefault(name if name in (*COLUMNS, *TICKS) else "component", refusal.sentence)

    @property
    def cells(self) -> list[dict[str, str]]:
        """The fields in the template's order."""
        return [self._cell(name) for name in COLUMNS]

    @property
    def ticks(self) -> list[dict[str, str]]:
        """The ticked check boxes."""
        return [self._cell(name) for name in TICKS]

    def _cell(self, name: str) -> dict[str, str]:
        return {
            "name": name,
            "id": f"line-{self.index}-{name}",
            "value": self.values.get(name, ""),
            "fault": self.faults.get(name, ""),
        }


def _kept_row(index: int, line: StructureLine, site: Site) -> EditorRow:
    entered = as_entered(line, site)
    values = {name: input_text(getattr(line, name)) for name in ("number", "quantity", "starts", "ends", *TICKS)}
    values |= {name: input_text(getattr(line, name)) if getattr(line, name) else "" for name in ("waste", "fixed")}
    values |= {"component": line.component.code, "unit": line.unit.code}
    values["source"] = entered.source.path if entered.source else ""
    return EditorRow(index, values, line.pk, line.component)


def _typed_rows(typed: Mapping[str, str]) -> list[EditorRow]:
    """Return the entered rows, without the removed lines."""
    count = whole_in(typed, "rows", most=SHOWN * 3) or 0
    rows = []
    for index in range(count):
        if typed.get(f"line-{index}-gone"):
            continue
        values = {name: typed.get(f"line-{index}-{name}", "") for name in (*COLUMNS, *TICKS)}
        pk = typed.get(f"line-{index}-pk", "")
        rows.append(EditorRow(index, values, whole_or_none(pk)))
    return rows


@page(Verb.STRUCTURES)
def edit_page(request: PageRequest, code: str) -> HttpResponse:
    """Show the lines, one page at a time, with empty rows below the last."""
    item = item_at(code)
    lines = list(structure_rows(item))
    start = min(whole_in(request.GET, "start") or 0, max(len(lines) - 1, 0))
    here = lines[start : start + SHOWN]
    rows = [_kept_row(index, line, request.visit.site) for index, line in enumerate(here)]
    return _show(request, item, rows, start=start, stamp=structure_stamp(item))


@posts(Verb.STRUCTURES)
def change_page(request: PageRequest, code: str) -> HttpResponse:
    """Save the lines; or add a row or a version of a line without saving."""
    item, typed = item_at(code), request.POST
    rows = _typed_rows(typed)
    start, stamp = whole_in(typed, "start") or 0, typed.get("stamp", "")
    if "more" in typed:
        return _show(request, item, rows, start=start, stamp=stamp)
    if "version" in typed:
        rows = _with_version(rows, typed["version"], request)
        return _show(request, item, rows, start=start, stamp=stamp)
    lines = [row for row in rows if row.is_line]
    _read(lines, request.visit.site)
    try:
        # First: a change by another user is not a fault of this user's entries.
        require_unchanged(item, stamp)
        kept = _not_shown(item, typed, request.visit.site)
        _judge(lines, kept)
        if any(row.faults for row in lines):
            return _show(request, item, rows, start=start, stamp=stamp, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        change_structure(item=item, lines=[*kept, *(row.line for row in lines if row.line)], since=stamp)
    except StructureLoop as refusal:
        _blame(item, lines, refusal)
        return _show(request, item, rows, start=start, stamp=stamp, refusal=refusal, status=status_of(refusal))
    except Refusal as refusal:
        return _show(request, item, rows, start=start, stamp=stamp, refusal=refusal, status=status_of(refusal))
    return redirect("item", code)


def _not_shown(item: Item, typed: Mapping[str, str], site: Site) -> list[LineIn]:
    """Return the item's lines that are not on the form."""
    seen = {whole_or_none(pk) for pk in typed.get("seen", "").split(",")}
    return [as_entered(line, site) for line in structure_rows(item) if line.pk not in seen]


def _with_version(rows: list[EditorRow], index: str, request: PageRequest) -> list[EditorRow]:
    """Return the rows with a new version of a line that starts tomorrow; the existing version ends today."""
    found = next((row for row in rows if str(row.index) == index), None)
    if found is None:
        return rows
    today = request.visit.today
    tomorrow = today + timedelta(days=1)
    later = EditorRow(0, {**found.values, "starts": tomorrow.isoformat()})
    found.values = {**found.values, "ends": today.isoformat()}
    place = rows.index(found) + 1
    return [*rows[:place], later, *rows[place:]]


def _read(rows: Sequence[EditorRow], site: Site) -> None:
    """Return the entered lines. A value that can't be read is a fault of its field."""
    named = {row.values["component"].strip() for row in rows}
    items = {item.code: item for item in Item.objects.filter(code__in=named).select_related("stock_unit")}
    units = {unit.code: unit for unit in Unit.objects.all()}
    places = {place.path: place for place in Location.objects.filter(site=site)}
    pks = [row.pk for row in rows if row.pk is not None]
    olds = StructureLine.objects.filter(pk__in=pks).select_related("component", "unit")
    before = {line.pk: as_entered(line, site) for line in olds.prefetch_related("sources__location")}
    for row in rows:
        row.component = items.get(row.values["component"].strip())
        elsewhere = before[row.pk].elsewhere if row.pk in before else ()
        row.line = _line(row, units, places, elsewhere)


def _places(site: Site, item: Item) -> list[Location]:
    """Return the from-locations to offer: the active ones, and those that lines use now."""
    named = set(LineSource.objects.filter(site=site, line__item=item).values_list("location", flat=True))
    found = Location.objects.filter(site=site, has_balance=True).order_by("path")
    return [place for place in found if place.ended_on is None or place.pk in named]


def _line(
    row: EditorRow, units: Mapping[str, Unit], places: Mapping[str, Location], elsewhere: Sequence[Location]
) -> LineIn | None:
    code = row.values["component"].strip()
    if row.component is None:
        missing = _("There is no item %(code)s.") % {"code": code} if code else _("Name the component.")
        row.faults["component"] = missing
    unit_code, path_typed = row.values["unit"].strip(), row.values["source"].strip()
    own = row.component.stock_unit if row.component is not None else None
    unit = units.get(unit_code) if unit_code else own
    if unit_code and unit is None:
        row.faults["unit"] = _("There is no unit %(code)s.") % {"code": unit_code}
    if path_typed and path_typed not in places:
        row.faults["source"] = _("There is no location %(path)s.") % {"path": path_typed}
    number = _read_one(row, "number", lambda: whole_in(row.values, "number", most=LINE_MAX))
    quantity = _read_one(row, "quantity", lambda: number_in(row.values, "quantity", unit=unit_code, empty=None))
    waste = _read_one(row, "waste", lambda: number_in(row.values, "waste", unit="%"))
    fixed = _read_one(row, "fixed", lambda: number_in(row.values, "fixed", unit=unit_code))
    starts = _read_one(row, "starts", lambda: day_in(row.values, "starts"))
    ends = _read_one(row, "ends", lambda: day_in(row.values, "ends"))
    if number is None and "number" not in row.faults:
        row.faults["number"] = _("Give the line a number.")
    if row.faults or row.component is None or unit is None:
        return None
    return LineIn(
        number=number,
        component=row.component,
        quantity=quantity,
        unit=unit,
        waste=waste or ZERO,
        fixed=fixed or ZERO,
        by_hand=bool(row.values["by_hand"]),
        supplier_provides=bool(row.values["supplier_provides"]),
        source=places.get(path_typed),
        starts=starts,
        ends=ends,
        elsewhere=elsewhere,
    )


def _read_one(row: EditorRow, name: str, read: Any) -> Any:
    try:
        return read()
    except InvalidValue as refusal:
        row.faults[name] = refusal.sentence
        return None


def _judge(rows: Sequence[EditorRow], kept: Sequence[LineIn]) -> None:
    """Record the core's refusals of the lines, each at its row."""
    readable = [row for row in rows if row.line is not None]
    lines = [row.line.as_line() for row in readable if row.line is not None]
    for row, line in zip(readable, lines, strict=True):
        for refusal in line_refusals(line):
            row.fault(refusal)
    others = [line.as_line() for line in kept]
    for place, refusal in overlap_refusals([*others, *lines]):
        if place >= len(others):
            readable[place - len(others)].fault(refusal)


def _blame(item: Item, rows: Sequence[EditorRow], refusal: StructureLoop) -> None:
    """Show a structure loop at the lines that form it."""
    contains = contents()
    for row in rows:
        if row.line is not None:
            contains[item.pk] = {row.line.component.pk}
            if find_loop(contains, [item.pk]):
                row.fault(refusal)


def _show(
    request: PageRequest,
    item: Item,
    rows: Sequence[EditorRow],
    *,
    start: int,
    stamp: str,
    refusal: Refusal | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    lines = [row for row in rows if row.is_line]
    posted = request.method == "POST"
    total = StructureLine.objects.filter(item=item).count()
    seen = request.POST.get("seen", "") if posted else ",".join(str(row.pk) for row in lines)
    empty = [EditorRow(0, {"number": number}) for number in _next_numbers(item, lines)]
    shown = [*lines, *empty]
    codes = {row.values.get("component", "").strip() for row in shown if row.component is None}
    known = {found.code: found for found in Item.objects.filter(code__in=codes - {""}).select_related("stock_unit")}
    for index, row in enumerate(shown):
        row.index = index
        row.component = row.component or known.get(row.values.get("component", "").strip())
    faulty = [row for row in shown if row.faults]
    return render(
        request,
        "web/items/edit_structure.html",
        {
            "item": item,
            "rows": shown,
            "faulty": faulty,
            "refusal": refusal if refusal is not None and not faulty else None,
            "units": offered(Unit.objects.order_by("code")),
            "places": _places(request.visit.site, item),
            "start": start,
            "stamp": stamp,
            "seen": seen,
            "total": total,
            "first": start + 1,
            "last": min(start + SHOWN, total),
            "before": max(start - SHOWN, 0) if start else None,
            "after": start + SHOWN if start + SHOWN < total else None,
        },
        status=status,
    )


def _next_numbers(item: Item, rows: Sequence[EditorRow]) -> list[str]:
    """Return the next line numbers, in steps of ten."""
    typed = [whole_or_none(row.values.get("number", ""), most=LINE_MAX) or 0 for row in rows]
    last = StructureLine.objects.filter(item=item).order_by("-number").values_list("number", flat=True).first()
    top = max([last or 0, *typed])
    return [str((top // LINE_STEP + place) * LINE_STEP) for place in range(1, EMPTY_ROWS + 1)]


def _edit_or_change(request: PageRequest, code: str) -> HttpResponse:
    return (change_page if request.method == "POST" else edit_page)(request, code)


urlpatterns = [path("items/structure/<path:code>/", _edit_or_change, name="item-structure")]
