"""A whole import: read, check every row, and change the database only if there is no fault."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.db import transaction

from backflush.core.refusals import InvalidValue, NotAllowed
from backflush.imports.bookings import CHUNK, ToPost, check_bookings, post_bookings
from backflush.imports.column_matches import REMEMBERED, Choices
from backflush.imports.columns import TABLES
from backflush.imports.context import RowCounts, Tell, Work
from backflush.imports.counts import take_count_tolerances, take_counts
from backflush.imports.file_shapes import keep_mapping
from backflush.imports.files import Sheet, Understanding, read
from backflush.imports.findings import Findings, ImportFault
from backflush.imports.links import take_rules, take_site_settings, take_supplier_stock
from backflush.imports.master_data import (
    ActionRows,
    BinRows,
    ConversionRows,
    ItemRows,
    LocationRows,
    ProductGroupRows,
    StoreRows,
    SupplierRows,
    TypeCodeRows,
    UnitRows,
    take_all,
    take_sites,
)
from backflush.imports.orders import end_all, take_purchase_orders, take_works_orders
from backflush.imports.stock import take_opening_stock
from backflush.imports.structures import take_structures
from backflush.operations.db_statistics import look_over
from backflush.people.models import User
from backflush.people.services import known_user

MANY: Final = 1_000
"""With this many new rows, the planner's statistics must be refreshed."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The result of an import: the counts of each table, or the faults.

    If not `applied`, nothing was changed, and the counts say what would have been. If bookings were refused during
    posting, `findings` names them, and all others are posted. `understandings` say what was understood of each file.
    """

    counts: Mapping[str, RowCounts]
    findings: Sequence[ImportFault]
    applied: bool
    understandings: Sequence[Understanding] = ()


def _silent(stage: str, done: int, total: int) -> None:
    pass


def _anything(table: str) -> bool:
    return True


def import_data(
    path: Path,
    *,
    by: str,
    update: bool = False,
    replace: bool = False,
    check: bool = False,
    site: str = "",
    tell: Tell = _silent,
    chunk: int = CHUNK,
    choices: Choices | None = None,
    only_site: str = "",
    may: Callable[[str], bool] = _anything,
) -> ImportReport:
    """Import the files of a path or, with `check`, only report their faults.

    Set-up, opening stock and orders are imported in one transaction. Bookings follow in chunks of `chunk`, each in a
    transaction of its own, so an interrupted import is finished by running it again. `site` is used where a row names
    none. With `replace`, which goes with `update`, lines that the files leave out of an item's structure are removed.
    `choices` are what the user says about files from elsewhere; without `Choices.accept`, a file whose columns were
    matched by their usual words only is checked and not imported. Its columns are kept for the next file like it.
    A door with rights says by `may` which tables the user may import, and by `only_site` for which site only.
    """
    if replace and not update:
        raise InvalidValue("--replace goes with --update. Add it, or leave --replace out.", field="replace")
    findings = Findings()
    said = choices or Choices()
    sheets = read(path, findings, said)
    _require_allowed(sheets, findings, only_site, may)
    understandings = [sheet.understanding for sheet in sheets.values() if sheet.understanding is not None]
    if not check and not said.accept:
        _require_certain(understandings, findings)
    with transaction.atomic():
        work = Work(sheets, findings, known_user(name=by), update, tell, site, replace, said.undated)
        _take_all(work)
        to_post = check_bookings(work)
        applied = not len(findings) and not check
        if applied:
            _keep_mappings(understandings, work.by)
        else:
            transaction.set_rollback(True)
    if applied:
        _post(work, to_post, chunk)
        end_all(work)
        if sum(count.new for count in work.counts.values()) >= MANY:
            look_over()
    counts = {name: work.counts[name] for name in TABLES if name in sheets}
    return ImportReport(counts, [*findings], applied, understandings)


def _require_certain(understandings: Sequence[Understanding], findings: Findings) -> None:
    """Refuse files whose columns were matched by their usual words, until the user has seen how and accepts it."""
    for one in understandings:
        if not one.certain:
            fault = "The columns, or the table, were found by their usual words."
            remedy = "Look at what was understood, and accept it."
            option = "That is --accept. The next file like it needs no --accept."
            findings.add(ImportFault(one.table, one.file, one.header_row, "", fault, remedy, option=option))


def _require_allowed(
    sheets: Mapping[str, Sheet], findings: Findings, only_site: str, may: Callable[[str], bool]
) -> None:
    """Refuse tables for which the user has no right, and rows of other sites than the one that the user works at."""
    for name, sheet in sheets.items():
        if not may(name):
            remedy = "Leave it out, or ask somebody who may."
            fault = f"You have no right to import {name}."
            findings.add(ImportFault(name, sheet.file, 0, "", fault, remedy, NotAllowed.code))
        column = "code" if name == "sites" else "site"
        if not only_site or sheet.table.column(column) is None:
            continue
        for row in (*sheet.rows, *(row for row, _ in sheet.broken)):
            if row[column] and row[column] != only_site:
                fault = f"{row[column]} isn't the site at which you work."
                remedy = "Change to that site, or leave the row out."
                findings.add(ImportFault(name, sheet.file, row.number, column, fault, remedy, NotAllowed.code))


def _keep_mappings(understandings: Sequence[Understanding], by: User) -> None:
    for one in understandings:
        if not one.own and any(match.how != REMEMBERED for match in one.matches if match.heading):
            keep_mapping(one.table, one.matches, one.answers, by)


def _take_all(work: Work) -> None:
    """Import each table after the tables that it refers to."""
    take_sites(work)
    take_all(work, (UnitRows, ActionRows, SupplierRows, StoreRows, LocationRows, BinRows))
    take_supplier_stock(work)
    take_rules(work)
    take_site_settings(work)
    take_all(work, (ProductGroupRows, TypeCodeRows, ItemRows, ConversionRows))
    take_structures(work)
    take_opening_stock(work)
    take_count_tolerances(work)
    take_counts(work)
    take_purchase_orders(work)
    take_works_orders(work)
    work.check_broken()


def _post(work: Work, to_post: Sequence[ToPost], chunk: int) -> None:
    """Post the bookings in chunks. Refused ones are named and don't stop the others."""
    total, done = sum(len(one.entered) for one in to_post), 0
    for one in to_post:
        for more in post_bookings(work, one, chunk=chunk):
            if done < MANY <= done + more < total:
                # PostgreSQL scans nearly empty tables, and a session keeps the plan: without new statistics, each
                # foreign key check of a posting scanned all postings of the import for the first minute.
                look_over()
            done += more
            work.tell("bookings posted", done, total)
