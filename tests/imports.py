"""Import files for tests: the template's tiny plant, changed table by table."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from backflush.audit.verification import verify
from backflush.imports.columns import TABLES
from backflush.imports.findings import ImportFault
from backflush.imports.services import ImportReport, import_data
from backflush.items.models import Item
from backflush.ledger.models import Balance, Movement, Posting

Lines = Sequence[Mapping[str, str]]
LATER = ("receipts", "productions")
"""Tables that most tests don't ask for."""
EXAMPLE: Mapping[str, Lines] = {name: table.examples for name, table in TABLES.items()}


def files(folder: Path, **changed: Lines | None) -> Path:
    """A folder of CSV files: the template's lines up to its bookings, with some tables replaced or left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in {**EXAMPLE, **dict.fromkeys(LATER), **changed}.items():
        if lines is not None:
            write(folder / f"{name}.csv", lines)
    return folder


def write(path: Path, lines: Lines, *, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    """One CSV file with the columns that its lines have."""
    columns = list(dict.fromkeys(column for line in lines for column in line))
    with path.open("w", encoding=encoding, newline="") as out:
        writer = csv.DictWriter(out, columns, delimiter=delimiter, restval="")
        writer.writeheader()
        writer.writerows(lines)
    return path


def workbook(path: Path, tables: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    """A workbook of sheets, whose cells are what they are: numbers are numbers, dates dates."""
    with xlsxwriter.Workbook(path) as book:
        date_format = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in tables.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    if hasattr(cell, "isoformat"):
                        sheet.write_datetime(number, place, cell, date_format)
                    else:
                        sheet.write(number, place, cell)
    return path


def bring(path: Path, **options: Any) -> ImportReport:
    """Import a path."""
    return import_data(path, by="ann", **options)


def brought(path: Path, **options: Any) -> ImportReport:
    """Import a path in which nothing is wrong."""
    report = bring(path, **options)
    assert not report.findings, "\n".join(map(str, report.findings))
    assert [fault for check in verify().checks for fault in check.faults] == []
    return report


def said(finding: ImportFault) -> tuple[str, int, str]:
    """Where a finding is: file, row and column."""
    return finding.file, finding.row, finding.column


def counts(report: ImportReport) -> dict[str, tuple[int, int, int]]:
    """New, changed and there already, by table."""
    return {name: (count.new, count.changed, count.there) for name, count in report.counts.items()}


def everything() -> dict[str, int]:
    """How much there is of what an import makes."""
    return {model.__name__: model.objects.count() for model in (Item, Posting, Movement, Balance)}
