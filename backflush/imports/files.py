"""Reads files into rows: a folder of CSV files, one CSV file, or a workbook with a sheet per table.

A file with a table's own columns is read as it is. Any other is matched with a table by its usual words and by what
the user says; what was understood is shown, and accepted, before anything is imported.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from backflush.core.input_values import (
    COMMA_SAID,
    PLAIN,
    POINT_SAID,
    SEMICOLON_FILE,
    TAB_FILE,
    Dialect,
    is_ambiguous,
)
from backflush.core.refusals import InvalidValue
from backflush.imports.cell_types import Cell, Reader, ShownNumber, as_written
from backflush.imports.column_matches import (
    COMMA,
    LEFT_OUT,
    POINT,
    SAME_NAME,
    USUAL_WORD,
    Choices,
    ColumnMatch,
    column_names,
    columns_made,
    columns_missing,
    header_at,
    matches,
    near_name,
    same_name,
    table_of,
)
from backflush.imports.columns import TABLES, ImportTable
from backflush.imports.file_shapes import mapping_of
from backflush.imports.findings import Findings, ImportFault, as_fault
from backflush.imports.layout import Plant, RowLayout, cell_text
from backflush.imports.spreadsheets import sheets_of
from backflush.imports.text_files import LOOKED_AT, SEPARATORS, TextFile, UnreadableFile, most_regular, text_file
from backflush.imports.words import heading_key

README: Final = "README"
TEXT_FILES: Final = (".csv", ".txt", ".tsv", ".tab")
WORKBOOKS: Final = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
SAMPLES: Final = 3
SEPARATOR_NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab"}
DIALECTS: Final = {",": PLAIN, ";": SEMICOLON_FILE, "\t": TAB_FILE}
SAID_DIALECTS: Final = {COMMA: COMMA_SAID, POINT: POINT_SAID}


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row; empty cells hold the columns' defaults. `number` is the row number that a spreadsheet shows."""

    number: int
    values: tuple[Any, ...]
    places: Mapping[str, int]

    def __getitem__(self, column: str) -> Any:
        return self.values[self.places[column]]


@dataclass(slots=True)
class Understanding:
    """The reading of one file: its table, its header, which column is which, and the first rows as read.

    `certain` says that nothing was matched by usual words only: the columns have the table's own names, or were said
    or accepted before.
    """

    file: str
    table: str
    header_row: int = 0
    encoding: str = ""
    separator: str = ""
    matches: Sequence[ColumnMatch] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    samples: list[dict[str, str]] = field(default_factory=list)
    first_cells: Sequence[str] = ()
    """The cells of the first row below the header, as they are in the file."""
    certain: bool = True
    guessed: bool = False
    """Whether only the columns tell which table it is."""
    own: bool = True
    """Whether the columns are exactly those of the table."""
    answers: Mapping[str, str] = field(default_factory=dict)

    @property
    def left_out(self) -> list[str]:
        """The headings that are left out."""
        return [match.heading for match in self.matches if not match.column and match.heading]


@dataclass(slots=True)
class Sheet:
    """One table of the import: its valid rows, and what is known of the others.

    `given` are the columns in the file; a column that is left out changes nothing. `broken` are the rows with an
    unreadable cell, with the cells that could be read; `faulty` are their keys and those of rows that were found
    invalid later. `whole` is false if the file itself couldn't be read. `dialect` is the number format: in a file with
    semicolons the decimal sign is a comma.
    """

    table: ImportTable
    file: str
    given: frozenset[str] = frozenset()
    rows: list[ImportRow] = field(default_factory=list)
    broken: list[tuple[ImportRow, frozenset[str]]] = field(default_factory=list)
    faulty: set[tuple[Any, ...]] = field(default_factory=set)
    whole: bool = True
    found: int = 0
    dialect: Dialect = PLAIN
    cells: str = ""
    """The answer for workbook cells that show another number than they contain."""
    understanding: Understanding | None = None


