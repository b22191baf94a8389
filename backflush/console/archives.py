"""Commands for archives: create, list, read, restore."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from backflush.archives.file_format import Contents, opened
from backflush.archives.read_back import reading
from backflush.archives.services import archive, preview_archive, unarchive
from backflush.audit.verification import verify
from backflush.console.ledger import listed
from backflush.console.options import LIMIT
from backflush.console.output import DatabaseNeed, Desk, HelpSection, Listing, command, of_all
from backflush.console.postings import movement_payload
from backflush.core.input_values import read_day
from backflush.core.refusals import InvalidValue
from backflush.ledger.archived_numbers import archives
from backflush.ledger.models import Archive, ArchivedKind, Movement
from backflush.ledger.selectors import movement_numbered, movements_of, posting_numbered, transactions

MEGABYTE = 1024 * 1024
NAMES = {
    "works_worksorder": "works orders",
    "subcontract_purchaseorder": "purchase orders",
    "ledger_posting": "postings",
    "backflushing_booking": "bookings",
    "ledger_movement": "movements",
    "unresolved_settlement": "settlements",
}
FILE = Annotated[str, typer.Argument(metavar="FILE", help="The archive file.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add `archive`, `archives`, `archive-show` and `unarchive`."""
    command(app, "archive", panel=HelpSection.SET_UP, posts=True)(put_away)
    command(app, "archives", panel=HelpSection.SET_UP)(show_archives)
    command(app, "archive-show", panel=HelpSection.SET_UP, plant=DatabaseNeed.NONE)(show_archived)
    command(app, "unarchive", panel=HelpSection.SET_UP, posts=True)(bring_back)


def put_away(
    desk: Desk,
    through: Annotated[
        str,
        typer.Option(metavar="DAY", help="The last day to archive. It must be in a closed period.", show_default=False),
    ],
    to: Annotated[
        str, typer.Option("--to", metavar="FOLDER", help="The folder for the file.", show_default=False)
    ] = "",
    preview: Annotated[bool, typer.Option("--preview", help="Only show what would be archived.")] = False,
) -> None:
    """Archive the finished part of a closed period: write it to a file and delete it from the database. This covers
    orders that are complete, cancelled or closed with all their postings, and production and moves without an order.
    Unresolved movements, and whatever is connected to something unfinished, stay. The file is read back and verified
    before anything is deleted.

    Store the file as safely as a backup. On SQLite a long period delays other users: archive month by month.

    Example: backflush archive --through 2024-12-31 --preview

    Example: backflush archive --through 2024-12-31 --to /var/archives
    """
    day = read_day(through, field="through")
    if preview:
        choice = preview_archive(site=desk.site, through=day)
        payload: dict[str, Any] = {"through": day, "rows": choice.counts, "postings_staying": choice.staying}
        desk.answer(payload, _counted(choice.counts), _staying(choice.staying, day))
        return
    if not to:
        raise InvalidValue("Give the folder for the file: --to FOLDER", field="to")
    with desk.progress("Archiving", None) as bar:
        made = archive(site=desk.site, through=day, folder=Path(to), by=desk.by, progress=bar.show)
    file = Path(to) / made.file
    size = file.stat().st_size
    payload = {"number": made.number, "file": str(file), "bytes": size, "digest": made.digest, "rows": made.counts}
    desk.answer(
        payload,
        _counted(made.counts),
        f"Archive {made.number} is {file}, {size / MEGABYTE:.1f} MB. Store it in two places.",
    )


def _counted(counts: dict[str, int]) -> Listing:
    return Listing(("What", "#Count"), [(name, f"{counts[table]:,}") for table, name in NAMES.items()])


def _staying(staying: int, day: date) -> str:
    if not staying:
        return f"Nothing up to {day:%d %b %Y} stays in the database."
    return (
        f"{staying:,} postings up to {day:%d %b %Y} stay, because they, or something connected to "
        "them, aren't finished."
    )


