"""Which column of a file is which column of a table: said, remembered, named alike, or known by its usual words."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from backflush.core.refusals import InvalidValue
from backflush.imports.cell_types import CELLS, Cell
from backflush.imports.columns import TABLES, ImportTable
from backflush.imports.words import (
    BASE,
    EXTRA,
    HEADINGS,
    HINTS,
    LEVEL,
    NOT_FITTED,
    OF_THE_LINES,
    heading_key,
    unit_group,
)
from backflush.items.models import ComponentClass

LEFT_OUT: Final = ""
"""The column of a heading that is left out."""

COMMA: Final = "comma"
POINT: Final = "point"
DAY_FIRST: Final = "day-first"
MONTH_FIRST: Final = "month-first"

SAID: Final = "said"
REMEMBERED: Final = "remembered"
SAME_NAME: Final = "same name"
USUAL_WORD: Final = "usual word"

NUMBERS_OF_ITEMS: Final = frozenset({"item no", "item number", "item #"})
"""Headings of a position or, where nothing else names the component, of the component."""

_BRACKETS: Final = re.compile(r"\s*[(\[]([^)\]]*)[)\]]\s*$")
_POSITION: Final = re.compile(r"\d+(?:\.\d+)*\.?")


@dataclass(frozen=True, slots=True)
class Choices:
    """The user's answers about files from elsewhere.

    `table` is the table of a file that isn't named after one. `columns` are columns by heading, `LEFT_OUT` for none.
    `values` stand in empty cells and missing columns. `undated` says whether bookings without key and date like some of
    an earlier day are the same or new. `new_items` are the type codes of new items by their class.
    `accept` takes the columns that were matched by their usual words.
    """

    table: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    decimal: str = ""
    dates: str = ""
    cells: str = ""
    new_items: Mapping[str, str] = field(default_factory=dict)
    new_units: bool = False
    undated: str = ""
    accept: bool = False

    def __post_init__(self) -> None:
        """Refuse words that aren't among the answers (`InvalidValue`)."""
        _require_one_of(self.table, ("", *TABLES), "table")
        _require_one_of(self.decimal, ("", COMMA, POINT), "decimal")
        _require_one_of(self.dates, ("", DAY_FIRST, MONTH_FIRST), "dates")
        _require_one_of(self.cells, ("", *CELLS), "cells")
        _require_one_of(self.undated, ("", "same", "new"), "undated")
        for component_class in self.new_items:
            _require_one_of(component_class, ComponentClass.values, "new_items")

    @property
    def keys(self) -> dict[str, str]:
        """The columns by the key of their heading."""
        return {heading_key(heading): column for heading, column in self.columns.items()}


def _require_one_of(value: str, choices: Sequence[str], name: str) -> None:
    if value not in choices:
        known = [choice for choice in choices if choice]
        raise InvalidValue(
            "'{value}' is not a possible value. Enter one of: {choices}.", value=value, choices=known, field=name
        )


def pairs(text: Sequence[str], *, field_name: str) -> dict[str, str]:
    """Read NAME=VALUE pairs that are separated by commas. Refusals: `InvalidValue`."""
    found = {}
    for part in (part for one in text for part in one.split(",") if part.strip()):
        name, equals, value = part.rpartition("=")
        if not equals or not name.strip():
            raise InvalidValue("'{part}' is no pair. Write it like Qty=quantity.", part=part.strip(), field=field_name)
        found[name.strip()] = value.strip()
    return found


@dataclass(frozen=True, slots=True)
class ColumnMatch:
    """A heading of a file with the column that it stands for, `LEFT_OUT` for none, and how that was found."""

    heading: str
    column: str
    how: str
    unit: str = ""
    """The unit in brackets after the heading."""


def column_names(table: ImportTable) -> dict[str, str]:
    """Return what a file of a table may have, with its meaning: the columns, and what else is read."""
    return {**{column.name: column.means for column in table.columns}, **EXTRA.get(table.name, {})}


def same_name(heading: str) -> str:
    """Return a heading in the form of a column's name."""
    return "_".join(heading.strip().lower().replace("-", " ").replace("_", " ").split())