@dataclass(slots=True)
class RawTable:
    """The rows of a file or of a sheet of a workbook, before it is known what they are.

    `name` is the name by which its table is found; `file` is how findings call it.
    """

    name: str
    file: str
    rows: Iterator[Sequence[Cell]]
    encoding: str = ""
    separator: str = ""
    notices: list[str] = field(default_factory=list)


def read(path: Path, findings: Findings, choices: Choices | None = None) -> dict[str, Sheet]:
    """Read all tables of a path. Whatever can't be read is added to the findings."""
    reading = _Reading(findings, choices or Choices())
    if path.is_dir():
        reading.folder(path)
    elif not path.exists():
        findings.add(ImportFault("", str(path), 0, "", "There is no such file or folder.", "Correct the path."))
    elif path.suffix.lower() in TEXT_FILES:
        reading.text_files([path])
    elif path.suffix.lower() in WORKBOOKS:
        reading.workbook(path)
    else:
        remedy = "Give a folder of CSV files, a CSV file, or an XLSX or ODS workbook."
        findings.add(ImportFault("", path.name, 0, "", "Files of this kind can't be imported.", remedy))
    return reading.sheets


class _Reading:
    """Reads the files of one import, one sheet for each table."""

    def __init__(self, findings: Findings, choices: Choices) -> None:
        self.findings, self.choices = findings, choices
        self.sheets: dict[str, Sheet] = {}
        self.plant = Plant()
        self.in_folder = False

    def folder(self, path: Path) -> None:
        self.in_folder = True
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in TEXT_FILES)
        if not files:
            remedy = "Give the workbook itself, or write templates with `backflush template DIR`."
            self.findings.add(ImportFault("", str(path), 0, "", "There is no CSV file in this folder.", remedy))
        self.text_files(files)

    def text_files(self, files: Iterable[Path]) -> None:
        for file in files:
            try:
                text = text_file(file.read_bytes())
                separator = self._separator(text, file.stem)
                notices = [] if text.encoding.startswith("UTF") else [f"The file was read as {text.encoding}."]
                rows = text.rows(separator)
                self._take(RawTable(file.stem, file.name, rows, text.encoding, separator, notices))
            except UnreadableFile as error:
                self._unreadable(file.stem, file.name, error)
            except OSError as error:
                fault = f"The file can't be opened: {error.strerror}."
                self._unreadable(file.stem, file.name, UnreadableFile(0, fault, "Check the file."))

    def _separator(self, text: TextFile, name: str) -> str:
        """Return the separator that divides the first rows into the most known headings."""
        if text.separator:
            return text.separator
        table, said = self._named(name), self.choices.keys
        first = {separator: text.first_rows(separator) for separator in SEPARATORS}
        known = {separator: header_at(rows, table, said)[1] for separator, rows in first.items()}
        best = [separator for separator in SEPARATORS if known[separator] == max(known.values())]
        return most_regular({separator: first[separator] for separator in best})

    def workbook(self, path: Path) -> None:
        try:
            raw = [
                RawTable(sheet.name, f"{path.name}: {sheet.name}", sheet.rows, notices=[] if sheet.as_shown else [OLD])
                for sheet in sheets_of(path)
                if same_name(sheet.name) != same_name(README)
            ]
            if not any(self._named(one.name) for one in raw):
                raw = self._of_elsewhere(path, raw)
            for one in raw:
                self._take(one)
        except UnreadableFile as error:
            self.findings.add(ImportFault("", path.name, error.row, "", error.fault, error.remedy))
        except OSError as error:
            fault = f"The workbook can't be read: {error}."
            self.findings.add(ImportFault("", path.name, 0, "", fault, "Save it as XLSX."))

    def _of_elsewhere(self, path: Path, raw: Sequence[RawTable]) -> list[RawTable]:
        """Return the sheets of a workbook that look like a table, if it has no sheet named after one."""
        found = []
        for one in raw:
            first = list(islice(one.rows, LOOKED_AT))
            if header_at(first, self._named(""), self.choices.keys)[1] > 1:
                found.append(replace(one, rows=chain(first, one.rows), file=one.file if len(raw) > 1 else path.name))
        if not found:
            fault = "No sheet of the workbook is named after a table or has columns that are known."
            remedy = f"Name a sheet one of: {', '.join(TABLES)}; or say what it is."
            option = "That is --as TABLE, and --map for its columns."
            self.findings.add(ImportFault("", path.name, 0, "", fault, remedy, option=option))
        return found

    def _named(self, name: str) -> ImportTable | None:
        """Return the table that the user names, else the one that a file is named after."""
        return TABLES.get(self.choices.table or same_name(name))

    def _unreadable(self, name: str, file: str, error: UnreadableFile) -> None:
        table = self._named(name)
        if table is not None:
            self.sheets.setdefault(table.name, Sheet(table, file)).whole = False
        self.findings.add(ImportFault(table.name if table else "", file, error.row, "", error.fault, error.remedy))

    # One table

    def _take(self, raw: RawTable) -> None:
        """Find the header and the table of a file, and read the rows below the header."""
        named, said = self._named(raw.name), self.choices.keys
        first = list(islice(raw.rows, LOOKED_AT))
        place, _ = header_at(first, named, said)
        header = first[place] if first else ()
        headings = [str(cell).strip() if isinstance(cell, str) else "" for cell in header]
        while headings and not headings[-1]:
            headings.pop()
        table, remembered, answers = named, {}, {}
        known = mapping_of(headings) if headings and not _is_own(headings, named) else None
        if known is not None and (named is None or named.name == known.table):
            table, remembered, answers = TABLES[known.table], known.columns, known.answers
        guessed = table is None
        if table is None:
            table = self._table(raw, headings)
        if table is None or not self._require_once(table, raw.file):
            return
        dialect = self._dialect(raw.separator, answers)
        cells = self.choices.cells or answers.get("cells", "")
        sheet = self.sheets[table.name] = Sheet(table, raw.file, dialect=dialect, cells=cells)
        numbered = chain(enumerate(first[place + 1 :], place + 2), enumerate(raw.rows, len(first) + 1))
        understanding = sheet.understanding = Understanding(
            raw.file,
            table.name,
            place + 1,
            raw.encoding,
            SEPARATOR_NAMES.get(raw.separator, raw.separator),
            notices=raw.notices,
            first_cells=[cell_text(cell) for line in first[place + 1 : place + 2] for cell in line],
        )
        if not guessed and _is_own(headings, table) and not (said or self.choices.values or self.choices.new_items):
            understanding.matches = [ColumnMatch(heading, same_name(heading), SAME_NAME) for heading in headings]
            columns = [same_name(heading) for heading in headings]
            if _check_header(sheet, place + 1, columns, self.findings):
                sheet.given = frozenset(columns)
                _read_rows(sheet, columns, numbered, self.findings)
        else:
            understanding.own, understanding.guessed = False, guessed
            understanding.matches = matches(headings, table, said, remembered, first[place + 1 :])
            understanding.answers = {
                name: value
                for name, value in (
                    ("decimal", self.choices.decimal or answers.get("decimal", "")),
                    ("dates", self.choices.dates or answers.get("dates", "")),
                    ("cells", cells),
                )
                if value
            }
            self._read_mapped(sheet, understanding, numbered)
        understanding.samples = [_sample(sheet, row) for row in sheet.rows[:SAMPLES]]

    def _dialect(self, separator: str, answers: Mapping[str, str]) -> Dialect:
        said = self.choices.decimal or answers.get("decimal", "")
        return SAID_DIALECTS[said] if said else DIALECTS.get(separator, PLAIN)

    def _table(self, raw: RawTable, headings: Sequence[str]) -> ImportTable | None:
        """Return the table that a file's name or, if it isn't nearly one, its headings tell."""
        near = get_close_matches(same_name(raw.name), TABLES, 1)
        fitting = [] if near and self.in_folder else table_of(headings, self.choices.keys, self.choices.values)
        if len(fitting) == 1:
            return TABLES[fitting[0]]
        remedy = f"Did you mean {near[0]}?" if near else f"Rename it to one of: {', '.join(TABLES)}; or remove it."
        fault = f"There is no table {raw.name}."
        option = "" if near else "Or say what it is with --as TABLE, and its columns with --map."
        if fitting:
            fault = f"The columns fit several tables: {', '.join(fitting)}."
            remedy, option = "Say which one it is.", f"That is {' or '.join(f'--as {name}' for name in fitting)}."
        self.findings.add(ImportFault("", raw.file, 0, "", fault, remedy, option=option))
        return None

    def _require_once(self, table: ImportTable, file: str) -> bool:
        if table.name in self.sheets:
            fault = f"The table {table.name} occurs twice."
            remedy = "Put all its rows into one file or sheet."
            self.findings.add(ImportFault(table.name, file, 0, "", fault, remedy))
        return table.name not in self.sheets

    def _read_mapped(
        self, sheet: Sheet, understanding: Understanding, numbered: Iterator[tuple[int, Sequence[Cell]]]
    ) -> None:
        """Read a file from elsewhere by its matched columns."""
        table, own = sheet.table, {column.name for column in sheet.table.columns}
        understanding.values = {name: value for name, value in self.choices.values.items() if name in own}
        self._check_matches(sheet, understanding)
        if not sheet.whole:
            return
        layout = RowLayout(
            table=table,
            file=sheet.file,
            columns=understanding.matches,
            choices=replace(self.choices, values=understanding.values, **_dates(understanding)),
            dialect=sheet.dialect,
            plant=self.plant,
            findings=self.findings,
        )
        laid_out = list(layout.rows(numbered))
        sheet.given = frozenset(name for _, cells in laid_out for name in cells if name in own)
        names = [column.name for column in table.columns if column.name in sheet.given or column.required]
        _read_cells(sheet, names, laid_out, self.findings)
        understanding.notices += layout.notices
        self._add_new_items(sheet, layout)
        self._add_new_units(sheet, layout)

    def _check_matches(self, sheet: Sheet, understanding: Understanding) -> None:
        """Check that the needed columns are there, and that what isn't certain is accepted."""
        before = len(self.findings)
        table, row = sheet.table, understanding.header_row
        taken = [match.column for match in understanding.matches if match.column]

        def fault(column: str, what: str, remedy: str, option: str = "") -> None:
            self.findings.add(ImportFault(table.name, sheet.file, row, column, what, remedy, option=option))

        known = column_names(table)
        for heading, name in self.choices.columns.items():
            if heading_key(heading) not in {heading_key(match.heading) for match in understanding.matches}:
                fault("", f"There is no column {heading!r} in the file.", "Correct its name.")
            elif name != LEFT_OUT and name not in known:
                fault("", f"There is no column {name!r}.", f"Use one of: {', '.join(known)}.")
        for match in understanding.matches:
            near = near_name(match.heading, table, taken) if not match.column and not match.how else ""
            if near:
                option = f'Say --map "{match.heading}={near}", or --map "{match.heading}=" to leave it out.'
                fault(match.heading, f"There is no column {match.heading!r}.", f"Did you mean {near}?", option)
            elif same_name(match.heading) in taken and not match.column and not match.how:
                fault(match.heading, "The column occurs twice.", "Remove one of them.")
        for column in columns_missing(table, {*taken, *understanding.values, *columns_made(table, taken)}):
            remedy, option = _missing_remedy(table, column, understanding.left_out)
            fault(column, f"No column of the file is known as {column}.", remedy, option)
        words = any(match.how == USUAL_WORD for match in understanding.matches)
        dropped = any(match.heading and not match.how for match in understanding.matches)
        sheet.whole = len(self.findings) == before
        understanding.certain = not sheet.whole or not (words or dropped or understanding.guessed)

    # New items and units

    def _add_new_items(self, sheet: Sheet, layout: RowLayout) -> None:
        """Add rows of items for those that the file names and the plant doesn't have, where the user asks for it."""
        if not self.choices.new_items or sheet.table.name == "items":
            return
        known = {code for codes in self.plant.items.values() for code in codes}
        here = self.sheets.get("items")
        known |= {row["code"] for row in here.rows} if here is not None else set()
        made: list[tuple[int, dict[str, Cell]]] = []
        for code, number in layout.first_rows.items():
            component_class = self._class_of(code, layout)
            if code in known or component_class is None:
                continue
            unit = layout.component_units.get(code) or layout.pieces()
            made.append(
                (
                    number,
                    {
                        "code": code,
                        "description": layout.descriptions.get(code, ""),
                        "class": component_class,
                        "type_code": self.choices.new_items[component_class],
                        "unit": unit,
                        "decimals": layout.decimals_of(unit),
                    },
                )
            )
        self._add_rows("items", sheet.file, ("code", "description", "class", "type_code", "unit", "decimals"), made)

    def _add_new_units(self, sheet: Sheet, layout: RowLayout) -> None:
        """Add rows of units for those that the plant doesn't have, where the user asks for it."""
        if self.choices.new_units and layout.unknown_units:
            made = [(number, {"code": code, "name": code}) for code, number in layout.unknown_units.items()]
            self._add_rows("units", sheet.file, ("code", "name"), made)

    def _add_rows(
        self, table: str, file: str, names: Sequence[str], rows: Sequence[tuple[int, Mapping[str, Cell]]]
    ) -> None:
        sheet = self.sheets.setdefault(table, Sheet(TABLES[table], file))
        sheet.given |= frozenset(names)
        _read_cells(sheet, names, rows, self.findings)

    def _class_of(self, code: str, layout: RowLayout) -> str | None:
        """Return the class of a new item: a made one if it has lines, else bought in; None if it isn't wanted."""
        wanted = self.choices.new_items
        if code in layout.parents:
            return next((one for one in ("M", "S", "K", "P") if one in wanted), None)
        return "B" if "B" in wanted else None


