"""A table of lines that a person edits: any number of rows, each refusal at its cell.

    COLUMNS = [Field("item", _("Item"), FieldKind.CODE, codes="items"), Field("quantity", _("Quantity"), ...)]

    def show(request, refusal):
        table = EditTable(COLUMNS, read_rows(request.POST, COLUMNS))
        form = Form(FIELDS, request.POST, refusal, table=table)

    @posts(Verb.PURCHASE, again=show)
    def create(request):
        if changes_rows(request.POST):          # a button of the table: nothing is saved yet
            return show(request, None)
        faults = RowFaults()
        for row in entered_rows(read_rows(request.POST, COLUMNS), begun_by=("item", "quantity")):
            with faults.at(row, "quantity"):
                quantity = number_in(row.values, "quantity", empty=None)
        faults.require_none()

`{% edit_table form.table %}` draws it. The cell of a column in a row is the input `quantity-3`, rows counted from 0. A
refusal about the field `quantity-3` is shown there. Without script, buttons add a row, remove one or restore it by
sending the form. With `edit-table.js` the same happens in the page. There a new row also appears when the last one is
filled in, and cells take what is pasted from a spreadsheet.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from backflush.core.input_values import LINE_MAX
from backflush.core.line_numbers import fill_line_numbers
from backflush.core.refusals import DuplicateLine, Invalid, Refusal
from backflush.web.forms.fields import Field, FieldKind, Text
from backflush.web.forms.values import whole_in

ROWS_MAX: Final = 2000
"""How many rows one form can have; more come in by import."""
WIDE_FROM: Final = 7
"""So many columns are in one line on a tablet."""
SPARE_ROWS: Final = 3
"""How many empty rows a new table has."""
NEW_INDEX: Final = "__row__"
NEW_NUMBER: Final = "__number__"
"""Stand for the index and the number in the empty row that the script copies."""
ADD, REMOVE, RESTORE = "add-row", "remove-row", "restore-row"


class RowsRefused(Invalid):
    """Some cells of a table can't be taken as they are. `cells` has the refusal of each, by row and column."""

    code = "invalid_value"
    cells: Mapping[tuple[int, str], Refusal]


@dataclass(slots=True)
class TableRow:
    """One row as it was entered. `key` names the record that the row shows, if any."""

    index: int
    values: Mapping[str, str]
    key: str = ""
    removed: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    """Texts below cells, such as the description of an item."""
    placeholders: Mapping[str, str] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)

    def value(self, column: str) -> str:
        """Return what stands in a column, without spaces around it."""
        return self.values.get(column, "").strip()


class RowFaults:
    """Collects the refusals of cells while rows are read, so that all are shown at once."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, str], Refusal] = {}

    @contextmanager
    def at(self, row: TableRow, column: str) -> Iterator[None]:
        """Take a refusal that is raised within as a fault of the cell that it names, or of the one given here."""
        try:
            yield
        except Refusal as refusal:
            self.add(row, refusal.field if refusal.field in row.values else column, refusal)

    def add(self, row: TableRow, column: str, refusal: Refusal) -> None:
        """Add a fault to a cell; the first one of each cell is shown."""
        self.cells.setdefault((row.index, column), refusal)

    def has(self, row: TableRow) -> bool:
        """Return whether a row has any fault."""
        return any(index == row.index for index, _column in self.cells)

    def require_none(self) -> None:
        """Refuse all faults together."""
        if not self.cells:
            return
        rows = len({index for index, _column in self.cells})
        if rows == 1:
            refusal = RowsRefused("One line can't be saved as it is. Nothing was changed.")
        else:
            refusal = RowsRefused("{number} lines can't be saved as they are. Nothing was changed.", number=rows)
        refusal.cells = dict(self.cells)
        raise refusal


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as the template draws it."""

    column: Field
    row: int | str
    value: str
    note: str
    placeholder: str
    refusal: Refusal | None
    secondary: bool
    focus: bool

    @property
    def name(self) -> str:
        """The name of the input, which is its id too."""
        return f"{self.column.name}-{self.row}"

    @property
    def label(self) -> str:
        """The name of the input for screen readers."""
        return _("%(column)s, row %(number)s") % {"column": self.column.label, "number": number_of(self.row)}

    @property
    def is_number(self) -> bool:
        """Whether the value is written from the right."""
        return self.column.kind in {FieldKind.QUANTITY, FieldKind.WHOLE}


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One row as the template draws it."""

    index: int | str
    key: str
    removed: bool
    refused: bool
    filled: bool
    cells: Sequence[Cell]

    @property
    def number(self) -> str:
        """The number by which people count it."""
        return number_of(self.index)


def number_of(index: int | str) -> str:
    """Return the number by which people count a row."""
    return str(index + 1) if isinstance(index, int) else NEW_NUMBER


@dataclass(frozen=True, slots=True)
class RowButton:
    """A button on each row that shows a record: it sends the form with the row's index."""

    name: str
    label: Text


