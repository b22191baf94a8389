"""Structures: the rows of an item are its whole structure."""

from collections.abc import Sequence
from typing import NamedTuple

from backflush.core.quantity import written
from backflush.core.structure import line_refusals, overlap_refusals
from backflush.imports.context import BATCH, Work
from backflush.imports.files import ImportRow
from backflush.imports.master_data import UPDATE
from backflush.items.models import Item
from backflush.structures.models import LineSource, StructureLine
from backflush.structures.services import LineIn, set_structures

TABLE = "structures"
COLUMNS = {"end": "ends"}

Facts = tuple[object, ...]


class ItemLines(NamedTuple):
    """The structure lines of one item, with their rows."""

    item: Item
    rows: list[ImportRow]
    lines: list[LineIn]


def take_structures(work: Work) -> None:
    """Replace the structure of every item that has rows."""
    groups = _groups(work)
    known = _known(work, groups)
    wanted: list[tuple[ImportRow, ItemLines]] = []
    for group in groups:
        if not _sound(work, group):
            continue
        here, there = [_facts_here(line) for line in group.lines], known.get(group.item.pk, [])
        if there and sorted(map(str, here)) == sorted(map(str, there)):
            work.counts[TABLE].there += len(group.rows)
        elif there and not work.update:
            _note_differences(work, group, here, there)
        else:
            wanted.append((group.rows[0], group))
    for _, group in work.hand_over(TABLE, wanted, _set_all, COLUMNS):
        if group.item.pk in known:
            work.counts[TABLE].changed += len(group.rows)
        else:
            work.counts[TABLE].new += len(group.rows)


def _set_all(groups: list[ItemLines]) -> list[ItemLines]:
    set_structures({group.item: group.lines for group in groups})
    return groups


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


def _known(work: Work, groups: Sequence[ItemLines]) -> dict[int, list[Facts]]:
    """Return the existing lines of some items, as values to compare."""
    found: dict[int, list[Facts]] = {}
    for start in range(0, len(groups), BATCH):
        items = [group.item.pk for group in groups[start : start + BATCH]]
        sources: dict[int, list[int]] = {}
        for owner, location in LineSource.objects.filter(line__item__in=items).values_list("line", "location"):
            sources.setdefault(owner, []).append(location)
        for line in StructureLine.objects.filter(item__in=items).order_by():
            found.setdefault(line.item_id, []).append(_facts_there(line, sources.get(line.pk, [])))
    return found


def _facts_here(line: LineIn) -> Facts:
    return (
        line.number,
        line.component.pk,
        written(line.quantity),
        line.unit.pk,
        written(line.waste),
        written(line.fixed),
        line.by_hand,
        line.supplier_provides,
        [line.source.pk] if line.source is not None else [],
        line.starts,
        line.ends,
    )


def _facts_there(line: StructureLine, sources: list[int]) -> Facts:
    return (
        line.number,
        line.component_id,
        written(line.quantity),
        line.unit_id,
        written(line.waste),
        written(line.fixed),
        line.by_hand,
        line.supplier_provides,
        sources,
        line.starts,
        line.ends,
    )


def _note_differences(work: Work, group: ItemLines, here: Sequence[Facts], there: Sequence[Facts]) -> None:
    for row, line in zip(group.rows, here, strict=True):
        if line not in there:
            work.fault(TABLE, row, "line", f"{group.item.code} has no such line in the database.", UPDATE)
    gone = sum(line not in here for line in there)
    if gone:
        lines = "a line" if gone == 1 else f"{gone} lines"
        fault = f"{group.item.code} has {lines} in the database that {'is' if gone == 1 else 'are'} missing here."
        work.fault(TABLE, group.rows[0], "item", fault, UPDATE)