def show_archives(desk: Desk, limit: LIMIT = 50) -> None:
    """List the archives of a site, newest first: the last day, the file, and whether it was restored. `backflush verify
    --archive FOLDER` verifies the files.

    Example: backflush archives
    """
    found = archives(desk.site)
    total = found.count()
    rows = list(found[:limit] if limit else found)
    payload = {"total": total, "archives": [_payload(one) for one in rows]}
    if not rows:
        desk.answer(payload, "There are no archives.")
        return
    lines = [
        (
            str(one.number),
            f"{one.through:%d %b %Y}",
            f"{one.counts['ledger_movement']:,}",
            one.file,
            f"{one.by.name}, {desk.when(one.at)}",
            f"restored by {one.brought_back_by.name}" if one.brought_back_by else "",
        )
        for one in rows
    ]
    listing = Listing(("#Archive", "Through", "#Movements", "File", "Made", ""), lines)
    desk.answer(payload, listing, of_all(len(rows), total, "archives"))


def _payload(one: Archive) -> dict[str, Any]:
    return {
        "number": one.number,
        "through": one.through,
        "file": one.file,
        "digest": one.digest,
        "rows": one.counts,
        "by": one.by.username,
        "at": one.at,
        "brought_back_by": one.brought_back_by.username if one.brought_back_by else None,
        "brought_back_at": one.brought_back_at,
    }


def show_archived(
    desk: Desk,
    file: FILE,
    movement: Annotated[int, typer.Option(metavar="NUMBER", help="Show one movement.", show_default=False)] = 0,
    posting: Annotated[int, typer.Option(metavar="NUMBER", help="Show a posting.", show_default=False)] = 0,
    order: Annotated[str, typer.Option(metavar="NUMBER", help="Show an order.", show_default=False)] = "",
    limit: LIMIT = 50,
) -> None:
    """Read an archive file without restoring it; no database is needed. Without options, show what the file contains.

    Example: backflush archive-show MAIN-0001-2024-12-31-1f2e3d4c.archive.zip --order W-1001
    """
    with opened(Path(file)) as archived:
        archived.require_whole()
        if not (movement or posting or order):
            _show_contents(desk, archived.contents)
            return
        with reading(archived):
            _show_movements(desk, movement=movement, posting=posting, order=order, limit=limit)


def _show_contents(desk: Desk, contents: Contents) -> None:
    payload = {
        "site": contents.site,
        "number": contents.number,
        "through": contents.through,
        "by": contents.by,
        "at": contents.at,
        "digest": contents.digest,
        "before": contents.before,
        "rows": contents.counts,
    }
    title = f"Archive {contents.number} of {contents.site}, through {contents.through}, created by {contents.by}."
    desk.answer(payload, title, _counted(contents.counts))


def _show_movements(desk: Desk, *, movement: int, posting: int, order: str, limit: int) -> None:
    if movement:
        found: Sequence[Movement] = [movement_numbered(desk.site, movement)]
        total = 1
    else:
        some = transactions(desk.site, order=order) if order else movements_of(posting_numbered(desk.site, posting))
        total = some.count()
        found = list(some[:limit] if limit else some)
    payload = {"total": total, "transactions": [movement_payload(desk, row) for row in found]}
    if not found:
        desk.answer(payload, f"The file contains nothing of {order}.")
        return
    desk.answer(payload, listed(desk, list(found)), of_all(len(found), total, ArchivedKind.MOVEMENT.value + "s"))


def bring_back(desk: Desk, file: FILE) -> None:
    """Restore an archive file into the database, and verify the whole ledger afterwards. The restored orders and
    postings can be reversed, reopened and settled again, and their period can be reopened.

    Example: backflush unarchive /var/archives/MAIN-0001-2024-12-31-1f2e3d4c.archive.zip
    """
    back = unarchive(file=Path(file), by=desk.by)
    with desk.progress("Checking", None) as bar:
        report = verify(bar.show)
    payload = {"number": back.number, "rows": back.counts, "sound": report.sound, "faults": report.fault_count}
    end = "All checks passed." if report.sound else f"{report.fault_count:,} faults found. Stop posting and get help."
    desk.answer(payload, _counted(back.counts), f"Archive {back.number} is restored. {end}")
    if not report.sound:
        desk.fail()
