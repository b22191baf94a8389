"""Commands to import data, and to write template files."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from backflush.console.output import DatabaseNeed, Desk, HelpSection, Listing, command
from backflush.console.readiness import prepare_plant, require_plant
from backflush.core.refusals import NoPlant
from backflush.db.vendors import one_writer
from backflush.imports.findings import ImportFault
from backflush.imports.services import ImportReport, import_data
from backflush.imports.templates import write_template


def register(app: typer.Typer) -> None:
    """Add `import` and `template`."""
    command(app, "import", panel=HelpSection.SET_UP, posts=True, plant=DatabaseNeed.NONE)(import_)
    command(app, "template", panel=HelpSection.SET_UP, plant=DatabaseNeed.NONE)(template)


def template(
    desk: Desk,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder. It is created if needed.")],
) -> None:
    """Write template files for `import` into a folder: a CSV file for each table, and one workbook with all of them.
    Their example rows form a tiny plant. The README.md in the folder explains each column.

    Example: backflush template my-plant
    """
    files = write_template(folder)
    desk.answer(
        {"files": [str(file) for file in files]},
        f"Wrote {len(files)} files into {folder}. Replace the examples by your own data, then run:",
        f"backflush import {folder} --check",
    )


def import_(
    desk: Desk,
    path: Annotated[Path, typer.Argument(help="A folder of CSV files, one CSV file, or a workbook.")],
    check: Annotated[bool, typer.Option("--check", help="Only list faults; change nothing.")] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Also change existing rows where the files differ and a change is allowed.")
    ] = False,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="With --update: also remove the lines that the files leave out of an item's structure."
        ),
    ] = False,
) -> None:
    """Import set-up, structures, opening stock, orders and bookings. Every row is checked first; if one is wrong, all
    faults are listed and nothing is changed. Existing rows are skipped, so an interrupted import is finished by running
    it again. Creates the database if there is none.

    Example: backflush import my-plant --check

    Example: backflush import plant.xlsx --update
    """
    _make_ready()
    if one_writer() and not desk.as_json:
        sys.stderr.write("The import locks the SQLite file: other users wait until it has finished.\n")
    with desk.progress("Reading", None) as bar:
        report = import_data(
            path, by=desk.name, update=update, replace=replace, check=check, site=desk.site_code, tell=bar.show
        )
    desk.answer(_payload(report), *_shown(report, check=check))
    if report.findings:
        desk.fail()


def _make_ready() -> None:
    """Create the database if there is none. An existing one must be of this version."""
    try:
        require_plant()
    except NoPlant:
        prepare_plant()


def _payload(report: ImportReport) -> dict[str, object]:
    return {
        "applied": report.applied,
        "tables": {
            name: {
                "rows": count.rows,
                "new": count.new,
                "changed": count.changed,
                "there": count.there,
                "removed": count.removed,
            }
            for name, count in report.counts.items()
        },
        "faults": [
            {
                "table": finding.table,
                "file": finding.file,
                "row": finding.row or None,
                "column": finding.column,
                "code": finding.code,
                "fault": finding.fault,
                "remedy": finding.remedy,
            }
            for finding in report.findings
        ],
    }


def _shown(report: ImportReport, *, check: bool) -> list[str | Listing]:
    if report.findings:
        return [_faults(report.findings), _verdict(report)]
    counts = Listing(
        ["table", "#rows", "#new", "#changed", "#existing", "#removed"],
        [
            [
                name,
                *(f"{number:,}" for number in (count.rows, count.new, count.changed, count.there, len(count.removed))),
            ]
            for name, count in report.counts.items()
        ],
    )
    removed = [name for count in report.counts.values() for name in count.removed]
    return [
        counts,
        *([f"Removed: {', '.join(removed)}."] if removed else []),
        "No faults. Nothing was changed: run it without --check to import." if check else "The import is complete.",
    ]


def _faults(findings: Sequence[ImportFault]) -> Listing:
    return Listing(
        ["file", "#row", "column", "fault", "remedy"],
        [[one.file, str(one.row or ""), one.column, one.fault, one.remedy] for one in findings],
    )


def _verdict(report: ImportReport) -> str:
    faults = "1 fault" if len(report.findings) == 1 else f"{len(report.findings):,} faults"
    if not report.applied:
        return f"{faults}. Nothing was changed: correct the files and import again."
    posted = report.counts["bookings"].new
    return (
        f"{faults}. Everything except the bookings is imported, and {posted:,} bookings: correct "
        "the files and import again."
    )
