"""Records of archived rows: the archive in which a number is, and what the database still knows of it.

The `archives` package writes these records. They are read when a number has no row any more.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from backflush.core.input_values import whole_or_none
from backflush.core.refusals import Archived, NotFound, Refusal
from backflush.core.sentences import Sentence
from backflush.ledger.models import (
    Archive,
    ArchivedKey,
    ArchivedKind,
    ArchivedOrder,
    ArchivedRange,
    CostObjectKind,
)
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import moment_of


def standing_archives(site: Site) -> list[Archive]:
    """Return the archives of a site that weren't restored."""
    return list(Archive.objects.filter(site=site, brought_back_at__isnull=True).order_by("number"))


def archives(site: Site) -> QuerySet[Archive]:
    """Return all archives of a site, newest first, including restored ones."""
    return Archive.objects.filter(site=site).select_related("by", "brought_back_by").order_by("-number")


def archive_numbered(site: Site, number: int) -> Archive:
    """Return the archive with this number, or refuse (`not_found`)."""
    found = archives(site).filter(number=number).first()
    if found is None:
        raise NotFound("There is no archive {archive}.", archive=number, field="archive")
    return found


def orders_in(archive: Archive) -> QuerySet[ArchivedOrder]:
    """Return the works and purchase orders in an archive, by number; none if it was restored."""
    return ArchivedOrder.objects.filter(site=archive.site_id, archive=archive).order_by("kind", "number")


def numbers_in(archive: Archive, kind: ArchivedKind) -> QuerySet[ArchivedRange]:
    """Return the ranges of movement or posting numbers in an archive; none if it was restored."""
    return ArchivedRange.objects.filter(site=archive.site_id, archive=archive, kind=kind).order_by("first")


def archived_until(site: Site) -> datetime | None:
    """Return the moment from which on nothing of a site is archived; None if nothing is."""
    return None if site.archived_through is None else moment_of(site, site.archived_through + timedelta(days=1))


def require_not_archived(site: Site, until: datetime) -> None:
    """Refuse (`archived`) a question about the past that only archive files can answer."""
    first = archived_until(site)
    if first is not None and site.archived_through is not None and until < first:
        raise Archived(
            "Some movements up to {through} are archived. Before that day, balances are known only at the end of it "
            "and at the end of each earlier period. Choose one of these days, or restore the archive (`backflush "
            "unarchive FILE`).",
            through=site.archived_through,
            field="at",
        )


def no_number(site: Site, kind: ArchivedKind, number: int) -> Refusal:
    """Return the refusal for a number without a row: it is in an archive (`archived`), or never existed
    (`not_found`)."""
    held = (
        ArchivedRange.objects.filter(site=site, kind=kind, first__lte=number)
        .select_related("archive")
        .order_by("-first")
        .first()
    )
    if held is None or held.last < number:
        return NotFound("There is no {kind} {number}.", kind=kind, number=number, field=kind.value)
    return Archived(
        "The {kind} {number} is in archive {archive} ({file}), no longer in the database. "
        "Read it with `backflush archive-show FILE --{kind} {number}`.",
        kind=kind.value,
        number=number,
        archive=held.archive.number,
        file=held.archive.file,
        field=kind.value,
        archives=[held.archive.number],
    )


def no_orders(site: Site, kind: CostObjectKind | None, numbers: Collection[str]) -> Refusal:
    """Return the refusal for orders without a row: they are in archives (`archived`), or never existed
    (`not_found`)."""
    held = ArchivedOrder.objects.filter(site=site, number__in=numbers).select_related("archive")
    held = held if kind is None else held.filter(kind=kind)
    found = {one.number: one.archive for one in held}
    missing = [number for number in numbers if number not in found]
    if missing:
        if kind is None:
            return NotFound("There is no order {orders}.", orders=missing, field="order")
        return NotFound("There is no {kind} {orders}.", kind=kind, orders=missing, field="order")
    first, *others = [
        Sentence(
            "Order {order} is in archive {archive} ({file}), no longer in the database. "
            "Read it with `backflush archive-show FILE --order {order}`.",
            order=number,
            archive=archive.number,
            file=archive.file,
        )
        for number, archive in found.items()
    ]
    refusal = Archived.of(first, field="order", details=others)
    refusal.archives = tuple(sorted({archive.number for archive in found.values()}))
    return refusal


def archived_as(site: Site, text: str) -> list[Archived]:
    """Return what archives hold under a number that a user searches for: an order, a movement or a posting."""
    found: list[Refusal] = []
    number = whole_or_none(text)
    if number is not None:
        found.append(no_number(site, ArchivedKind.MOVEMENT, number))
    found.append(no_orders(site, None, [text]))
    return [one for one in found if isinstance(one, Archived)]


def key_archived(held: ArchivedKey) -> Archived:
    """Return the refusal for a key whose posting is in an archive; nothing is posted again."""
    return Archived(
        "The key '{key}' was used for posting {posting}, which is in archive {archive} ({file}), no longer in the "
        "database. Nothing was posted again.",
        key=held.key.key,
        posting=held.posting,
        archive=held.archive.number,
        file=held.archive.file,
        field="key",
        archives=[held.archive.number],
    )


def order_numbers(orders: QuerySet[Any], site: Site, kind: CostObjectKind, numbers: Sequence[str]) -> set[str]:
    """Return the order numbers among these that are taken, by an existing or an archived order."""
    there = orders.filter(site=site, number__in=numbers).values_list("number", flat=True)
    held = ArchivedOrder.objects.filter(site=site, kind=kind, number__in=numbers).values_list("number", flat=True)
    return set(there.union(held))


def archived_keys(site: Site, keys: Collection[str]) -> list[ArchivedKey]:
    """Return the archived postings of some keys."""
    held = ArchivedKey.objects.filter(site=site, key__key__in=keys, key__site=site)
    return list(held.select_related("key", "archive"))
