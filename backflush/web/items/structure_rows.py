"""Structure lines as rows of an editable table: of an item's structure, and of an order's own copy."""

from collections.abc import Mapping, Sequence
from typing import Final

from django.utils.translation import gettext as _

from backflush.core.quantity import ZERO
from backflush.core.refusals import InvalidValue
from backflush.core.structure import line_refusals, overlap_refusals
from backflush.items.models import Item, Unit
from backflush.items.selectors import find_items, find_units, no_items, no_units
from backflush.stockmap.models import Location, Site
from backflush.stockmap.selectors import find_locations, location_at
from backflush.structures.services import LineIn
from backflush.web.forms.edit_table import RowFaults, TableRow, entered_rows, line_numbers
from backflush.web.forms.fields import Field, FieldKind, input_text
from backflush.web.forms.values import day_in, number_in

BEGUN_BY: Final = ("component", "quantity")
"""A row in which none of these is filled in isn't a line."""
SECONDARY: Final = ("waste", "fixed", "source", "starts", "ends", "by_hand", "supplier_provides")
"""Columns that most lines leave empty."""


def structure_columns(*, dated: bool) -> list[Field]:
    """Return the columns of a structure; with dates where lines can have versions."""
    dates = [
        Field("starts", _("In force from"), FieldKind.DATE, also=("start",)),
        Field("ends", _("Until"), FieldKind.DATE, also=("end",)),
    ]
    return [
        Field("number", _("Line"), FieldKind.WHOLE, also=("line",)),
        Field("component", _("Component"), FieldKind.CODE, codes="items"),
        Field("quantity", _("Quantity"), FieldKind.QUANTITY),
        Field("unit", _("Unit"), FieldKind.CODE, codes="units"),
        Field("waste", _("Waste %"), FieldKind.QUANTITY),
        Field("fixed", _("Once per order"), FieldKind.QUANTITY),
        Field("source", _("Own from-location"), FieldKind.CODE, codes="locations"),
        *(dates if dated else []),
        Field("by_hand", _("Issued by hand"), FieldKind.CHECKBOX),
        Field("supplier_provides", _("Supplier provides"), FieldKind.CHECKBOX),
    ]


def row_of(index: int, line: LineIn, *, key: str = "") -> TableRow:
    """Return a line as a row; numbers are written by the page's language."""
    values = {
        name: input_text(getattr(line, name))
        for name in ("number", "quantity", "by_hand", "supplier_provides", "starts", "ends")
    }
    values |= {name: input_text(getattr(line, name)) if getattr(line, name) else "" for name in ("waste", "fixed")}
    values |= {
        "component": line.component.code,
        "unit": line.unit.code,
        "source": line.source.path if line.source else "",
    }
    return TableRow(index, values, key=key, notes={"component": line.component.description})


def note_components(rows: Sequence[TableRow]) -> None:
    """Write the description of its component below each row, and its stock unit where the unit is left empty."""
    items = find_items({row.value("component") for row in rows})
    for row in rows:
        item = items.get(row.value("component"))
        if item is not None:
            row.notes = {"component": item.description}
            row.placeholders = {"unit": item.stock_unit.code}


def read_lines(
    rows: Sequence[TableRow],
    site: Site,
    *,
    kept: Sequence[LineIn] = (),
    elsewhere: Mapping[str, Sequence[Location]] | None = None,
    unique: bool = False,
) -> list[LineIn]:
    """Read the rows as structure lines; missing line numbers are filled in.

    `kept` are lines of the structure that the form doesn't show, `elsewhere` the own from-locations of other sites by
    the key of the row. Lines may share a number if they are in force at different times, unless it must be `unique`.
    Everything that is wrong is refused together, each at its cell (`RowsRefused`).
    """
    entered, faults = entered_rows(rows, BEGUN_BY), RowFaults()
    items = find_items({row.value("component") for row in entered})
    units = find_units({row.value("unit") for row in entered})
    places = find_locations(site, {row.value("source") for row in entered})
    numbers = line_numbers(entered, faults, taken=[line.number for line in kept], unique=unique)
    lines: list[tuple[TableRow, LineIn]] = []
    for row, number in zip(entered, numbers, strict=True):
        line = _line(row, number, faults, items, units, places, site, (elsewhere or {}).get(row.key, ()))
        if line is not None:
            lines.append((row, line))
    _check(lines, kept, faults)
    faults.require_none()
    return [line for _row, line in lines]


def _line(
    row: TableRow,
    number: int,
    faults: RowFaults,
    items: Mapping[str, Item],
    units: Mapping[str, Unit],
    places: Mapping[str, Location],
    site: Site,
    elsewhere: Sequence[Location],
) -> LineIn | None:
    """Read one row; None where anything in it is wrong."""
    code, unit_code, path = row.value("component"), row.value("unit"), row.value("source")
    component = items.get(code)
    quantity, waste, fixed, starts, ends = ZERO, ZERO, ZERO, None, None
    if component is None:
        faults.add(row, "component", no_items([code]) if code else InvalidValue("Enter the component."))
    unit = units.get(unit_code) if unit_code or component is None else component.stock_unit
    with faults.at(row, "unit"):
        if unit_code and unit is None:
            raise no_units([unit_code])
    with faults.at(row, "source"):
        if path and path not in places:
            location_at(site, path, field="source")
    with faults.at(row, "quantity"):
        quantity = number_in(row.values, "quantity", unit=unit_code, empty=None)
    with faults.at(row, "waste"):
        waste = number_in(row.values, "waste", unit="%")
    with faults.at(row, "fixed"):
        fixed = number_in(row.values, "fixed", unit=unit_code)
    with faults.at(row, "starts"):
        starts = day_in(row.values, "starts")
    with faults.at(row, "ends"):
        ends = day_in(row.values, "ends")
    if faults.has(row) or component is None or unit is None:
        return None
    return LineIn(
        number=number,
        component=component,
        quantity=quantity,
        unit=unit,
        waste=waste,
        fixed=fixed,
        by_hand=bool(row.value("by_hand")),
        supplier_provides=bool(row.value("supplier_provides")),
        source=places.get(path),
        starts=starts,
        ends=ends,
        elsewhere=elsewhere,
    )


def _check(lines: Sequence[tuple[TableRow, LineIn]], kept: Sequence[LineIn], faults: RowFaults) -> None:
    """Find what the core refuses of the lines, by themselves and together."""
    core_lines = [line.as_line() for _row, line in lines]
    for (row, _line), core_line in zip(lines, core_lines, strict=True):
        for refusal in line_refusals(core_line):
            faults.add(row, refusal.field or "component", refusal)
    others = [line.as_line() for line in kept]
    for position, refusal in overlap_refusals([*others, *core_lines]):
        if position >= len(others):
            faults.add(lines[position - len(others)][0], refusal.field or "number", refusal)