OLD: Final = (
    "This kind of file doesn't tell how its cells are shown, so 0012 may be read as 12. Save it as XLSX if it matters."
)


def _dates(understanding: Understanding) -> dict[str, Any]:
    dates = understanding.answers.get("dates", "")
    return {"dates": dates} if dates else {}


def _missing_remedy(table: ImportTable, column: str, left_out: Sequence[str]) -> tuple[str, str]:
    """Return what to do about a needed column that the file doesn't seem to have, and the options for that."""
    if table.name == "structures" and column == "item":
        return "Say whose parts they are, or which column says it.", 'That is --item CODE, or --map "HEADING=item".'
    heading = left_out[0] if left_out else "HEADING"
    others = f" The columns left are: {', '.join(left_out)}." if left_out else ""
    option = f'That is --map "{heading}={column}" or --set {column}=VALUE.'
    return f"Say which column it is, or one value for all rows.{others}", option


def _is_own(headings: Sequence[str], table: ImportTable | None) -> bool:
    """Return whether all columns of a file have the names of the table's own."""
    return table is not None and all(table.column(same_name(heading)) for heading in headings)


def _sample(sheet: Sheet, row: ImportRow) -> dict[str, str]:
    """Return a row as it was read."""
    return {column.name: as_written(row[column.name]) for column in sheet.table.columns if column.name in sheet.given}