def header_at(rows: Sequence[Sequence[Cell]], table: ImportTable | None, said: Mapping[str, str]) -> tuple[int, int]:
    """Return the place of the row that is most like a header, and how many of its cells are known."""
    best = (next((place for place, row in enumerate(rows) if any(_texts(row))), 0), 0)
    for place, row in enumerate(rows):
        keys = [heading_key(text) for text in _texts(row) if text]
        found = max((_known(keys, one, said) for one in ([table] if table else TABLES.values())), default=0)
        if found > best[1]:
            best = (place, found)
    return best


def _texts(row: Sequence[Cell]) -> list[str]:
    return [cell.strip() if isinstance(cell, str) else "" for cell in row]


def _known(keys: Sequence[str], table: ImportTable, said: Mapping[str, str]) -> int:
    """Return how many columns of a table some headings name."""
    found = {
        column
        for key in keys
        for column in ([key] if key in said else [column for _, column in candidates(key, table)][:1])
    }
    return len(found)


def candidates(heading: str, table: ImportTable) -> list[tuple[int, str]]:
    """Return the columns that a heading may stand for, the most exact first, each with its rank."""
    key = heading_key(heading)
    names = column_names(table)
    found = [(-1, name) for name in names if heading_key(name) == key]
    words = HEADINGS.get(table.name, {})
    found += [(words[name].index(key), name) for name in words if name in names and key in words[name]]
    best = {name: rank for rank, name in sorted(found, reverse=True)}
    return sorted((rank, name) for name, rank in best.items())


def table_of(headings: Sequence[str], said: Mapping[str, str], values: Mapping[str, str]) -> list[str]:
    """Return the tables that headings fit best: the fewest needed columns missing, and the most headings known."""
    fits: dict[str, tuple[int, int]] = {}
    for name in HEADINGS:
        table = TABLES[name]
        if not set(said.values()) <= {*column_names(table), LEFT_OUT}:
            continue
        found = {match.column for match in matches(headings, table, said, {}, []) if match.column}
        there = {*found, *values, *columns_made(table, found)}
        missing = len(columns_missing(table, there))
        hints = sum(heading_key(heading) in HINTS.get(name, ()) for heading in headings)
        if len(found) > 1:
            fits[name] = (len(found) + hints - missing, -missing)
    best = max(fits.values(), default=None)
    return [name for name, fit in fits.items() if fit == best]


def columns_missing(table: ImportTable, there: Collection[str]) -> list[str]:
    """Return the columns that a file of a table needs and doesn't have. A structure line needs some quantity."""
    missing = [column.name for column in table.columns if column.required and column.name not in there]
    if table.name == "structures" and not {"quantity", "fixed"} & {*there, *missing}:
        missing.append("quantity")
    return missing


def columns_made(table: ImportTable, found: Collection[str]) -> frozenset[str]:
    """Return the needed columns of a bill of materials that are made from others."""
    if table.name != "structures":
        return frozenset()
    return frozenset({"line", "item"} if LEVEL in found else {"line"})


def matches(
    headings: Sequence[str],
    table: ImportTable,
    said: Mapping[str, str],
    remembered: Mapping[str, str],
    rows: Sequence[Sequence[Cell]],
) -> list[ColumnMatch]:
    """Return the column of each heading. `said` and `remembered` are columns by the key of the heading."""
    found: dict[int, ColumnMatch] = {}
    taken: set[str] = set()
    for known, how in ((said, SAID), (remembered, REMEMBERED)):
        for place, heading in enumerate(headings):
            column = known.get(heading_key(heading)) if heading else None
            repeatable = column in (LEFT_OUT, NOT_FITTED)
            if place not in found and column is not None and (repeatable or column not in taken):
                found[place] = ColumnMatch(heading, column, how)
                taken.add(column)
    ranked = [
        (rank, place, name, unit)
        for place, heading in enumerate(headings)
        if place not in found and heading
        for rank, name, unit in _ranked(heading, table)
    ]
    for rank, place, name, unit in sorted(ranked):
        if place not in found and (name not in taken or name == NOT_FITTED):
            found[place] = ColumnMatch(headings[place], name, SAME_NAME if rank < 0 else USUAL_WORD, unit)
            taken.add(name)
    whole = [found.get(place, ColumnMatch(heading, LEFT_OUT, "")) for place, heading in enumerate(headings)]
    return _of_structures(whole, rows) if table.name == "structures" else whole


