"""What stands in a cell, as a value. A cell is never guessed at: what can't be read exactly is a fault."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from backflush.core.quantity import written
from backflush.imports.columns import CellType, ImportColumn

Cell = str | date | datetime
"""What a file gives: text as a person sees it; a workbook gives dates as dates."""

DIGITS_MAX: Final = 30
WHOLE_MAX: Final = 2**31 - 1
REMEMBERED_MAX: Final = 50_000
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
TRUTH: Final = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Unreadable(Exception):
    """A cell that can't be read, and what to do about it."""

    fault: str
    remedy: str


class Reader:
    """Reads the cells of one column; what was read before is remembered, because most columns repeat themselves."""

    def __init__(self, column: ImportColumn) -> None:
        self._column = column
        self._read = READERS[column.kind]
        self._known: dict[Cell, Any] = {}

    def __call__(self, cell: Cell) -> Any:
        """The value of a cell; an empty one is the column's default."""
        if cell in self._known:
            return self._known[cell]
        value = self._value(cell)
        if len(self._known) < REMEMBERED_MAX:
            self._known[cell] = value
        return value

    def _value(self, cell: Cell) -> Any:
        if isinstance(cell, str):
            cell = cell.strip()
            if "\0" in cell:
                raise Unreadable("holds a character that is no text.", "Write it anew.")
        if cell == "":
            if self._column.required:
                raise Unreadable("is empty.", f"Say it: {self._column.means[0].lower()}{self._column.means[1:]}")
            return self._column.default
        return self._read(self._column, cell)


def _text(column: ImportColumn, cell: Cell) -> str:
    if not isinstance(cell, str):
        raise Unreadable(
            f"is the date {cell} in the workbook, and a text is needed.", "Format the cell as text and write it again."
        )
    if column.length and len(cell) > column.length:
        raise Unreadable(f"has {len(cell)} characters.", f"Use at most {column.length}.")
    return cell


def _number(column: ImportColumn, cell: Cell) -> Decimal:
    value = _decimal(cell)
    if value < 0 or (column.positive and not value):
        least = "above zero" if column.positive else "0 or more"
        raise Unreadable(f"{cell} is not {least}.", f"Enter a number {least}.")
    return value


def _decimal(cell: Cell) -> Decimal:
    text = str(cell)
    if not NUMBER.fullmatch(text):
        raise Unreadable(
            f"{text!r} is not a number.", "Write it like 12.5: a point, no spaces or thousands separators."
        )
    value = Decimal(text)
    if len(value.as_tuple().digits) > DIGITS_MAX or abs(value.adjusted()) > DIGITS_MAX:
        raise Unreadable(f"{text!r} has too many digits.", f"Use at most {DIGITS_MAX}.")
    return value


def _ratio(column: ImportColumn, cell: Cell) -> Fraction:
    above, slash, below = str(cell).partition("/")
    numerator, denominator = (_decimal(part.strip()) for part in (above, below if slash else "1"))
    if numerator <= 0 or denominator <= 0:
        raise Unreadable(f"{cell} is not above zero.", "Write it like 1000 or 1/3.")
    return Fraction(numerator) / Fraction(denominator)


def _whole(column: ImportColumn, cell: Cell) -> int:
    value = _decimal(cell)
    if value != value.to_integral_value() or not 0 <= value <= WHOLE_MAX:
        raise Unreadable(f"{written(value)} is no whole number from 0.", "Write it like 10.")
    return int(value)


def _day(column: ImportColumn, cell: Cell) -> date:
    moment = _moment(column, cell)
    if isinstance(moment, datetime):
        raise Unreadable(f"{cell} has a time.", "Give the date alone, like 2026-03-12.")
    return moment


def _moment(column: ImportColumn, cell: Cell) -> date | datetime:
    if not isinstance(cell, str):
        return cell
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", cell, re.ASCII):
            return date.fromisoformat(cell)
        if re.fullmatch(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", cell, re.ASCII):
            return datetime.fromisoformat(cell)
    except ValueError:
        pass
    with_time = " or 2026-03-12T14:30" if column.kind is CellType.MOMENT else ""
    raise Unreadable(f"{cell!r} is no date.", f"Write it like 2026-03-12{with_time}.")


def _yes_no(column: ImportColumn, cell: Cell) -> bool:
    value = TRUTH.get(str(cell).lower())
    if value is None:
        raise Unreadable(f"{str(cell)!r} is neither yes nor no.", "Write yes or no.")
    return value


def _choice(column: ImportColumn, cell: Cell) -> str:
    for known in column.choices:
        if known.lower() == str(cell).lower():
            return known
    raise Unreadable(f"{str(cell)!r} is not one of those possible.", f"Write one of: {', '.join(column.choices)}.")


READERS: Final[dict[CellType, Callable[[ImportColumn, Cell], Any]]] = {
    CellType.TEXT: _text,
    CellType.NUMBER: _number,
    CellType.RATIO: _ratio,
    CellType.WHOLE: _whole,
    CellType.DAY: _day,
    CellType.MOMENT: _moment,
    CellType.YES_NO: _yes_no,
    CellType.CHOICE: _choice,
}


def as_seen(value: object) -> Cell:
    """A workbook's value as a person sees it in its cell.

    A workbook keeps every number as a binary float; fifteen digits are all that one can hold exactly, and all that
    a spreadsheet shows. So 0.1 is 0.1, and the code 1001 is 1001 and not 1001.0.
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
    """A value as a file has it, so that it is read back the same."""
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