def _filled(line: Sequence[Cell]) -> Iterator[bool]:
    return (not isinstance(cell, str) or bool(cell.strip()) for cell in line)


def _check_header(sheet: Sheet, number: int, columns: Sequence[str], findings: Findings) -> bool:
    """Return whether the rows of a file with the table's own columns can be read: none repeated or missing."""
    table = sheet.table
    before = len(findings)
    for place, name in enumerate(columns):
        if name in columns[:place]:
            findings.add(
                ImportFault(table.name, sheet.file, number, name, "The column occurs twice.", "Remove one of them.")
            )
    for column in table.columns:
        if column.required and column.name not in columns:
            remedy = f"Add it: {column.means[0].lower()}{column.means[1:]}"
            findings.add(ImportFault(table.name, sheet.file, number, column.name, "The column is missing.", remedy))
    sheet.whole = len(findings) == before
    return sheet.whole


def _read_rows(
    sheet: Sheet, columns: Sequence[str], numbered: Iterable[tuple[int, Sequence[Cell]]], findings: Findings
) -> None:
    table = sheet.table
    places = {column.name: place for place, column in enumerate(table.columns)}
    readers = [(name, places[name], _reader(sheet, name)) for name in columns]
    defaults = [column.default for column in table.columns]
    width = len(columns)
    for number, line in numbered:
        if not any(line) or not any(_filled(line)):
            continue
        sheet.found += 1
        before = len(findings)
        values = defaults.copy()
        unread: set[str] = set()
        cells = [*line[:width], *[""] * (width - len(line))]
        for (name, place, reader), cell in zip(readers, cells, strict=True):
            try:
                values[place] = reader(cell)
            except InvalidValue as refusal:
                unread.add(name)
                findings.add(_cell_fault(sheet, number, name, cell, refusal))
        if any(_filled(line[width:])):
            remedy = "Put quotes around a cell that contains the separator."
            findings.add(
                ImportFault(table.name, sheet.file, number, "", "The row has more cells than columns.", remedy)
            )
        row = ImportRow(number, tuple(values), places)
        if len(findings) == before:
            sheet.rows.append(row)
        else:
            _keep_broken(sheet, row, unread)


