"""Template files: a CSV file per table, and one workbook with all tables, with example rows."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import xlsxwriter

from backflush.core.refusals import AlreadyThere
from backflush.imports.cell_types import as_written
from backflush.imports.columns import TABLES, CellType, ImportColumn, ImportTable
from backflush.imports.files import README

WORKBOOK: Final = "backflush.xlsx"
HEADINGS: Final = ("table", "column", "needed", "content", "if empty", "meaning")
INTRODUCTION: Final = (
    "Files for `backflush import`. Each table is a CSV file here, and a sheet of the workbook: use either.",
    ("The rows are an example: a tiny plant that makes brackets. Replace them with your own data."),
    (
        "Leave out tables and columns that you don't need. Columns can be in any order, separated "
        "by commas or semicolons."
    ),
    ("Numbers are exact: write 12.5 with a point. Write dates like 2026-03-12, and locations as STORE/LOCATION."),
    (
        "Run `backflush import FOLDER --check` first: it lists every fault with file, row and "
        "column, and changes nothing."
    ),
)


def write_template(folder: Path) -> list[Path]:
    """Write the template files into a folder. Refused if one of them exists, because it may be filled in."""
    written = [folder / f"{name}.csv" for name in TABLES] + [folder / WORKBOOK, folder / f"{README}.md"]
    there = [path.name for path in written if path.exists()]
    if there:
        raise AlreadyThere(
            "{folder} already contains {files}. Give another folder.", folder=folder, files=there, field="folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES.values():
        write_csv(folder / f"{table.name}.csv", *_lines(table))
    _write_workbook(folder / WORKBOOK)
    (folder / f"{README}.md").write_text("\n".join(_readme()), encoding="utf-8")
    return written


def write_csv(path: Path, header: Sequence[str], *rows: Sequence[str]) -> None:
    """Write a CSV file that every spreadsheet program reads."""
    with path.open("w", encoding="utf-8-sig", newline="") as lines:
        csv.writer(lines).writerows([header, *rows])


def _lines(table: ImportTable) -> list[list[str]]:
    header = [column.name for column in table.columns]
    return [header, *([example.get(name, "") for name in header] for example in table.examples)]


def _write_workbook(path: Path) -> None:
    """Write a workbook. All cells are formatted as text, so that a spreadsheet keeps 007 and 1/3 as typed."""
    with xlsxwriter.Workbook(path, {"strings_to_numbers": False, "strings_to_formulas": False}) as book:
        bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
        sheet = book.add_worksheet(README)
        for number, sentence in enumerate(INTRODUCTION):
            sheet.write_string(number, 0, sentence.replace("`", ""))
        top = len(INTRODUCTION) + 1
        sheet.write_row(top, 0, HEADINGS, bold)
        for number, row in enumerate(_columns(), top + 1):
            sheet.write_row(number, 0, row)
        for place, width in enumerate((18, 20, 8, 30, 14, 80)):
            sheet.set_column(place, place, width)
        for table in TABLES.values():
            header, *examples = _lines(table)
            sheet = book.add_worksheet(table.name)
            sheet.set_column(0, len(header) - 1, 16, text)
            sheet.write_row(0, 0, header, bold)
            for number, line in enumerate(examples, 1):
                for place, cell in enumerate(line):
                    sheet.write_string(number, place, cell, text)
            sheet.freeze_panes(1, 0)


def _columns() -> Iterator[tuple[str, ...]]:
    """Return a line about each column."""
    for table in TABLES.values():
        for column in table.columns:
            needed = "yes" if column.required else ""
            yield table.name, column.name, needed, _kind(column), _default(column), column.means


def _kind(column: ImportColumn) -> str:
    kind = f"one of: {', '.join(column.choices)}" if column.kind is CellType.CHOICE else column.kind.value
    if column.kind is CellType.NUMBER:
        kind = "number above 0" if column.positive else "number, 0 or more"
    return f"{kind}, from {column.refers}" if column.refers else kind


def _default(column: ImportColumn) -> str:
    return "" if column.required else as_written(column.default)


def _readme() -> Iterator[str]:
    yield "# Import files"
    yield ""
    for sentence in INTRODUCTION:
        yield f"{sentence}  "
    for table in TABLES.values():
        yield ""
        yield f"## {table.name}"
        yield ""
        yield table.means
        yield ""
        yield "| column | needed | content | if empty | meaning |"
        yield "| --- | --- | --- | --- | --- |"
        for column in table.columns:
            needed = "yes" if column.required else ""
            cells = (f"`{column.name}`", needed, _kind(column), _default(column), column.means)
            yield f"| {' | '.join(cells)} |"
    yield ""
