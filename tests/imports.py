"""Import files for tests: the template's tiny plant, with changes."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from backflush.audit.verification import verify
from backflush.booking_kinds import KINDS
from backflush.imports.columns import TABLES
from backflush.imports.findings import ImportFault
from backflush.imports.services import ImportReport, import_data
from backflush.items.models import Item
from backflush.ledger.models import Balance, Movement, Posting

Lines = Sequence[Mapping[str, str]]
LATER = (*(kind.table for kind in KINDS[1:]), "counts", "count_tolerances")
"""Tables that most tests don't need."""
EXAMPLE: Mapping[str, Lines] = {name: table.examples for name, table in TABLES.items()}


def files(folder: Path, **changed: Lines | None) -> Path:
    """Write a folder of CSV files: the template's rows up to its bookings, with some tables replaced or left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in {**EXAMPLE, **dict.fromkeys(LATER), **changed}.items():
        if lines is not None:
            write(folder / f"{name}.csv", lines)
    return folder


def write(path: Path, lines: Lines, *, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    """Write one CSV file with the columns of its rows."""
    columns = list(dict.fromkeys(column for line in lines for column in line))
    with path.open("w", encoding=encoding, newline="") as out:
        writer = csv.DictWriter(out, columns, delimiter=delimiter, restval="")
        writer.writeheader()
        writer.writerows(lines)
    return path


def workbook(path: Path, tables: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    """Write a workbook with typed cells: numbers as numbers, dates as dates."""
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
    """Import a path, and require that it has no faults."""
    report = bring(path, **options)
    assert not report.findings, "\n".join(map(str, report.findings))
    assert [fault for check in verify().checks for fault in check.faults] == []
    return report


def said(finding: ImportFault) -> tuple[str, int, str]:
    """Return the place of a fault: file, row and column."""
    return finding.file, finding.row, finding.column


def counts(report: ImportReport) -> dict[str, tuple[int, int, int]]:
    """Return new, changed and existing rows, by table."""
    return {name: (count.new, count.changed, count.there) for name, count in report.counts.items()}


def everything() -> dict[str, int]:
    """Return the number of rows that imports create, by model."""
    return {model.__name__: model.objects.count() for model in (Item, Posting, Movement, Balance)}
