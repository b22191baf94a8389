"""Commands to import and export data, and to write template files."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from backflush.console.output import DatabaseNeed, Desk, HelpSection, Listing, command
from backflush.console.readiness import prepare_plant, require_plant
from backflush.core.refusals import NoPlant
from backflush.db.vendors import one_writer
from backflush.imports.column_matches import Choices, pairs
from backflush.imports.exports import EXPORTS, export_tables
from backflush.imports.files import Understanding
from backflush.imports.findings import ImportFault
from backflush.imports.services import ImportReport, import_data
from backflush.imports.templates import write_template


def register(app: typer.Typer) -> None:
    """Add `import`, `template` and `export`."""
    command(app, "import", panel=HelpSection.SET_UP, posts=True, plant=DatabaseNeed.NONE)(import_)
    command(app, "template", panel=HelpSection.SET_UP, plant=DatabaseNeed.NONE)(template)
    command(app, "export", panel=HelpSection.SET_UP)(export)


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


def export(
    desk: Desk,
    tables: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TABLE]…", help=f"The tables; all by default: {', '.join(EXPORTS)}."),
    ] = None,
    to: Annotated[
        Path, typer.Option("--to", metavar="FOLDER|FILE", help="A folder for CSV files, an .xlsx file, or a .csv file.")
    ] = Path("export"),
) -> None:
    """Write what the plant has in the columns of the import, to edit it in a spreadsheet or to set up another plant.
    Importing the files again changes nothing; `import --update` takes over what was edited. With --site only what
    belongs to that site is written.

    Example: backflush export items structures --to parts.xlsx

    Example: backflush export --to my-plant
    """
    site = desk.site.code if desk.site_code else ""
    files = export_tables(to, tables or [*EXPORTS], site=site)
    name = "1 file" if len(files) == 1 else f"{len(files)} files"
    desk.answer({"files": [str(file) for file in files]}, f"Wrote {name}: {to}.")


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
    table: Annotated[
        str, typer.Option("--as", metavar="TABLE", help="The table that the file is, if its name isn't one.")
    ] = "",
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="HEADING=COLUMN,…",
            help='The column of a heading, like "Qty=quantity"; "Notes=" leaves it out.',
            show_default=False,
        ),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="COLUMN=VALUE,…", help="A value for rows that have none in a column.", show_default=False
        ),
    ] = None,
    item: Annotated[
        str, typer.Option(metavar="ITEM", help="The parent of all lines of a file; short for --set item=ITEM.")
    ] = "",
    decimal: Annotated[
        str, typer.Option(metavar="comma|point", help="The decimal sign, where 1.000 can be read in two ways.")
    ] = "",
    dates: Annotated[
        str, typer.Option(metavar="day-first|month-first", help="How dates like 03/04/2026 are read.")
    ] = "",
    cells: Annotated[
        str,
        typer.Option(
            metavar="shown|stored", help="What is read of workbook cells that show another number than they contain."
        ),
    ] = "",
    new_items: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLASS=TYPE_CODE,…",
            help="Add items that aren't there: those with lines of their own in class M, others in class B, like "
            "M=MADE,B=BOUGHT.",
            show_default=False,
        ),
    ] = None,
    new_units: Annotated[bool, typer.Option("--new-units", help="Add units that aren't there.")] = False,
    undated: Annotated[
        str,
        typer.Option(
            metavar="same|new",
            help="Whether bookings without key and date like some of an earlier day are the same ones, or new.",
        ),
    ] = "",
    accept: Annotated[
        bool,
        typer.Option("--accept", help="Take columns that were matched by their usual words, as --check shows them."),
    ] = False,
) -> None:
    """Import set-up, structures, opening stock, orders and bookings. Every row is checked first; if one is wrong, all
    faults are listed and nothing is changed. Existing rows are skipped, so an interrupted import is finished by running
    it again. Creates the database if there is none.

    Files from other systems are taken too: columns with the trade's usual headings in English and German, tabs,
    semicolons, UTF-16 and Windows-1252, XLSX and ODS. What was understood is shown first. --accept then imports it, and
    the next file with the same headings needs nothing more.

    Example: backflush import my-plant --check

    Example: backflush import plant.xlsx --update

    Example: backflush import bom.csv --item TBL --map "Value=component" --check
    """
    said = {**pairs(values or [], field_name="set"), **({"item": item} if item else {})}
    choices = Choices(
        table=table,
        columns=pairs(columns or [], field_name="map"),
        values=said,
        decimal=decimal,
        dates=dates,
        cells=cells,
        new_items=pairs(new_items or [], field_name="new_items"),
        new_units=new_units,
        undated=undated,
        accept=accept,
    )
    _make_ready()
    if one_writer() and not desk.as_json:
        sys.stderr.write("The import locks the SQLite file: other users wait until it has finished.\n")
    with desk.progress("Reading", None) as bar:
        report = import_data(
            path,
            by=desk.name,
            update=update,
            replace=replace,
            check=check,
            site=desk.site_code,
            tell=bar.show,
            choices=choices,
        )
    single = not path.is_dir()
    shown = [line for one in report.understandings if not one.own or (check and single) for line in _understood(one)]
    desk.answer(_payload(report), *shown, *_shown(report, check=check))
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
        "understood": [
            {
                "file": one.file,
                "table": one.table,
                "header_row": one.header_row,
                "encoding": one.encoding,
                "separator": one.separator,
                "columns": [
                    {"heading": match.heading, "column": match.column, "how": match.how} for match in one.matches
                ],
                "values": dict(one.values),
                "left_out": one.left_out,
                "notices": one.notices,
                "rows": one.samples,
                "certain": one.certain,
            }
            for one in report.understandings
        ],
        "faults": [
            {
                "table": finding.table,
                "file": finding.file,
                "row": finding.row or None,
                "column": finding.column,
                "code": finding.code,
                "fault": finding.fault,
                "remedy": finding.remedy_in_shell,
            }
            for finding in report.findings
        ],
    }


def _understood(one: Understanding) -> list[str | Listing]:
    """Show what was understood of a file: its table and columns, what was left out, and its first rows as read."""
    how = ", ".join(part for part in (one.encoding, one.separator and f"separated by {one.separator}") if part)
    shown: list[str | Listing] = [
        f"{one.file} is read as {one.table}{f' ({how})' if how else ''}. Its header is row {one.header_row}."
    ]
    if not one.own:
        rows = [[match.heading, match.column, match.how] for match in one.matches if match.column]
        rows += [["", column, f"{value}, said for all rows"] for column, value in one.values.items()]
        shown.append(Listing(["heading", "column", "found by"], rows))
    if one.left_out:
        shown.append(f"Left out: {', '.join(one.left_out)}.")
    shown += one.notices
    if one.samples:
        names = [name for name in one.samples[0] if any(sample[name] for sample in one.samples)]
        rows = [[sample[name] for name in names] for sample in one.samples]
        shown.append(Listing(names, rows, title="The first rows as they were read:"))
    return shown


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
        _next(report) if check else "The import is complete.",
    ]


def _next(report: ImportReport) -> str:
    if all(one.certain for one in report.understandings):
        return "No faults. Nothing was changed: run it without --check to import."
    return (
        "No faults. Nothing was changed: if the columns are right, run it with --accept instead of --check to import."
    )


def _faults(findings: Sequence[ImportFault]) -> Listing:
    return Listing(
        ["file", "#row", "column", "fault", "remedy"],
        [[one.file, str(one.row or ""), one.column, one.fault, one.remedy_in_shell] for one in findings],
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