def _ranked(heading: str, table: ImportTable) -> list[tuple[int, str, str]]:
    """Return the candidates of a heading; if it has none, those of the heading without the unit in brackets."""
    found = candidates(heading, table)
    bracket = _BRACKETS.search(heading)
    if found or bracket is None:
        return [(rank, name, "") for rank, name in found]
    unit = bracket[1].strip()
    if len(unit_group(unit)) == 1:
        return []
    short = candidates(heading[: bracket.start()], table)
    return [(max(rank, 0), name, unit) for rank, name in short if name == "quantity"]


def _of_structures(found: list[ColumnMatch], rows: Sequence[Sequence[Cell]]) -> list[ColumnMatch]:
    """Correct what only the cells of a bill of materials, or its other headings, tell.

    *Item* is its parent or, in the bills of CAD systems, a position. Dotted positions are levels. A second quantity
    beside that of the lines is the quantity that they are for.
    """
    by_column = {match.column: place for place, match in enumerate(found) if match.column}
    place = by_column.get("item")
    if (
        place is not None
        and found[place].how in (SAME_NAME, USUAL_WORD)
        and heading_key(found[place].heading) == "item"
    ):
        positions = _cells(rows, place)
        if not {"line", LEVEL} & by_column.keys() and "component" in by_column and _are_positions(positions):
            found[place] = ColumnMatch(found[place].heading, "line", USUAL_WORD)
            by_column["line"] = place
    place = by_column.get("line")
    if place is not None and "component" not in by_column and _numbers_items(found[place], _cells(rows, place)):
        found[place] = ColumnMatch(found[place].heading, "component", USUAL_WORD)
        place = None
    if place is not None and LEVEL not in by_column and any("." in cell.strip(".") for cell in _cells(rows, place)):
        found[place] = ColumnMatch(found[place].heading, LEVEL, found[place].how)
    place = by_column.get("item")
    if place is not None and found[place].how == USUAL_WORD and not _is_parent(found, place, by_column):
        found[place] = ColumnMatch(found[place].heading, LEFT_OUT, "")
    _tell_quantities_apart(found, by_column.get("quantity"))
    return found


def _numbers_items(match: ColumnMatch, cells: Sequence[str]) -> bool:
    """Return whether a heading that usually names positions has item codes below it."""
    return match.how == USUAL_WORD and heading_key(match.heading) in NUMBERS_OF_ITEMS and not _are_positions(cells)


def _tell_quantities_apart(found: list[ColumnMatch], place: int | None) -> None:
    """Read a plain quantity beside the quantity of the lines as the quantity of the parent that they are for."""
    lines = next((at for at, match in enumerate(found) if heading_key(match.heading) in OF_THE_LINES), None)
    plain = next((at for at, match in enumerate(found) if heading_key(match.heading) in ("quantity", "qty")), None)
    guessed = (SAME_NAME, USUAL_WORD, "")
    if place not in (lines, plain) or lines is None or plain is None:
        return
    if found[lines].how in guessed and found[plain].how in guessed:
        found[lines] = ColumnMatch(found[lines].heading, "quantity", USUAL_WORD)
        found[plain] = ColumnMatch(found[plain].heading, BASE, USUAL_WORD)


def _is_parent(found: Sequence[ColumnMatch], place: int, by_column: Mapping[str, int]) -> bool:
    """Return whether a heading names a parent: one that means any item does only beside one for components."""
    words = HEADINGS["structures"]["component"]
    if heading_key(found[place].heading) not in words:
        return True
    key = heading_key(found[by_column["component"]].heading) if "component" in by_column else ""
    return key in words[: words.index("part number")]


def _cells(rows: Sequence[Sequence[Cell]], place: int) -> list[str]:
    texts = [str(row[place]).strip() if place < len(row) and isinstance(row[place], str) else "" for row in rows]
    return [text for text in texts if text]


def _are_positions(cells: Sequence[str]) -> bool:
    first = cells[0].lstrip("0").rstrip(".") if cells else ""
    distinct = len(set(cells)) == len(cells)
    return distinct and first in ("1", "10", "1.1", "100") and all(map(_POSITION.fullmatch, cells))


def near_name(heading: str, table: ImportTable, taken: Sequence[str]) -> str:
    """Return the column that a heading is nearly called, if no heading has it yet."""
    free = [column.name for column in table.columns if column.name not in taken]
    return next(iter(get_close_matches(same_name(heading), free, 1, 0.8)), "")
