"""Reads files into rows: a folder of CSV files, one CSV file, or a workbook with a sheet per table."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from python_calamine import CalamineError, CalamineWorkbook

from backflush.core.input_values import PLAIN, SEMICOLON_FILE, Dialect
from backflush.core.refusals import InvalidValue
from backflush.imports.cell_types import Cell, Reader, as_seen
from backflush.imports.columns import TABLES, ImportTable
from backflush.imports.findings import Findings, ImportFault, as_fault

README: Final = "README"
CSV: Final = ".csv"
WORKBOOKS: Final = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row; empty cells hold the columns' defaults. `number` is the row number that a spreadsheet shows."""

    number: int
    values: tuple[Any, ...]
    places: Mapping[str, int]

    def __getitem__(self, column: str) -> Any:
        return self.values[self.places[column]]


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


def read(path: Path, findings: Findings) -> dict[str, Sheet]:
    """Read all tables of a path. Whatever can't be read is added to the findings."""
    if path.is_dir():
        return _folder(path, findings)
    if not path.exists():
        findings.add(ImportFault("", str(path), 0, "", "There is no such file or folder.", "Correct the path."))
    elif path.suffix.lower() == CSV:
        return _csv_files([path], findings)
    elif path.suffix.lower() in WORKBOOKS:
        return _workbook(path, findings)
    else:
        remedy = "Give a folder of CSV files, a CSV file or an XLSX workbook."
        findings.add(ImportFault("", path.name, 0, "", "Files of this kind can't be imported.", remedy))
    return {}


def _folder(path: Path, findings: Findings) -> dict[str, Sheet]:
    files = sorted(file for file in path.iterdir() if file.suffix.lower() == CSV)
    if not files:
        remedy = "Give the workbook itself, or write templates with `backflush template DIR`."
        findings.add(ImportFault("", str(path), 0, "", "There is no CSV file in this folder.", remedy))
    return _csv_files(files, findings)


def _csv_files(files: Iterable[Path], findings: Findings) -> dict[str, Sheet]:
    sheets: dict[str, Sheet] = {}
    for file in files:
        table = _table(file.stem, file.name, findings)
        if table is not None and _require_once(table, file.name, sheets, findings):
            sheets[table.name] = _csv_file(file, table, findings)
    return sheets


def _table(name: str, file: str, findings: Findings) -> ImportTable | None:
    known = TABLES.get(_plain(name))
    if known is None:
        near = get_close_matches(_plain(name), TABLES, 1)
        remedy = f"Did you mean {near[0]}?" if near else f"Rename it to one of: {', '.join(TABLES)}; or remove it."
        findings.add(ImportFault("", file, 0, "", f"There is no table {name}.", remedy))
    return known


def _require_once(table: ImportTable, file: str, sheets: Mapping[str, Sheet], findings: Findings) -> bool:
    if table.name in sheets:
        fault = f"The table {table.name} occurs twice."
        findings.add(ImportFault(table.name, file, 0, "", fault, "Put all its rows into one file or sheet."))
    return table.name not in sheets


def _plain(name: str) -> str:
    return "_".join(name.strip().lower().replace("-", " ").replace("_", " ").split())


def _csv_file(file: Path, table: ImportTable, findings: Findings) -> Sheet:
    sheet = Sheet(table, file.name)
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header = lines.readline()
            lines.seek(0)
            delimiter = ";" if header.count(";") > header.count(",") else ","
            sheet.dialect = SEMICOLON_FILE if delimiter == ";" else PLAIN
            _take(sheet, csv.reader(lines, delimiter=delimiter, strict=True), findings)
    except UnicodeDecodeError:
        _unreadable(sheet, findings, "The file isn't UTF-8 text.", "Save it as CSV in UTF-8.")
    except csv.Error as error:
        _unreadable(
            sheet, findings, f"The file ends in the middle of a row: {error}.", "Check the quotes near its last row."
        )
    except OSError as error:
        _unreadable(sheet, findings, f"The file can't be opened: {error.strerror}.", "Check the file.")
    return sheet


def _workbook(path: Path, findings: Findings) -> dict[str, Sheet]:
    sheets: dict[str, Sheet] = {}
    try:
        workbook = CalamineWorkbook.from_path(path)
        for name in workbook.sheet_names:
            where = f"{path.name}: {name}"
            if _plain(name) == _plain(README) or (table := _table(name, where, findings)) is None:
                continue
            if not _require_once(table, where, sheets, findings):
                continue
            sheet = sheets[table.name] = Sheet(table, where)
            rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            _take(sheet, ([as_seen(cell) for cell in row] for row in rows), findings)
    except (CalamineError, OSError) as error:
        findings.add(ImportFault("", path.name, 0, "", f"The workbook can't be read: {error}.", "Save it as XLSX."))
    return sheets


def _unreadable(sheet: Sheet, findings: Findings, fault: str, remedy: str) -> None:
    sheet.whole = False
    findings.add(ImportFault(sheet.table.name, sheet.file, 0, "", fault, remedy))


def _take(sheet: Sheet, lines: Iterable[Sequence[Cell]], findings: Findings) -> None:
    """Read the header and the rows below it."""
    numbered = enumerate(lines, 1)
    number, header = next(((number, line) for number, line in numbered if any(_filled(line))), (1, ()))
    columns = [_plain(str(cell)) for cell in header]
    while columns and not columns[-1]:
        columns.pop()
    if not _check_header(sheet, number, columns, findings):
        return
    sheet.given = frozenset(columns)
    _read_rows(sheet, columns, numbered, findings)


def _filled(line: Sequence[Cell]) -> Iterator[bool]:
    return (not isinstance(cell, str) or bool(cell.strip()) for cell in line)


def _check_header(sheet: Sheet, number: int, columns: Sequence[str], findings: Findings) -> bool:
    """Return whether the rows can be read: columns in any order, none unknown, repeated or missing."""
    table = sheet.table
    names = [column.name for column in table.columns]
    before = len(findings)
    for place, name in enumerate(columns):
        if name not in names:
            near = get_close_matches(name, names, 1)
            remedy = f"Did you mean {near[0]}?" if near else f"Remove it, or rename it to one of: {', '.join(names)}."
            findings.add(ImportFault(table.name, sheet.file, number, name, f"There is no column {name!r}.", remedy))
        elif name in columns[:place]:
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
    readers = [(name, places[name], Reader(table.columns[places[name]], sheet.dialect)) for name in columns]
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
                findings.add(ImportFault(table.name, sheet.file, number, name, *as_fault(refusal), refusal.code))
        if any(_filled(line[width:])):
            remedy = "Put quotes around a cell that contains the separator."
            findings.add(
                ImportFault(table.name, sheet.file, number, "", "The row has more cells than columns.", remedy)
            )
        row = ImportRow(number, tuple(values), places)
        if len(findings) == before:
            sheet.rows.append(row)
        else:
            sheet.broken.append((row, sheet.given - unread))
            sheet.faulty.add(tuple(values[places[name]] for name in table.key))
