"""Reads the cells of an import as text, number, date or choice. Whatever can't be read exactly is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from backflush.core.input_values import (
    LINE_MAX,
    PLAIN,
    Dialect,
    read_day,
    read_moment,
    read_number,
    read_ratio,
    read_whole,
    require_plausible,
    require_text,
    shortened,
    split_serials,
)
from backflush.core.quantity import written
from backflush.core.refusals import InvalidValue
from backflush.imports.columns import CellType, ImportColumn


class TypedNumber(str):
    """A number of a workbook. Its text has a decimal point, whatever decimal sign the texts of the file have."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ShownNumber:
    """A number of a workbook that its cell shows in another way: 0012, 4%, 1,234, or 0.33 for 0.333333.

    `shown` is the text of the cell, empty where the format isn't followed; `stored` is the number without its format,
    and `read` the number that a reader of the cell sees. `plain` says that the text is the same in every language.
    """

    shown: str
    stored: str
    read: str
    plain: bool = True
    percent: bool = False

    def __bool__(self) -> bool:
        return True


Cell = str | date | datetime | ShownNumber
"""A raw cell: text as displayed, or a date or number from a workbook."""

SHOWN: Final = "shown"
STORED: Final = "stored"
CELLS: Final = (SHOWN, STORED)
"""The answers to the question how a cell is read that shows another number than it contains."""

REMEMBERED_MAX: Final = 50_000
TRUTH: Final = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}


class Reader:
    """Reads the cells of one column. Results are cached, because most columns repeat few values."""

    def __init__(self, column: ImportColumn, dialect: Dialect = PLAIN, *, cells: str = "") -> None:
        """Take a column, the number format of its texts, and the answer for cells that hide a part of their number."""
        self._column, self._dialect, self._cells = column, dialect, cells
        self._read = READERS[column.kind] if column.input is None else _entered
        self._known: dict[Cell, Any] = {}

    def __call__(self, cell: Cell) -> Any:
        """Return the value of a cell, or the column's default for an empty one. Refusals: `InvalidValue`."""
        if isinstance(cell, ShownNumber | TypedNumber):
            return self._number_cell(cell)
        if cell in self._known:
            return self._known[cell]
        value = self._value(cell)
        if len(self._known) < REMEMBERED_MAX:
            self._known[cell] = value
        return value

    def _number_cell(self, cell: ShownNumber | TypedNumber) -> Any:
        """Read a number of a workbook: a code as the cell shows it, a number exactly."""
        column = self._column
        text = str(cell) if isinstance(cell, TypedNumber) else shown_text(column, cell, self._cells)
        return self._read(column, require_text(text, field=column.name), PLAIN)

    def _value(self, cell: Cell) -> Any:
        if isinstance(cell, str):
            cell = require_text(cell.strip(), field=self._column.name)
        if cell == "":
            if self._column.required:
                means = f"{self._column.means[0].lower()}{self._column.means[1:]}"
                raise InvalidValue("The cell is empty. Enter {meaning}", meaning=means, field=self._column.name)
            return self._column.default
        return self._read(self._column, cell, self._dialect)


def _text(column: ImportColumn, cell: Cell, dialect: Dialect) -> str:
    if not isinstance(cell, str):
        raise InvalidValue(
            "The cell holds the date {value}, but a text is needed. Format the cell as text and enter it again.",
            value=str(cell),
            field=column.name,
        )
    if column.length and len(cell) > column.length:
        raise InvalidValue(
            "'{value}' has {length} characters. Use at most {most}.",
            value=shortened(cell),
            length=len(cell),
            most=column.length,
            field=column.name,
        )
    return cell


def _number(column: ImportColumn, cell: Cell, dialect: Dialect) -> Decimal:
    text = str(cell).removesuffix("%").rstrip() if column.percent else str(cell)
    value = read_number(text, field=column.name, dialect=dialect)
    if value < 0 or (column.positive and not value):
        text = shortened(str(cell))
        if column.positive:
            raise InvalidValue("'{value}' is not above zero. Enter a number above zero.", value=text, field=column.name)
        raise InvalidValue("'{value}' is below zero. Enter 0 or more.", value=text, field=column.name)
    return value


