"""Structures. A row is one line of an item; lines that the files don't name stay, unless they are to be removed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from backflush.core.quantity import written
from backflush.core.structure import line_refusals, overlap_refusals
from backflush.imports.context import BATCH, Work
from backflush.imports.files import ImportRow
from backflush.imports.master_data import UPDATE, note_difference
from backflush.items.models import Item
from backflush.structures.models import StructureLine
from backflush.structures.services import LineIn, as_entered, set_structures

TABLE = "structures"
COLUMNS = {"end": "ends"}
ATTRIBUTES: Final[Mapping[str, str]] = {
    "component": "component",
    "quantity": "quantity",
    "unit": "unit",
    "waste": "waste",
    "fixed": "fixed",
    "by_hand": "by_hand",
    "supplier_provides": "supplier_provides",
    "from": "source",
    "ends": "ends",
}
"""The columns that may differ from a line in the database, with the attributes of `LineIn`."""

LineKey = tuple[int, Any]
"""A line's number and first day, which identify it within its item."""


class ItemLines(NamedTuple):
    """The structure lines of one item, with their rows."""

    item: Item
    rows: list[ImportRow]
    lines: list[LineIn]


class Merged(NamedTuple):
    """The whole structure of an item after an import, with the number of its new and changed rows, and those gone."""

    rows: ItemLines
    whole: list[LineIn]
    new: int
    changed: int
    removed: list[LineIn]


def take_structures(work: Work) -> None:
    """Add lines to the structures of items, and change existing lines with --update.

    Lines that the files leave out of an item's structure stay; with --replace they are removed, and named.
    """
    groups = [group for group in _groups(work) if _sound(work, group)]
    known = _known(work, groups)
    wanted: list[tuple[ImportRow, Merged]] = []
    for group in groups:
        there = known.get(group.item.pk, {})
        if there and not work.update and _differs(work, group, there):
            continue
        merged = _merge(work, group, there)
        work.counts[TABLE].there += len(group.rows) - merged.new - merged.changed
        if merged.new or merged.changed or merged.removed:
            wanted.append((group.rows[0], merged))
    for _, merged in work.hand_over(TABLE, wanted, _set_all, COLUMNS):
        counts = work.counts[TABLE]
        counts.new += merged.new
        counts.changed += merged.changed
        counts.removed += [
            f"{merged.rows.item.code} line {line.number} ({line.component.code})" for line in merged.removed
        ]


def _merge(work: Work, group: ItemLines, there: Mapping[LineKey, LineIn]) -> Merged:
    """Return what becomes of an item's structure: its rows, and the lines in the database that they don't name."""
    here = {_key(line): _over(work, row, line, there.get(_key(line))) for row, line in _pairs(group)}
    left = [line for key, line in there.items() if key not in here]
    new = sum(key not in there for key in here)
    changed = sum(key in there and _facts(line) != _facts(there[key]) for key, line in here.items())
    kept, removed = ([], left) if work.replace else (left, [])
    return Merged(group, [*here.values(), *kept], new, changed, removed)


def _pairs(group: ItemLines) -> list[tuple[ImportRow, LineIn]]:
    return list(zip(group.rows, group.lines, strict=True))


def _key(line: LineIn) -> LineKey:
    return line.number, line.starts


def _over(work: Work, row: ImportRow, line: LineIn, before: LineIn | None) -> LineIn:
    """Return a row's line; a column that its file leaves out keeps what the database has."""
    if before is None:
        return line
    site = line.source.site_id if line.source is not None else None
    at = [*before.elsewhere, *([before.source] if before.source is not None else [])]
    given = work.sheets[TABLE].given
    if "from" in given:
        site = site or getattr(work.site(TABLE, row), "pk", None)
        line = replace(line, elsewhere=[place for place in at if place.site_id != site])
    else:
        line = replace(line, source=None, elsewhere=at)
    left_out = {attribute for column, attribute in ATTRIBUTES.items() if column not in given} - {"source"}
    return replace(line, **{name: getattr(before, name) for name in left_out})


