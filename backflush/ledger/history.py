"""Balances at a past moment, by event time, without reading the whole history.

Every balance is known before the first movement (zero), at the end of each closed period (stored by the closing), and
now. Starting from the nearest of these, the movements in between are added or subtracted, in the same statement
(`ledger/sql/history.sql`), so no posting made meanwhile is missed.

A moment is stored as the first one after it: the end of a day is the beginning of the next.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import QuerySet

from backflush.core.moves import StockKey
from backflush.core.quantity import SCALE, from_scaled
from backflush.items.models import Item
from backflush.ledger.archived_numbers import require_not_archived
from backflush.ledger.models import Movement, PeriodClosing
from backflush.ledger.statements import BALANCES_AT_MOMENT, BALANCES_OF_ITEMS_AT_MOMENT
from backflush.stockmap.models import Location, Site

INSTANT: Final = timedelta(microseconds=1)
"""The resolution of stored times."""
FIRST: Final = datetime.min.replace(tzinfo=UTC)
LAST: Final = datetime.max.replace(tzinfo=UTC)
"""The moments before and after all others."""


@dataclass(frozen=True, slots=True)
class BalanceAt:
    """A balance at a past moment, by event time.

    It can be negative if something was recorded late: only present balances are never negative (B9).
    """

    item: str
    unit: str
    location: str
    bin: str
    batch: str
    serial: str
    quantity: Decimal
    decimals: int = 0
    description: str = ""

    @property
    def negative(self) -> bool:
        """Whether the past balance is negative."""
        return self.quantity < 0


def balances_at(
    site: Site, moment: datetime, *, item: str = "", location: str = "", items: Collection[int] | None = None
) -> list[BalanceAt]:
    """Return the balances at a moment by event time, without zeros; of one item, some or all.

    Locations are filtered afterwards, because the database reads far more rows by location than by item.
    """
    if item:
        items = list(Item.objects.filter(code=item).values_list("pk", flat=True))
    totals = totals_until(site, moment + INSTANT, items)
    paths = _paths(site, location)
    return _named({stock_key: total for stock_key, total in totals.items() if stock_key.location_id in paths}, paths)


def totals_until(site: Site, until: datetime, items: Collection[int] | None = None) -> dict[StockKey, Decimal]:
    """Return the balance of each stock key just before a moment, without zeros and locations without balances."""
    while True:
        known = known_nearest(site, until)
        totals = _read(site, known, until, items)
        # A period that was reopened meanwhile has no stored balances any more.
        if known.closing is None or standing_closings(site).filter(pk=known.closing).exists():
            return totals


def standing_closings(site: Site) -> QuerySet[PeriodClosing]:
    """Return the closings of a site that weren't reopened."""
    return PeriodClosing.objects.filter(site=site, reopened_at__isnull=True)


@dataclass(frozen=True, slots=True)
class Known:
    """A moment at which every balance is known. `at` is None for the beginning or, with `back`, for now.

    With `back`, later movements are subtracted from it; otherwise earlier ones are added.
    """

    at: datetime | None = None
    back: bool = False
    closing: int | None = None


def known_nearest(site: Site, until: datetime) -> Known:
    """Return the known moment nearest in time, from which the fewest movements probably have to be summed.

    Refused (`archived`) if some of the movements in between are archived: of an archived period only the balances at
    its end are known.
    """
    counted = standing_closings(site).filter(counted_at__isnull=False)
    if site.archived_through is not None:
        return _known_after_archives(site, until, counted)
    before = counted.filter(until__lte=until).order_by("-until").first()
    after = counted.filter(until__gt=until).order_by("until").first()
    times = Movement.objects.filter(site=site).order_by("at", "id").values_list("at", flat=True)
    start = before.until if before else times.first()
    end = after.until if after else times.last()
    if start is not None and end is not None and until - start > end - until:
        return Known(after.until, back=True, closing=after.pk) if after else Known(back=True)
    return Known(before.until, closing=before.pk) if before else Known()


def _known_after_archives(site: Site, until: datetime, counted: QuerySet[PeriodClosing]) -> Known:
    """Return the nearest known moment after all archived movements: the end of a period, or now."""
    exact = counted.filter(until=until).first()
    if exact is not None:
        return Known(exact.until, closing=exact.pk)
    require_not_archived(site, until)
    after = counted.filter(until__gt=until).order_by("until").first()
    return Known(after.until, back=True, closing=after.pk) if after else Known(back=True)


def values_until(site: Site, known: Known, until: datetime) -> dict[str, Any]:
    """Return the values of the statements that compute the balances just before a moment from a known one."""
    span = (until, known.at or LAST) if known.back else (known.at or FIRST, until)
    return {
        "site_id": site.pk,
        "since": span[0],
        "until": span[1],
        "sign": -1 if known.back else 1,
        "closing_id": known.closing,
        "from_now": known.back and known.closing is None,
    }


def _read(site: Site, known: Known, until: datetime, items: Collection[int] | None) -> dict[StockKey, Decimal]:
    values = values_until(site, known, until)
    if items is None:
        rows = BALANCES_AT_MOMENT.fetch_replanned(**values)
    else:
        rows = BALANCES_OF_ITEMS_AT_MOMENT.fetch_replanned(**values, items=sorted(items))
    return {StockKey(*names): from_scaled(int(whole) * SCALE + int(part)) for *names, whole, part in rows}


def _paths(site: Site, location: str) -> dict[int, str]:
    """Return the locations with balances: all of the site, the one of a path, or those of a store."""
    kept = Location.objects.filter(site=site, has_balance=True)
    if location:
        kept = kept.filter(path=location) if "/" in location else kept.filter(store__code=location)
    return dict(kept.values_list("pk", "path"))


def _named(totals: Mapping[StockKey, Decimal], paths: Mapping[int, str]) -> list[BalanceAt]:
    """Return balances with codes in place of primary keys, sorted by these."""
    items = Item.objects.select_related("stock_unit").in_bulk({stock_key.item_id for stock_key in totals})
    named = [
        BalanceAt(
            items[stock_key.item_id].code,
            items[stock_key.item_id].stock_unit.code,
            paths[stock_key.location_id],
            stock_key.bin,
            stock_key.batch,
            stock_key.serial,
            total,
            items[stock_key.item_id].quantity_decimals,
            items[stock_key.item_id].description,
        )
        for stock_key, total in totals.items()
    ]
    return sorted(named, key=lambda one: (one.item, one.location, one.bin, one.batch, one.serial))
