"""Back-up and restore."""

from pathlib import Path
from typing import Annotated

import typer

from backflush.audit.verification import VerificationReport, verify
from backflush.console.output import DatabaseNeed, Desk, HelpSection, Listing, command
from backflush.console.readiness import require_tables
from backflush.operations.backup import back_up, restore
from backflush.operations.readiness import pending_migrations

MEGABYTE = 1024 * 1024


def register(app: typer.Typer) -> None:
    """Add `backup` and `restore`."""
    command(app, "backup", panel=HelpSection.SET_UP, plant=DatabaseNeed.NONE)(keep)
    command(app, "restore", panel=HelpSection.SET_UP, plant=DatabaseNeed.NONE)(bring_back)


def keep(
    desk: Desk,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where the copy goes.", show_default=False)],
    portable: Annotated[
        bool, typer.Option("--portable", help="A copy that goes into SQLite and PostgreSQL alike; slower.")
    ] = False,
) -> None:
    """Copy the whole database into one file, as at one moment, while people go on booking. Keep it away from this
    machine, and now and then restore one somewhere else.

    Example: backflush backup /var/backups/backflush-2026-11-22.copy
    """
    require_tables()
    kept = back_up(Path(file), as_portable=portable)
    facts = {"file": file, "kind": kept.kind, "bytes": kept.size}
    desk.answer(facts, f"Copied into {file}: {kept.kind}, {kept.size / MEGABYTE:.1f} MB.")


def bring_back(
    desk: Desk,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The copy.", show_default=False)],
    replace: Annotated[bool, typer.Option("--replace", help="Lose what is in the database now.")] = False,
) -> None:
    """Put a copy that `backflush backup` made into an empty database, and check the whole ledger afterwards. Nobody may
    be working in it.

    Example: backflush restore backflush-2026-11-22.copy --database postgres://backflush@server/backflush
    """
    kind = restore(Path(file), replace=replace)
    if pending := pending_migrations():
        facts = {"file": file, "kind": kind, "verified": False, "pending": pending}
        desk.answer(facts, f"Restored {file}. It is of an earlier version: run `backflush upgrade`, then verify.")
        return
    with desk.progress("Checking", None) as bar:
        report = verify(bar.show)
    facts = {"file": file, "kind": kind, "verified": True, "sound": report.sound, "faults": report.fault_count}
    desk.answer(facts, *_shown(file, report))
    if not report.sound:
        desk.fail()


def _shown(file: str, report: VerificationReport) -> list[str | Listing]:
    rows = [
        (check.name, f"{check.counted:,}", "holds" if check.sound else str(check.fault_count))
        for check in report.checks
    ]
    end = "Every promise holds." if report.sound else f"{report.fault_count:,} faults. Call for help."
    return [f"Restored {file}.", Listing(("Check", "#Tried on", "#Faults"), rows), end]