def _differs(work: Work, group: ItemLines, there: Mapping[LineKey, LineIn]) -> bool:
    """Record each row that differs from its line in the database, or has none, and return whether any does."""
    found = False
    for row, line in _pairs(group):
        before = there.get(_key(line))
        if before is None:
            work.fault(TABLE, row, "line", f"{group.item.code} has no such line in the database.", UPDATE)
            found = True
            continue
        over = _over(work, row, line, before)
        for column, value, earlier in _differences(over, before):
            note_difference(work, TABLE, row, column, earlier, value)
            found = True
    return found


def _differences(line: LineIn, before: LineIn) -> list[tuple[str, object, object]]:
    pairs = [(column, getattr(line, name), getattr(before, name)) for column, name in ATTRIBUTES.items()]
    found = [(column, value, earlier) for column, value, earlier in pairs if column != "from" and value != earlier]
    if _places(line) != _places(before):
        found.append(("from", ", ".join(_places(line)), ", ".join(_places(before))))
    return found


def _places(line: LineIn) -> list[str]:
    """Return the paths of a line's own from-locations at all sites."""
    return sorted(place.path for place in (line.source, *line.elsewhere) if place is not None)


def _facts(line: LineIn) -> tuple[object, ...]:
    """Return what two lines are compared by."""
    return (
        line.component.pk,
        written(line.quantity),
        line.unit.pk,
        written(line.waste),
        written(line.fixed),
        line.by_hand,
        line.supplier_provides,
        _places(line),
        line.ends,
    )


def _set_all(merged: list[Merged]) -> list[Merged]:
    set_structures({one.rows.item: one.whole for one in merged})
    return merged


def _groups(work: Work) -> list[ItemLines]:
    groups: dict[str, ItemLines] = {}
    broken = {key[0] for key in work.sheets[TABLE].faulty} if TABLE in work.sheets else set()
    for row in work.rows(TABLE):
        item = work.find(TABLE, row, "item", work.items, row["item"])
        line = _line(work, row)
        if item is None or line is None:
            broken.add(row["item"])
            continue
        group = groups.setdefault(item.code, ItemLines(item, [], []))
        group.rows.append(row)
        group.lines.append(line)
    # A structure with a faulty row can't be compared.
    return [group for code, group in groups.items() if code not in broken]


def _line(work: Work, row: ImportRow) -> LineIn | None:
    component = work.find(TABLE, row, "component", work.items, row["component"])
    unit = component.stock_unit if component is not None else None
    if row["unit"]:
        unit = work.find(TABLE, row, "unit", work.units, row["unit"])
    source = work.location(TABLE, row, "from") if row["from"] else None
    if component is None or unit is None or (row["from"] and source is None):
        return None
    return LineIn(
        number=row["line"],
        component=component,
        quantity=row["quantity"],
        unit=unit,
        waste=row["waste"],
        fixed=row["fixed"],
        by_hand=row["by_hand"],
        supplier_provides=row["supplier_provides"],
        source=source,
        starts=row["starts"],
        ends=row["ends"],
    )


def _sound(work: Work, group: ItemLines) -> bool:
    """Return whether an item's lines are valid, each by itself and together."""
    lines = [line.as_line() for line in group.lines]
    wrong = [(place, refusal) for place, line in enumerate(lines) for refusal in line_refusals(line)]
    wrong += overlap_refusals(lines)
    for place, refusal in wrong:
        work.refused(TABLE, group.rows[place], refusal, COLUMNS)
    return not wrong


def _known(work: Work, groups: Sequence[ItemLines]) -> dict[int, dict[LineKey, LineIn]]:
    """Return the existing lines of some items, by item and by the key of the line."""
    found: dict[int, dict[LineKey, LineIn]] = {}
    site = next(iter(work.sites.values()), None)
    if site is None:
        return found
    for start in range(0, len(groups), BATCH):
        items = [group.item.pk for group in groups[start : start + BATCH]]
        rows = StructureLine.objects.filter(item__in=items).select_related("component__stock_unit", "unit")
        for row in rows.prefetch_related("sources__location").order_by("number"):
            line = as_entered(row, site)
            found.setdefault(row.item_id, {})[_key(line)] = line
    return found