class EditTable:
    """A table of lines as a form shows it."""

    def __init__(
        self,
        columns: Sequence[Field],
        rows: Sequence[TableRow],
        *,
        label: Text,
        secondary: Collection[str] = (),
        button: RowButton | None = None,
        spare: int = SPARE_ROWS,
        hint: Text = "",
    ) -> None:
        """`secondary` columns move to a second line on tablets and are folded away on phones while they are empty."""
        self.columns = columns
        self.label = label
        self.button = button
        self.hint = hint
        self._secondary = secondary
        self._rows = [*rows]
        filled = len(rows)
        while filled and self._is_blank(self._rows[filled - 1]):
            filled -= 1
        # There is always an empty row at the end.
        missing = spare if not filled else max(1, spare - (len(self._rows) - filled))
        for _number in range(missing):
            self._rows.append(TableRow(len(self._rows), {}))
        self._by_index = {row.index: row for row in self._rows}
        self._names = {column.name for column in columns}
        self._focus: tuple[int, str] | None = None

    @property
    def is_wide(self) -> bool:
        """Whether the columns need two lines on a tablet."""
        return len(self.columns) > WIDE_FROM

    @property
    def has_secondary(self) -> bool:
        """Whether some columns are folded away on a phone."""
        return bool(self._secondary)

    def _is_blank(self, row: TableRow) -> bool:
        return not row.key and not any(row.value(column.name) for column in self.columns)

    def take(self, refusal: Refusal) -> bool:
        """Show a refusal at its cell, or cells; return whether there are any."""
        if isinstance(refusal, RowsRefused):
            cells = refusal.cells
        else:
            name, _dash, row = refusal.field.rpartition("-")
            if not row.isdecimal() or len(row) > len(str(ROWS_MAX)):
                return False
            cells = {(int(row), name): refusal}
        taken = {
            (index, self._column_of(column)): fault
            for (index, column), fault in cells.items()
            if index in self._by_index and self._column_of(column)
        }
        for (index, column), fault in taken.items():
            self._by_index[index].refusals.setdefault(column, fault)
        self._focus = min(taken, key=self._position, default=None)
        return bool(taken)

    def _column_of(self, name: str) -> str:
        return next((column.name for column in self.columns if name in column.names), "")

    def _position(self, cell: tuple[int, str]) -> tuple[int, int]:
        index, name = cell
        return index, [column.name for column in self.columns].index(name)

    @property
    def refused_cells(self) -> list[tuple[str, Refusal]]:
        """The cells that were refused, each with the id of its input."""
        return [
            (f"{name}-{row.index}", refusal) for row in self._rows for name, refusal in sorted(row.refusals.items())
        ]

    @property
    def rows(self) -> list[ShownRow]:
        """The rows, the empty ones at the end."""
        return [
            ShownRow(
                index=row.index,
                key=row.key,
                removed=row.removed,
                refused=bool(row.refusals),
                filled=not self._is_blank(row),
                cells=[self._cell(row.index, row, column) for column in self.columns],
            )
            for row in self._rows
        ]

    @property
    def new_row(self) -> ShownRow:
        """The empty row that the script copies."""
        empty = TableRow(-1, {})
        cells = [self._cell(NEW_INDEX, empty, column) for column in self.columns]
        return ShownRow(NEW_INDEX, "", removed=False, refused=False, filled=False, cells=cells)

    def _cell(self, index: int | str, row: TableRow, column: Field) -> Cell:
        return Cell(
            column=column,
            row=index,
            value=row.values.get(column.name, ""),
            note=row.notes.get(column.name, ""),
            placeholder=row.placeholders.get(column.name, ""),
            refusal=row.refusals.get(column.name),
            secondary=column.name in self._secondary,
            focus=self._focus == (row.index, column.name),
        )


def read_rows(form_data: Mapping[str, str], columns: Sequence[Field], *, most: int = ROWS_MAX) -> list[TableRow]:
    """Read the rows of a form as they were entered, with those that were just added, removed or restored."""
    rows: list[TableRow] = []
    while len(rows) < most and any(f"{column.name}-{len(rows)}" in form_data for column in columns):
        index = len(rows)
        values = {column.name: form_data.get(f"{column.name}-{index}", "") for column in columns}
        removed = bool(form_data.get(f"removed-{index}"))
        if form_data.get(REMOVE) == str(index):
            removed = True
        if form_data.get(RESTORE) == str(index):
            removed = False
        rows.append(TableRow(index, values, key=form_data.get(f"key-{index}", ""), removed=removed))
    if ADD in form_data and len(rows) < most:
        rows.append(TableRow(len(rows), {}))
    return rows


def line_numbers(
    rows: Sequence[TableRow],
    faults: RowFaults,
    *,
    column: str = "number",
    taken: Collection[int] = (),
    unique: bool = True,
) -> list[int]:
    """Read the line numbers of some rows, and fill in those that were left empty (`fill_line_numbers`).

    `taken` are numbers of lines that the table doesn't show. Unless `unique` is false, a number that an earlier row has
    too is refused.
    """
    numbers: list[int | None] = []
    for row in rows:
        number = None
        with faults.at(row, column):
            number = whole_in(row.values, column, most=LINE_MAX)
            if unique and number is not None and number in numbers:
                raise DuplicateLine("Another line has the number {number} too. Enter another number.", number=number)
        numbers.append(number)
    return fill_line_numbers(numbers, taken=taken)


def changes_rows(form_data: Mapping[str, str]) -> bool:
    """Return whether the form was sent by a button of the table: then it is shown again, and nothing is saved."""
    return any(button in form_data for button in (ADD, REMOVE, RESTORE))


def entered_rows(rows: Sequence[TableRow], begun_by: Collection[str]) -> list[TableRow]:
    """Return the rows that are lines: not removed, and filled in in one of some columns."""
    return [row for row in rows if not row.removed and (row.key or any(row.value(name) for name in begun_by))]
