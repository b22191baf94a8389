"""Counts of stock and their tolerances."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from backflush.core.refusals import Refusal
from backflush.counts.models import CountTolerance, StockCount
from backflush.counts.services import CountIn, enter_counts
from backflush.counts.tolerances import LIMITS, ToleranceIn, set_tolerances
from backflush.imports.context import Work
from backflush.imports.files import ImportRow
from backflush.imports.master_data import note_difference
from backflush.items.selectors import stock_quantity
from backflush.ledger.idempotency import posted_keys
from backflush.people.models import User
from backflush.stockmap.models import Site

COUNTS: Final = "counts"
TOLERANCES: Final = "count_tolerances"
SETTINGS: Final = (*LIMITS, "approval_value", "post_within", "recount_beyond", "blind")


def take_count_tolerances(work: Work) -> None:
    """Set the tolerances of counts. One that exists with other limits is changed only with --update."""
    known = {(row.site_id, row.item_id, row.location_id, row.abc_class): row for row in CountTolerance.objects.all()}
    new: dict[Site, list[tuple[ImportRow, ToleranceIn]]] = {}
    changed: dict[Site, list[tuple[ImportRow, ToleranceIn]]] = {}
    for row, site, tolerance in _tolerances(work):
        item, place = tolerance.item, tolerance.location
        before = known.get((site.pk, item.pk if item else None, place.pk if place else None, tolerance.abc_class))
        differing = [name for name in SETTINGS if before is not None and getattr(before, name) != row[name]]
        if before is None:
            new.setdefault(site, []).append((row, tolerance))
        elif not differing:
            work.counts[TOLERANCES].there += 1
        elif work.update:
            changed.setdefault(site, []).append((row, tolerance))
        else:
            for name in differing:
                note_difference(work, TOLERANCES, row, name, getattr(before, name), row[name])
    for given, counted in ((new, "new"), (changed, "changed")):
        for site, rows in given.items():
            done = work.hand_over(TOLERANCES, rows, _setter(site), {})
            setattr(work.counts[TOLERANCES], counted, getattr(work.counts[TOLERANCES], counted) + len(done))


def _setter(site: Site) -> Any:
    return lambda tolerances: set_tolerances(tolerances, site=site)


def _tolerances(work: Work) -> Iterator[tuple[ImportRow, Site, ToleranceIn]]:
    for row in work.rows(TOLERANCES):
        site = work.site(TOLERANCES, row)
        item = work.find(TOLERANCES, row, "item", work.items, row["item"]) if row["item"] else None
        place = work.location(TOLERANCES, row, "location") if row["location"] else None
        missing = (row["item"] and item is None) or (row["location"] and place is None)
        if site is not None and not missing:
            settings = {name: row[name] for name in SETTINGS}
            yield row, site, ToleranceIn(item=item, location=place, abc_class=row["abc_class"], **settings)


def take_counts(work: Work) -> None:
    """Enter counts with their times. Rows without a quantity weren't counted; those entered before are skipped."""
    by_site: dict[Site, list[tuple[ImportRow, CountIn]]] = {}
    people = {user.username: user for user in User.objects.all()} if COUNTS in work.sheets else {}
    for row in work.rows(COUNTS):
        site = work.site(COUNTS, row)
        item = work.find(COUNTS, row, "item", work.items, row["item"])
        place = work.location(COUNTS, row, "location")
        if row["counted_by"] and row["counted_by"] not in people:
            work.fault(COUNTS, row, "counted_by", f"There is no person {row['counted_by']}.", "Correct the name.")
        elif site is not None and item is not None and place is not None and row["quantity"] is not None:
            try:
                quantity = stock_quantity(item, row["quantity"], field="quantity")
            except Refusal as refusal:
                work.refused(COUNTS, row, refusal, {})
                continue
            by_site.setdefault(site, []).append((row, _count(row, quantity, people)))
    for site, entered in by_site.items():
        fresh = _fresh(work, site, entered)

        def enter(counts: list[CountIn], site: Site = site) -> list[StockCount]:
            return enter_counts(counts, site=site, by=work.by)

        work.counts[COUNTS].new += len(work.hand_over(COUNTS, fresh, enter, {}))


def _count(row: ImportRow, quantity: Decimal, people: Mapping[str, User]) -> CountIn:
    """Return a row as a count. Without a key of its own its content is its key, so that it is entered once."""
    count = CountIn(
        item=row["item"],
        location=row["location"],
        quantity=quantity,
        bin=row["bin"],
        batch=row["batch"],
        serial=row["serial"],
        at=row["at"],
        method=row["method"],
        blind=row["blind"],
        counted_by=people.get(row["counted_by"]),
        sheet=row["sheet"],
        remarks=row["remarks"],
        key=row["key"],
    )
    return count if count.key else replace(count, key=f"import {count.request().digest[:40]}")


def _fresh(work: Work, site: Site, entered: list[tuple[ImportRow, CountIn]]) -> list[tuple[ImportRow, CountIn]]:
    """Return the counts that weren't entered before; a key that was used for something else is a fault."""
    posted, reused = posted_keys(site=site, requests=[count.request() for _, count in entered])
    work.counts[COUNTS].there += len(posted)
    for row, count in entered:
        if count.key in reused:
            refusal: Refusal = reused[count.key]
            work.refused(COUNTS, row, refusal, {})
    return [one for one in entered if one[1].key not in posted and one[1].key not in reused]
