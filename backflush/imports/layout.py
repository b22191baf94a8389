"""Turns the rows of a file from elsewhere into rows of a table, cell by cell.

Amounts with a unit are divided, units get the plant's code, usual words become the table's choices. In a bill of
materials, levels become parents, a parent stands for the rows below it, and lines get numbers. Whatever is done is
noted, so that it can be shown before anything is imported.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cached_property
from typing import Final

from backflush.core.input_values import Dialect, read_amount, read_number
from backflush.core.quantity import written
from backflush.core.refusals import InvalidValue
from backflush.core.sentences import EXACT
from backflush.imports.cell_types import Cell, ShownNumber, TypedNumber
from backflush.imports.column_matches import DAY_FIRST, MONTH_FIRST, USUAL_WORD, Choices, ColumnMatch
from backflush.imports.columns import CellType, ImportTable
from backflush.imports.findings import Findings, ImportFault, as_fault
from backflush.imports.words import BASE, CHOICES, DESCRIPTION, LEVEL, NOT_FITTED, unit_group
from backflush.items.models import Item, Unit

LINE_STEP: Final = 10
NOTED_MOST: Final = 5
"""The number of rows or names that a notice lists."""

_CODE_AND_NAME: Final = re.compile(r"\[([^\[\]]+)\]\s+(.+)", re.DOTALL)
_DAY_WITH_POINTS: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_DAY_WITH_SLASHES: Final = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_DAY_AND_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d|\d{1,2}\.\d{1,2}\.\d{4})[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?")
_LEVEL: Final = re.compile(r"[.\s]*(\d+(?:\.\d+)*)\.?")
_NOT: Final = frozenset({"", "0", "no", "n", "false", "nein"})

PARENT: Final = ("structures", "item")
"""What a user says of it stands behind the parents of the file, which are repeated for the lines below them."""
PIECES: Final = "pcs"
SCRAP: Final = (
    "Waste is a share of the quantity taken: 4 % takes 100/96 of it. "
    "Convert scrap that is added to the quantity, as in SAP"
)
MEASURED: Final = frozenset({"kg", "g", "t", "m", "m2", "m3", "l", "ml", "h", "ft", "lb"})
MEASURED_DECIMALS: Final = "3"

Cells = dict[str, Cell]


class Plant:
    """The units and item codes of the plant, with which names in files are compared."""

    @cached_property
    def units(self) -> dict[str, str]:
        """The names of the units by code."""
        return dict(Unit.objects.filter(ended_on=None).order_by("pk").values_list("code", "name"))

    @cached_property
    def items(self) -> dict[str, list[str]]:
        """The item codes by their form without case."""
        found: dict[str, list[str]] = {}
        for code in Item.objects.values_list("code", flat=True):
            found.setdefault(code.casefold(), []).append(code)
        return found

    def unit(self, name: str) -> list[str]:
        """Return the units that a name may stand for: by code, then in any case or by name, then by usual names."""
        if name in self.units:
            return [name]
        key = name.casefold()
        same = [code for code, called in self.units.items() if key in (code.casefold(), called.casefold())]
        if same:
            return same
        group = unit_group(name)
        return [code for code, called in self.units.items() if code.casefold() in group or called.casefold() in group]

    def item(self, code: str) -> str:
        """Return the code of the item that differs from this one in case only, if there is just one."""
        known = self.items.get(code.casefold(), [])
        return known[0] if len(known) == 1 else code


@dataclass
class RowLayout:
    """The rows of one table of a file, as they are read from its cells."""

    table: ImportTable
    file: str
    columns: Sequence[ColumnMatch]
    choices: Choices
    dialect: Dialect
    plant: Plant
    findings: Findings
    notes: dict[str, list[str]] = field(default_factory=dict)
    """Notices, each with the rows or names that it is about."""
    descriptions: dict[str, str] = field(default_factory=dict)
    """Descriptions of components, by code."""
    component_units: dict[str, str] = field(default_factory=dict)
    """Units of components, by code."""
    first_rows: dict[str, int] = field(default_factory=dict)
    """The row in which each code of an item occurs first."""
    parents: set[str] = field(default_factory=set)
    unknown_units: dict[str, int] = field(default_factory=dict)
    """Units that the plant doesn't have, with the first row of each."""

    def rows(self, numbered: Iterator[tuple[int, Sequence[Cell]]]) -> Iterator[tuple[int, Cells]]:
        """Yield each row with its number and its cells by column."""
        rows = self._rows(numbered)
        return self._lines(rows) if self.table.name == "structures" else rows

    @property
    def notices(self) -> list[str]:
        """The notices as sentences."""
        return [f"{text}: {_listed(about)}." if about else f"{text}." for text, about in self.notes.items()]

    def note(self, text: str, about: str = "") -> None:
        """Add a row or name to a notice."""
        known = self.notes.setdefault(text, [])
        if about and about not in known:
            known.append(about)

    def fault(self, row: int, column: str, fault: str, remedy: str) -> None:
        """Record a fault of a row."""
        self.findings.add(ImportFault(self.table.name, self.file, row, column, fault, remedy))

    def pieces(self) -> str:
        """Return the plant's unit for pieces, for a new item without one; empty if there isn't exactly one."""
        known = self.plant.unit(PIECES)
        if len(known) == 1:
            self.note(f"New items without a unit are counted in {known[0]}")
        return known[0] if len(known) == 1 else ""

    def decimals_of(self, unit: str) -> str:
        """Return the decimals of a new item: 3 for what is weighed or measured, else none."""
        if not MEASURED & set(unit_group(unit)):
            return "0"
        self.note(f"New items in a unit that is measured have {MEASURED_DECIMALS} decimals", unit)
        return MEASURED_DECIMALS

    # Cells

    def _rows(self, numbered: Iterator[tuple[int, Sequence[Cell]]]) -> Iterator[tuple[int, Cells]]:
        names = {column.name for column in self.table.columns}
        if any(match.column == "waste" and match.how == USUAL_WORD for match in self.columns):
            self.note(SCRAP)
        for number, line in numbered:
            if not any(cell.strip() if isinstance(cell, str) else True for cell in line):
                continue
            if any(cell.strip() if isinstance(cell, str) else True for cell in line[len(self.columns) :]):
                remedy = "Put quotes around a cell that contains the separator."
                self.fault(number, "", "The row has more cells than columns.", remedy)
            cells: Cells = {
                name: value for name, value in self.choices.values.items() if (self.table.name, name) != PARENT
            }
            for place, match in enumerate(self.columns):
                cell = line[place] if place < len(line) else ""
                if not match.column or (isinstance(cell, str) and not cell.strip()):
                    continue
                if match.column != NOT_FITTED or cell_text(cell).casefold() not in _NOT:
                    cells[match.column] = cell.strip() if type(cell) is str else cell
            heading_unit = next((match.unit for match in self.columns if match.unit), "")
            if heading_unit and "unit" in names:
                cells.setdefault("unit", heading_unit)
            self._divide_amounts(number, cells, names)
            self._name_codes(cells)
            self._name_units(number, cells)
            self._read_words(cells)
            self._read_dates(cells)
            yield number, cells

    def _divide_amounts(self, number: int, cells: Cells, names: set[str]) -> None:
        """Divide 12 pcs into number and unit."""
        cell = cells.get("quantity")
        column = self.table.column("quantity")
        if column is None or column.kind is not CellType.NUMBER or "unit" not in names or type(cell) is not str:
            return
        try:
            amount = read_amount(cell, field="quantity", dialect=self.dialect)
        except InvalidValue:
            return
        if not amount.unit or amount.unit == "%":
            return
        unit = str(cells.get("unit", ""))
        if unit and unit_group(unit) != unit_group(amount.unit):
            self.fault(
                number, "unit", f"The quantity is in {amount.unit} and the unit is {unit}.", "Correct one of them."
            )
        self.note(
            "The unit after a quantity was read as its unit", f"{cell} as {written(amount.number)} and {amount.unit}"
        )
        cells["quantity"] = TypedNumber(written(amount.number))
        cells.setdefault("unit", amount.unit)

    def _name_codes(self, cells: Cells) -> None:
        """Take the code from [CODE] Name, and give known items the case of their code."""
        for column in ("component", "item", "code"):
            cell = cells.get(column)
            if type(cell) is not str or (self.table.name not in ("items", "structures") and column == "code"):
                continue
            found = _CODE_AND_NAME.fullmatch(cell)
            if found:
                self.note("The code in brackets was read as the item", f"{found[1]} of {cell}")
                cells[column] = cell = found[1].strip()
                if column == "component":
                    cells.setdefault(DESCRIPTION, found[2].strip())
            if column != "code":
                known = self.plant.item(cell)
                if known != cell:
                    self.note("The plant's code was taken for one in another case", f"{known} for {cell}")
                    cells[column] = known

    def _name_units(self, number: int, cells: Cells) -> None:
        cell = cells.get("unit")
        if not isinstance(cell, str) or not cell:
            return
        known = self.plant.unit(cell)
        if len(known) > 1:
            self.fault(number, "unit", f"{cell} can be {' or '.join(known)}.", "Use the plant's code of the unit.")
        elif known and known[0] != cell:
            self.note("A unit was read by its usual name", f"{cell} as {known[0]}")
            cells["unit"] = known[0]
        elif not known:
            self.unknown_units.setdefault(cell, number)

    def _read_words(self, cells: Cells) -> None:
        for (table, column), words in CHOICES.items():
            cell = cells.get(column)
            if table == self.table.name and isinstance(cell, str) and cell.casefold() in words:
                meant = words[cell.casefold()]
                self.note("A usual word was read", f"{cell} as {meant}")
                cells[column] = meant

    def _read_dates(self, cells: Cells) -> None:
        """Read 12.03.2026, and 12/03/2026 where the user has said which number is the day."""
        for column in self.table.columns:
            cell = cells.get(column.name)
            if column.kind is CellType.DAY:
                cell = self._without_time(cells, column.name)
            if column.kind not in (CellType.DAY, CellType.MOMENT) or type(cell) is not str:
                continue
            found = _DAY_WITH_POINTS.fullmatch(cell)
            month_first = self.choices.dates == MONTH_FIRST
            if found is None and self.choices.dates:
                found = _DAY_WITH_SLASHES.fullmatch(cell)
            if found is None:
                if _DAY_WITH_SLASHES.fullmatch(cell):
                    self.note(f"Say --dates {DAY_FIRST} or --dates {MONTH_FIRST} to read dates like {cell}")
                continue
            day, month = (found[2], found[1]) if month_first else (found[1], found[2])
            try:
                cells[column.name] = date(int(found[3]), int(month), int(day)).isoformat()
            except ValueError:
                continue
            self.note("A date was read", f"{cell} as {cells[column.name]}")

    def _without_time(self, cells: Cells, name: str) -> Cell | None:
        """Leave the time of a date out, and return what is left."""
        cell = cells.get(name)
        if isinstance(cell, datetime):
            cells[name] = cell.date().isoformat()
        elif isinstance(cell, str) and (found := _DAY_AND_TIME.fullmatch(cell)):
            cells[name] = found[1]
        else:
            return cell
        self.note("The time of a date was left out", f"{cell} is {cells[name]}")
        return cells[name]

    # Bills of materials

    def _lines(self, rows: Iterator[tuple[int, Cells]]) -> Iterator[tuple[int, Cells]]:
        """Yield the rows of a bill of materials as structure lines."""
        above: list[str] = []
        depths: list[int] = []
        parent: Cell = ""
        base: Cell = ""
        lines: dict[str, int] = {}
        filled = any(match.column == "item" for match in self.columns)
        said = self.choices.values.get("item", "")
        dotted = False
        if any(match.column == LEVEL for match in self.columns):
            whole = list(rows)
            dotted = any("." in cell_text(cells.get(LEVEL, "")).strip(". ") for _, cells in whole)
            rows = iter(whole)
        for number, cells in rows:
            level = cells.pop(LEVEL, None)
            depth = _depth(cell_text(level), dotted=dotted) if level is not None else None
            base = cells.pop(BASE, base if "item" not in cells else "")
            described = cells.pop(DESCRIPTION, "")
            if not self._is_fitted(number, cells.pop(NOT_FITTED, "")):
                continue
            component = cell_text(cells.get("component", ""))
            if level is not None:
                if not self._is_in_levels(number, cell_text(level), depth, component):
                    continue
                if not self._place_in_levels(number, depth or 0, component, above, depths, cells):
                    self._keep_component(number, component, described, {"unit": cells.get("unit", "")})
                    continue
            elif filled:
                parent = self._filled_down(number, cells, parent)
            if said and not above and cells.get("item", "") == "":
                cells["item"] = said
            if not component and "quantity" not in cells:
                self.note("Rows without component and quantity aren't lines", f"row {number}")
                continue
            self._keep_component(number, component, described, cells)
            self._divide_by_base(number, cells, base)
            self._number_line(cell_text(cells.get("item", "")), cells, lines)
            yield number, cells

    def _is_fitted(self, number: int, cell: Cell) -> bool:
        fitted = cell_text(cell).casefold() in _NOT
        if not fitted:
            self.note("Rows that are marked as not fitted or not listed are left out", f"row {number}")
        return fitted

    def _filled_down(self, number: int, cells: Cells, parent: Cell) -> Cell:
        """Repeat the parent of the rows above where a row names none."""
        if "item" in cells:
            return cells["item"]
        if parent != "":
            self.note(f"The parent {cell_text(parent)} is repeated from the rows above", f"row {number}")
            cells["item"] = parent
        return parent

    def _is_in_levels(self, number: int, level: str, depth: int | None, component: str) -> bool:
        if not component:
            self.note("Rows without component and quantity aren't lines", f"row {number}")
        elif depth is None:
            self.fault(number, LEVEL, f"'{level}' is no level.", "Write it like 1.1.1, or 0, 1, 2.")
        return bool(component) and depth is not None

    def _place_in_levels(
        self, number: int, depth: int, component: str, above: list[str], depths: list[int], cells: Cells
    ) -> bool:
        """Set the parent of a row by its level, and return whether the row is a line.

        A row on the highest level is a line of the item that the user named, if any, else a parent only.
        """
        while depths and depths[-1] >= depth:
            above.pop()
            depths.pop()
        said = self.choices.values.get("item", "")
        if above:
            cells["item"] = above[-1]
        elif said not in ("", component) and "quantity" in cells:
            cells["item"] = said
        above.append(component)
        depths.append(depth)
        if "item" in cells:
            self.note("The levels were turned into parents")
            return True
        self.note("A row of the highest level is read as a parent only; with --item it is a line", f"row {number}")
        return False

    def _keep_component(self, number: int, component: str, described: Cell, cells: Cells) -> None:
        """Remember what is known of the items of a row, for those that the plant doesn't have."""
        parent = cell_text(cells.get("item", ""))
        for code in (parent, component):
            if code:
                self.first_rows.setdefault(code, number)
        if parent:
            self.parents.add(parent)
        if described != "" and component:
            self.descriptions.setdefault(component, cell_text(described))
        unit = cell_text(cells.get("unit", ""))
        if unit and component:
            self.component_units.setdefault(component, unit)

    def _divide_by_base(self, number: int, cells: Cells, base: Cell) -> None:
        """Divide the quantity of a line by the quantity of the parent that it is for."""
        if base == "" or "quantity" not in cells:
            return
        try:
            divisor = read_number(cell_text(base), field=BASE, dialect=self.dialect)
            quantity = read_number(cell_text(cells["quantity"]), field="quantity", dialect=self.dialect)
        except InvalidValue as refusal:
            self.fault(number, BASE if refusal.field == BASE else "quantity", *as_fault(refusal))
            return
        if divisor == 1:
            return
        each = Fraction(quantity) / Fraction(divisor) if divisor > 0 else None
        exact = _as_decimal(each) if each is not None else None
        if exact is None:
            self.fault(
                number,
                "quantity",
                f"{written(quantity)} for {written(divisor)} pieces is no exact decimal for one.",
                "Give the quantity for one piece.",
            )
            return
        self.note("Quantities were divided by the quantity of the parent", f"row {number}")
        cells["quantity"] = TypedNumber(written(exact))

    def _number_line(self, parent: str, cells: Cells, lines: dict[str, int]) -> None:
        """Give a line without a whole number the next one, in steps of ten."""
        given = cell_text(cells.get("line", ""))
        if given.isdecimal() and given.isascii():
            lines[parent] = max(lines.get(parent, 0), int(given))
            return
        if not given or "." in given:
            lines[parent] = (lines.get(parent, 0) // LINE_STEP + 1) * LINE_STEP
            cells["line"] = TypedNumber(lines[parent])
            self.note("Line numbers were made in order: 10, 20, 30")


def _listed(about: Sequence[str]) -> str:
    more = f" and {len(about) - NOTED_MOST} more" if len(about) > NOTED_MOST else ""
    return ", ".join(about[:NOTED_MOST]) + more


def cell_text(cell: Cell) -> str:
    """Return a cell as it is shown."""
    if isinstance(cell, ShownNumber):
        return cell.shown or cell.stored
    return cell.strip() if isinstance(cell, str) else cell.isoformat()


def _depth(level: str, *, dotted: bool) -> int | None:
    """Return the depth of a level. In a file with dotted levels, 1.2.1 is 3 and 2 is 1; else ..3 and 3 are 3."""
    found = _LEVEL.fullmatch(level)
    if found is None:
        return None
    return found[1].count(".") + 1 if dotted else int(found[1])


def _as_decimal(ratio: Fraction) -> Decimal | None:
    """Return a ratio as an exact decimal, or None if it has none."""
    rest = ratio.denominator
    for prime in (2, 5):
        while not rest % prime:
            rest //= prime
    if rest > 1:
        return None
    try:
        return EXACT.divide(Decimal(ratio.numerator), Decimal(ratio.denominator))
    except InvalidOperation:
        return None