def _read_cells(
    sheet: Sheet, names: Sequence[str], laid_out: Iterable[tuple[int, Mapping[str, Cell]]], findings: Findings
) -> None:
    """Read rows that were laid out by column."""
    table = sheet.table
    places = {column.name: place for place, column in enumerate(table.columns)}
    readers = [(name, places[name], _reader(sheet, name)) for name in names]
    defaults = [column.default for column in table.columns]
    for number, cells in laid_out:
        sheet.found += 1
        values = defaults.copy()
        unread: set[str] = set()
        for name, place, reader in readers:
            cell = cells.get(name, "")
            try:
                values[place] = reader(cell)
            except InvalidValue as refusal:
                unread.add(name)
                findings.add(_cell_fault(sheet, number, name, cell, refusal))
        row = ImportRow(number, tuple(values), places)
        if not unread:
            sheet.rows.append(row)
        else:
            _keep_broken(sheet, row, unread)


def _reader(sheet: Sheet, name: str) -> Reader:
    column = sheet.table.column(name)
    assert column is not None, "only columns of the table are read"
    return Reader(column, sheet.dialect, cells=sheet.cells)


def _keep_broken(sheet: Sheet, row: ImportRow, unread: set[str]) -> None:
    sheet.broken.append((row, sheet.given - unread))
    sheet.faulty.add(tuple(row[name] for name in sheet.table.key))


def _cell_fault(sheet: Sheet, number: int, name: str, cell: Cell, refusal: InvalidValue) -> ImportFault:
    """Return the fault of a cell. Where its number can be read in two ways, the remedy names the option for that."""
    fault, remedy = as_fault(refusal)
    option = ""
    if isinstance(cell, ShownNumber):
        option = "Or say for the whole file: --cells shown or --cells stored."
    elif isinstance(cell, str) and (is_ambiguous(cell.strip()) or {".", ","} <= set(cell)):
        option = f"Or say for the whole file: --decimal {COMMA} or --decimal {POINT}."
    return ImportFault(sheet.table.name, sheet.file, number, name, fault, remedy, refusal.code, option)
