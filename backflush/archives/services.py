"""Archive and restore. Nothing is deleted from the database before the file has been read back and verified."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from backflush.archives import selection
from backflush.archives.file_format import STOCK_KEYS, ArchiveFile, Contents, batched, flush_folder, opened, write
from backflush.archives.read_back import fitted, table_named
from backflush.archives.selection import GOING, OF_MODEL
from backflush.archives.statements import (
    ADD_KEYS,
    ADD_MOVEMENT_RANGES,
    ADD_POSTING_RANGES,
    ADD_PURCHASE_ORDERS,
    ADD_STRETCHES,
    ADD_STRETCHES_WITHOUT_BALANCE,
    ADD_WORKS_ORDERS,
    FIRST_AND_LAST_MOVEMENT,
)
from backflush.archives.verification import proof_of
from backflush.audit.selectors import audit_at_work
from backflush.core.refusals import AlreadyThere, ChangedMeanwhile, InvalidValue, NotFound, PeriodClosed
from backflush.core.sentences import Count
from backflush.db.vendors import one_writer
from backflush.ledger.archived_numbers import standing_archives
from backflush.ledger.models import (
    Archive,
    ArchivedKey,
    ArchivedKind,
    ArchivedOrder,
    ArchivedRange,
    ArchivedStretch,
    CostObjectKind,
)
from backflush.ledger.periods import count_balances, end_of_day
from backflush.operations.portable import CopiedTable, add_rows, snapshot
from backflush.people.models import User
from backflush.stockmap.models import Site

Progress = Callable[[str, int, int], None]
STEPS: Final = 5
KNOWN_OF: Final = (ArchivedStretch, ArchivedRange, ArchivedOrder, ArchivedKey)
"""The tables that describe an archive in the database until it is restored."""


@dataclass(frozen=True, slots=True)
class ArchiveSelection:
    """The rows of each table that would be archived, and the number of postings of the period that stay."""

    counts: dict[str, int]
    staying: int

    @property
    def empty(self) -> bool:
        """Whether nothing would be archived."""
        return not any(self.counts.values())


def preview_archive(*, site: Site, through: date) -> ArchiveSelection:
    """Return what `archive` would archive now, with the same refusals. Writes nothing."""
    _require_closed(site, through)
    selection.prepare()
    with _one_moment():
        return ArchiveSelection(selection.choose(site, through), selection.staying(site, through))


def archive(*, site: Site, through: date, folder: Path, by: User, progress: Progress | None = None) -> Archive:
    """Archive the finished part of a closed period: write it to a file, and delete it from the database.

    The file is written from a snapshot of the database while users go on booking. It is then read back and verified
    like a ledger. Only then are the rows deleted, in one transaction, which checks that no other user has changed them.
    """
    tell = progress or (lambda name, done, total: None)
    _require_closed(site, through)
    _require_no_audit(site)
    count_balances(site)
    if not folder.is_dir():
        raise NotFound("There is no folder {folder}. Create it, or choose another.", folder=folder, field="to")
    part = folder / f".{site.code}-{timezone.now():%Y%m%d%H%M%S%f}.part"
    try:
        tell("choosing", 0, STEPS)
        selection.prepare()
        with _one_moment():
            if not any(selection.choose(site, through).values()):
                raise NotFound("There are no finished orders to archive.", field="through")
            chosen = selection.fingerprint()
            tell("writing", 1, STEPS)
            head = write(part, site=site, head=_head(site, through, by))
        tell("reading it back", 2, STEPS)
        _require_sound(part, head)
        tell("deleting the rows", 3, STEPS)
        made = _take_away(site, through, head, chosen, part, by)
    finally:
        part.unlink(missing_ok=True)
    tell("done", STEPS, STEPS)
    return made


def _require_closed(site: Site, through: date) -> None:
    closed = Site.objects.values_list("closed_through", flat=True).get(pk=site.pk)
    if closed is None or through > closed:
        raise _not_closed(site, closed)


def _not_closed(site: Site, closed: date | None) -> PeriodClosed:
    if closed is None:
        return PeriodClosed("{site} has no closed period. Close the period first.", site=site.code, field="through")
    return PeriodClosed(
        "{site} is closed up to {through}. Only closed periods can be archived. Close the period first.",
        site=site.code,
        through=closed,
        field="through",
    )


def _require_no_audit(site: Site) -> None:
    at_work = audit_at_work(site)
    if at_work is not None:
        raise ChangedMeanwhile(
            "Audit {audit} is open and may need the data to be archived. Sign it off first.",
            audit=at_work.number,
            field="through",
        )


def _one_moment() -> AbstractContextManager[None]:
    """Read a snapshot within this context; a transaction that is open already is one."""
    return nullcontext() if connection.in_atomic_block else snapshot()


def _head(site: Site, through: date, by: User) -> Contents:
    last = Archive.objects.filter(site=site).order_by("-number").first()
    return Contents(
        site=site.code,
        number=last.number + 1 if last else 1,
        through=through.isoformat(),
        by=by.name,
        at=timezone.now().isoformat(),
        before=last.digest if last else "",
    )


def _require_sound(part: Path, head: Contents) -> None:
    """Require that the file holds what was read, byte for byte, and that this part of the ledger is valid."""
    with opened(part) as file:
        assert file.digest == head.digest, "the table of contents differs from what was written"
        file.require_whole()
        faults = [fault for check in proof_of(file) for fault in check.faults]
    if faults:
        raise InvalidValue(
            "The data to be archived is inconsistent: {fault} Run `backflush verify`.", fault=faults[0], field="through"
        )


@transaction.atomic
def _take_away(site: Site, through: date, head: Contents, chosen: str, part: Path, by: User) -> Archive:
    _lock_site(site)
    _require_closed(site, through)
    if _head(site, through, by).number != head.number:
        raise _changed()
    selection.prepare()
    if _chosen_again(site, through, head) != chosen:
        raise _changed()
    made = Archive.objects.create(
        site=site,
        number=head.number,
        through=through,
        until=end_of_day(site, through),
        file=f"{site.code}-{head.number:04}-{through.isoformat()}-{head.digest[:8]}.archive.zip",
        digest=head.digest,
        counts=head.counts,
        by=by,
        at=timezone.now(),
    )
    _note(made)
    _say_through(site)
    for going in GOING:
        if selection.delete(going, site) != head.counts[going.table]:
            raise _changed()
    if not one_writer():
        # Check now for references that other users have added meanwhile, not at the commit. SQLite would read
        # everything for that.
        connection.check_constraints()
    # The last step: if the process dies before the commit, the file is unknown to the database and every row is in
    # place.
    part.rename(part.with_name(made.file))
    flush_folder(part.parent)
    return made


def _chosen_again(site: Site, through: date, head: Contents) -> str:
    """Lock the selected rows, and select again now that no other user can change them."""
    found = selection.choose(site, through)
    if selection.lock(site):
        found = selection.choose(site, through)
    return selection.fingerprint() if found == head.counts else ""


def _changed() -> ChangedMeanwhile:
    return ChangedMeanwhile(
        "Another user changed the data to be archived, so nothing was archived. Try again.", field="through"
    )


def _lock_site(site: Site) -> None:
    list(Site.objects.select_for_update(no_key=True).filter(pk=site.pk))


def _say_through(site: Site) -> None:
    """Store the last archived day with the site, where every reader has it at hand."""
    standing = standing_archives(site)
    site.archived_through = max((one.through for one in standing), default=None)
    site.save(update_fields=["archived_through"])


def _note(made: Archive) -> None:
    """Store the net change of each balance, the numbers and the keys of the archived rows."""
    of = {"site_id": made.site_id, "archive_id": made.pk}
    [(first, last)] = FIRST_AND_LAST_MOVEMENT.fetch_replanned(site_id=made.site_id)
    ADD_STRETCHES.execute_replanned(**of, first=first, last=last)
    ADD_STRETCHES_WITHOUT_BALANCE.execute_replanned(**of, first=first, last=last)
    ADD_MOVEMENT_RANGES.execute_replanned(**of, kind=ArchivedKind.MOVEMENT.value)
    ADD_POSTING_RANGES.execute_replanned(**of, kind=ArchivedKind.POSTING.value)
    ADD_WORKS_ORDERS.execute_replanned(**of, kind=CostObjectKind.WORKS_ORDER.value)
    ADD_PURCHASE_ORDERS.execute_replanned(**of, kind=CostObjectKind.PURCHASE_ORDER.value)
    ADD_KEYS.execute_replanned(**of)


def unarchive(*, file: Path, by: User) -> Archive:
    """Restore the rows of an archive file as they were. The file is no longer needed then."""
    with opened(file) as found:
        found.require_whole()
        with transaction.atomic():
            standing = archive_of(found)
            _lock_site(standing.site)
            standing = archive_of(found)
            _require_names(found)
            for kept in KNOWN_OF:
                kept._default_manager.filter(site=standing.site_id, archive=standing).delete()
            for going in reversed(GOING):
                table = CopiedTable(going.model)
                add_rows(table, fitted(found, table, whole=True))
            standing.brought_back_by, standing.brought_back_at = by, timezone.now()
            standing.save(update_fields=["brought_back_by", "brought_back_at"])
            _say_through(standing.site)
    return standing


def archive_of(file: ArchiveFile) -> Archive:
    """Return the database's record of an archive file. Refused if the archive was restored, or if the file is
    another one."""
    contents = file.contents
    known = (
        Archive.objects.filter(site__code=contents.site, number=contents.number).select_related("site", "by").first()
    )
    if known is None:
        raise NotFound(
            "This database has no record of archive {archive} of site {site}. Use the database that made it.",
            archive=contents.number,
            site=contents.site,
            field="file",
        )
    if known.digest != file.digest:
        raise InvalidValue(
            "{file} isn't the file of archive {archive}. Choose the file that was written then.",
            file=file.path,
            archive=known.number,
            field="file",
        )
    if known.brought_back_at is not None:
        raise AlreadyThere("Archive {archive} was restored before.", archive=known.number, field="file")
    return known


def _require_names(file: ArchiveFile) -> None:
    """Refuse to restore rows that refer to something that is no longer in the database."""
    for name, member in file.contents.tables.items():
        if name == STOCK_KEYS or (table := table_named(name)).model in OF_MODEL:
            continue
        place = member.columns.index("id")
        for some in batched((row[place] for row in file.rows(name)), 500):
            there = table.model._default_manager.filter(pk__in=some).count()
            if there != len(some):
                raise NotFound(
                    "{count} rows of table {table} that the archive refers to are missing from the database.",
                    count=Count(len(some) - there),
                    table=name,
                    field="file",
                )
