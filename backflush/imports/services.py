"""The whole of an import: read, check every row, and only where nothing is wrong change anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.db import transaction

from backflush.imports.bookings import CHUNK, ToPost, check_bookings, post_bookings
from backflush.imports.columns import TABLES
from backflush.imports.context import Count, Tell, Work
from backflush.imports.files import read
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
from backflush.imports.orders import take_purchase_orders, take_works_orders
from backflush.imports.stock import take_opening_stock
from backflush.imports.structures import take_structures
from backflush.operations.db_statistics import look_over
from backflush.people.services import known_user

MANY: Final = 1_000
"""So many new rows change what a database should know of its tables."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import came to: what became of each table's rows, or what is wrong.

    Where it is not `applied`, nothing was changed, and the counts say what would have been. Where bookings were
    refused while bookings were posted, `findings` says which, and all the others are in.
    """

    counts: Mapping[str, Count]
    findings: Sequence[ImportFault]
    applied: bool


def _silent(stage: str, done: int, total: int) -> None:
    pass


def import_data(
    path: Path,
    *,
    by: str,
    update: bool = False,
    check: bool = False,
    site: str = "",
    tell: Tell = _silent,
    chunk: int = CHUNK,
) -> ImportReport:
    """Bring in what a path holds, or, with `check`, only say what is wrong with it.

    Set-up, opening stock and orders go in together or not at all; bookings follow in chunks, each whole, so that
    running the import again finishes what was stopped. `site` stands in where a row names none; `chunk` is how many
    bookings go in together.
    """
    findings = Findings()
    sheets = read(path, findings)
    with transaction.atomic():
        work = Work(sheets, findings, known_user(name=by), update, tell, site)
        _take_all(work)
        to_post = check_bookings(work)
        applied = not len(findings) and not check
        if not applied:
            transaction.set_rollback(True)
    if applied:
        _post(work, to_post, chunk)
        if sum(count.new for count in work.counts.values()) >= MANY:
            look_over()
    return ImportReport({name: work.counts[name] for name in TABLES if name in sheets}, [*findings], applied)


def _take_all(work: Work) -> None:
    """Each table after those that it points into."""
    take_sites(work)
    take_all(work, (UnitRows, ActionRows, SupplierRows, StoreRows, LocationRows, BinRows))
    take_supplier_stock(work)
    take_rules(work)
    take_site_settings(work)
    take_all(work, (ProductGroupRows, TypeCodeRows, ItemRows, ConversionRows))
    take_structures(work)
    take_opening_stock(work)
    take_purchase_orders(work)
    take_works_orders(work)
    work.check_broken()


def _post(work: Work, to_post: Sequence[ToPost], chunk: int) -> None:
    """Post the bookings in chunks; those that are refused meanwhile are named, and don't keep the others back."""
    total, done = sum(len(one.entered) for one in to_post), 0
    for one in to_post:
        for more in post_bookings(work, one, chunk=chunk):
            if done < MANY <= done + more < total:
                # PostgreSQL looks at nearly empty tables from end to end, and a session keeps to the way that it chose:
                # for a minute each of its checks of a posting read all postings of the import.
                look_over()
            done += more
            work.tell("bookings posted", done, total)
