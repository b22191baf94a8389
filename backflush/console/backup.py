"""Commands for backup and restore."""

from pathlib import Path
from typing import Annotated

import typer

from backflush.audit.verification import VerificationReport, verify
from backflush.console.output import DatabaseNeed, Desk, HelpSection, Listing, command
from backflush.console.readiness import require_tables
from backflush.operations.backup import back_up, restore
from backflush.operations.copy_check import RestoredAccess, administrators, end_access
from backflush.operations.readiness import pending_migrations

MEGABYTE = 1024 * 1024


def register(app: typer.Typer) -> None:
    """Add `backup` and `restore`."""
    command(app, "backup", panel=HelpSection.SET_UP, plant=DatabaseNeed.NONE)(keep)
    command(app, "restore", panel=HelpSection.SET_UP, plant=DatabaseNeed.NONE)(bring_back)


def keep(
    desk: Desk,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file for the backup.", show_default=False)],
    portable: Annotated[
        bool,
        typer.Option(
            "--portable", help="Make a slower, portable backup that can be restored into SQLite and PostgreSQL."
        ),
    ] = False,
) -> None:
    """Back up the whole database into one file, consistent as of one moment, while users go on booking. Store it on
    another machine, and regularly test that it can be restored.

    Example: backflush backup /var/backups/backflush-2026-11-22.copy
    """
    require_tables()
    kept = back_up(Path(file), as_portable=portable)
    payload = {"file": file, "kind": kept.kind, "bytes": kept.size}
    desk.answer(payload, f"Backed up to {file}: {kept.kind}, {kept.size / MEGABYTE:.1f} MB.")


def bring_back(
    desk: Desk,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The backup file.", show_default=False)],
    replace: Annotated[bool, typer.Option("--replace", help="Delete what is in the database now.")] = False,
    keep_tokens: Annotated[
        bool,
        typer.Option(
            "--keep-tokens",
            help="Keep the API tokens of the copy in use. Otherwise they end: some may have been revoked since.",
        ),
    ] = False,
) -> None:
    """Restore a file made by `backflush backup` into an empty database, and verify the whole ledger afterwards. No one
    may be working in the database.

    Example: backflush restore backflush-2026-11-22.copy --database postgres://backflush@server/backflush
    """
    before = administrators()
    kind = restore(Path(file), replace=replace)
    access = end_access(before, keep_tokens=keep_tokens)
    if pending := pending_migrations():
        payload = {"file": file, "kind": kind, "verified": False, "pending": pending}
        desk.answer(
            payload,
            f"Restored {file}. It is from an earlier version: run `backflush upgrade`, then `backflush verify`.",
            *_access_shown(access),
        )
        return
    with desk.progress("Checking", None) as bar:
        report = verify(bar.show)
    payload = {"file": file, "kind": kind, "verified": True, "sound": report.sound, "faults": report.fault_count}
    payload |= {"administrators": access.administrators, "administrators_added": access.added}
    payload |= {"tokens_ended": access.tokens_ended}
    desk.answer(payload, *_shown(file, report), *_access_shown(access))
    if not report.sound:
        desk.fail()


def _access_shown(access: RestoredAccess) -> list[str]:
    """Return the sentences about who can do what in the restored database."""
    people = ", ".join(f"{name} ({site})" for name, site in access.administrators) or "nobody"
    shown = [f"Administrators: {people}. {access.signing_in} people have a password. Everybody has to sign in again."]
    if access.added:
        added = ", ".join(f"{name} ({site})" for name, site in access.added)
        shown.append(f"Not administrators in this database before: {added}. Check that they should be.")
    if access.tokens_ended:
        shown.append(
            f"{access.tokens_ended} API tokens of the copy were ended. Make new ones: backflush person --token"
        )
    return shown


def _shown(file: str, report: VerificationReport) -> list[str | Listing]:
    rows = [
        (check.name, f"{check.counted:,}", "holds" if check.sound else str(check.fault_count))
        for check in report.checks
    ]
    end = "All checks passed." if report.sound else f"{report.fault_count:,} faults found. Stop posting and get help."
    return [f"Restored {file}.", Listing(("Check", "#Checked", "#Faults"), rows), end]