def shown_text(column: ImportColumn, cell: ShownNumber, answer: str) -> str:
    """Return the text that a column reads of a number that its cell shows in another way.

    A column of text takes what is shown. A column of numbers takes the number where the cell shows all of it, and per
    cent where the column is in per cent. Everything else is asked about (`InvalidValue`), unless the answer is given.
    """
    if column.kind not in NUMBERS:
        if cell.plain or answer == SHOWN:
            return cell.shown
        if answer == STORED:
            return cell.stored
        raise _two_readings(column, cell.shown or cell.stored, cell.stored)
    if cell.percent and not column.percent and answer != STORED:
        raise InvalidValue(
            "The cell shows {shown}, and this column isn't in per cent. Enter the number itself.",
            shown=cell.shown,
            field=column.name,
        )
    stored = cell.stored
    if cell.percent and column.percent:
        stored = written(Decimal(stored) * 100)
    if cell.read == stored or answer == STORED:
        return stored
    if answer == SHOWN and cell.read:
        return cell.read
    raise _two_readings(column, cell.shown or cell.read, stored)


def _two_readings(column: ImportColumn, shown: str, stored: str) -> InvalidValue:
    return InvalidValue(
        "The cell shows {shown} and contains {stored}. Show all of it, or enter what is meant.",
        shown=shown,
        stored=stored,
        field=column.name,
    )


def _ratio(column: ImportColumn, cell: Cell, dialect: Dialect) -> Fraction:
    value = read_ratio(str(cell), field=column.name, dialect=dialect)
    if value <= 0:
        raise InvalidValue(
            "'{value}' is not above zero. Enter it like 1000 or 1/3.", value=shortened(str(cell)), field=column.name
        )
    return value


def _whole(column: ImportColumn, cell: Cell, dialect: Dialect) -> int:
    return read_whole(str(cell), field=column.name, most=LINE_MAX)


def _day(column: ImportColumn, cell: Cell, dialect: Dialect) -> date:
    if isinstance(cell, str):
        return read_day(cell, field=column.name)
    assert isinstance(cell, date), "numbers are given as text"
    return read_day(cell.isoformat(), field=column.name)


def _moment(column: ImportColumn, cell: Cell, dialect: Dialect) -> date | datetime:
    if isinstance(cell, str):
        return read_moment(cell, field=column.name)
    assert isinstance(cell, date), "numbers are given as text"
    return require_plausible(cell, field=column.name)


def _entered(column: ImportColumn, cell: Cell, dialect: Dialect) -> Any:
    """Read a cell by the declaration of its input, as the other doors do."""
    assert column.input is not None, "columns of such cells are declared with their input"
    serials = column.kind is CellType.SERIALS and isinstance(cell, str)
    return column.input.read(split_serials(str(cell)) if serials else cell, dialect)


def _yes_no(column: ImportColumn, cell: Cell, dialect: Dialect) -> bool:
    value = TRUTH.get(str(cell).lower())
    if value is None:
        raise InvalidValue(
            "'{value}' is neither yes nor no. Enter yes or no.", value=shortened(str(cell)), field=column.name
        )
    return value


def _choice(column: ImportColumn, cell: Cell, dialect: Dialect) -> str:
    for known in column.choices:
        if known.lower() == str(cell).lower():
            return known
    raise InvalidValue(
        "'{value}' is not a possible value. Enter one of: {choices}.",
        value=shortened(str(cell)),
        choices=list(column.choices),
        field=column.name,
    )


NUMBERS: Final = frozenset({CellType.NUMBER, CellType.RATIO, CellType.WHOLE, CellType.QUANTITY})
"""The types of cells that are numbers."""

READERS: Final[dict[CellType, Callable[[ImportColumn, Cell, Dialect], Any]]] = {
    CellType.TEXT: _text,
    CellType.NUMBER: _number,
    CellType.RATIO: _ratio,
    CellType.WHOLE: _whole,
    CellType.DAY: _day,
    CellType.MOMENT: _moment,
    CellType.YES_NO: _yes_no,
    CellType.CHOICE: _choice,
    CellType.QUANTITY: _entered,
    CellType.SERIALS: _entered,
}


def as_seen(value: object) -> Cell:
    """Return a workbook value as the cell shows it.

    A workbook stores numbers as binary floats. Spreadsheets show at most fifteen digits, so the value is rounded to
    fifteen: 0.1 is 0.1, and the code 1001 is 1001 and not 1001.0.
    """
    match value:
        case bool():
            return "yes" if value else "no"
        case float() | int():
            return TypedNumber(written(Decimal(format(value, ".15g"))))
        case date() | datetime():
            return value
        case time():
            return value.isoformat()
    return "" if value is None else str(value)


def as_written(value: object) -> str:
    """Return a value in the form in which a file has it, so that it reads back equal."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return written(value)
        case Fraction():
            return f"{value.numerator}/{value.denominator}" if value.denominator > 1 else str(value.numerator)
        case date() | datetime():
            return value.isoformat()
    return str(value)
