"""Reads the cells of an import as text, number, date or choice. Whatever can't be read exactly is refused."""

from collections.abc import Callable
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

Cell = str | date | datetime
"""A raw cell: text as displayed, or a date from a workbook."""

REMEMBERED_MAX: Final = 50_000
TRUTH: Final = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}


class Reader:
    """Reads the cells of one column. Results are cached, because most columns repeat few values."""

    def __init__(self, column: ImportColumn, dialect: Dialect = PLAIN) -> None:
        self._column, self._dialect = column, dialect
        self._read = READERS[column.kind] if column.input is None else _entered
        self._known: dict[Cell, Any] = {}

    def __call__(self, cell: Cell) -> Any:
        """Return the value of a cell, or the column's default for an empty one. Refusals: `InvalidValue`."""
        if cell in self._known:
            return self._known[cell]
        value = self._value(cell)
        if len(self._known) < REMEMBERED_MAX:
            self._known[cell] = value
        return value

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
    value = read_number(str(cell), field=column.name, dialect=dialect)
    if value < 0 or (column.positive and not value):
        text = shortened(str(cell))
        if column.positive:
            raise InvalidValue("'{value}' is not above zero. Enter a number above zero.", value=text, field=column.name)
        raise InvalidValue("'{value}' is below zero. Enter 0 or more.", value=text, field=column.name)
    return value


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
    return read_day(cell.isoformat(), field=column.name)


def _moment(column: ImportColumn, cell: Cell, dialect: Dialect) -> date | datetime:
    if isinstance(cell, str):
        return read_moment(cell, field=column.name)
    return require_plausible(cell, field=column.name)


def _entered(column: ImportColumn, cell: Cell, dialect: Dialect) -> Any:
    """Read a cell by the declaration of the booking input."""
    assert column.input is not None, "only columns of bookings have such cells"
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
        case float():
            return written(Decimal(format(value, ".15g")))
        case date() | datetime():
            return value
        case time():
            return value.isoformat()
        case None:
            return ""
    return str(value)


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
