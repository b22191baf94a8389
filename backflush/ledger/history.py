"""Balances at a past moment, by event time, without reading the whole history.

Every balance is known before the first movement (zero), at the end of each closed period (stored by the closing), and
now. Starting from the nearest of these, the movements in between are added or subtracted, in the same statement, so no
posting made meanwhile is missed.

A moment is stored as the first one after it: the end of a day is the beginning of the next.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from backflush.core.moves import StockKey
from backflush.core.quantity import SCALE, from_scaled
from backflush.db.statements import driver_time
from backflush.items.models import Item
from backflush.ledger.archived_numbers import require_not_archived
from backflush.ledger.models import Movement, PeriodClosing
from backflush.stockmap.models import Location, Site

INSTANT: Final = timedelta(microseconds=1)
"""The resolution of stored times."""


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
    return _named({stock_key: total for stock_key, total in totals.items() if stock_key.location in paths}, paths)


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


_STOCK_KEY: Final = "item_id, location_id, bin, batch, serial"
# Whole units and millionths are summed separately, because SQLite's sum of millionths would overflow 64 bits.
_WHOLE: Final = f"quantity / {SCALE}"
_PART: Final = f"quantity %% {SCALE}"
_ENDS: Final = "item_id, source_id, source_bin, target_id, target_bin, batch, serial"
# Sum by source and target first: there are few such pairs, and each is then counted once at either end. SQLite keeps
# the order of a cross join, so the movements come first.
_WAYS: Final = (
    "SELECT item_id, CASE w.way WHEN 1 THEN target_id ELSE source_id END AS location_id, "
    "CASE w.way WHEN 1 THEN target_bin ELSE source_bin END AS bin, batch, serial, "
    "{sign} * w.way * whole AS whole, {sign} * w.way * part AS part "
    f"FROM (SELECT {_ENDS}, SUM({_WHOLE}) AS whole, SUM({_PART}) AS part FROM ledger_movement "
    f"WHERE quantity > 0 AND {{of}} AND {{between}} GROUP BY {_ENDS}) m "
    "CROSS JOIN (SELECT 1 AS way UNION ALL SELECT -1) w"
)
_KEPT: Final = f" UNION ALL SELECT {_STOCK_KEY}, {_WHOLE}, {_PART} FROM {{table}} WHERE {{of}}"
_STOCK_KEYS: Final = (
    f"SELECT {_STOCK_KEY}, SUM(u.whole) AS whole, SUM(u.part) AS part FROM ({{ways}}) u "
    "WHERE location_id IN (SELECT id FROM stockmap_location WHERE has_balance) "
    f"GROUP BY {_STOCK_KEY} HAVING SUM(u.whole) * {SCALE} + SUM(u.part) <> 0"
)
_AMONG: Final = {"postgresql": "= ANY(%(items)s)", "sqlite": "IN (SELECT value FROM json_each(%(items)s))"}


def stock_keys_until(known: Known, *, of_items: bool) -> str:
    """Return the SQL for the balance of each stock key, in whole units and millionths."""
    ways = _WAYS.replace("{sign}", "-1" if known.back else "1").replace("{between}", _between(known))
    if known.closing is not None:
        ways += _KEPT.replace("{table}", "ledger_periodbalance") + " AND closing_id = %(closing)s"
    elif known.back:
        ways += _KEPT.replace("{table}", "ledger_balance") + " AND quantity <> 0"
    of = "site_id = %(site)s" + (f" AND item_id {_AMONG[connection.vendor]}" if of_items else "")
    return _STOCK_KEYS.replace("{ways}", ways).replace("{of}", of)


def counting(known: Known) -> str:
    """Return the SQL that stores these balances for a closing."""
    return (
        f"INSERT INTO ledger_periodbalance (site_id, closing_id, {_STOCK_KEY}, quantity) "
        f"SELECT %(site)s, %(of)s, {_STOCK_KEY}, whole * {SCALE} + part "
        f"FROM ({stock_keys_until(known, of_items=False)}) p"
    )


def _between(known: Known) -> str:
    """Return the SQL for the movements between the known moment and the requested one."""
    if known.back:
        return "at >= %(until)s" + (" AND at < %(known)s" if known.at else "")
    return "at < %(until)s" + (" AND at >= %(known)s" if known.at else "")


def values_until(site: Site, known: Known, until: datetime) -> dict[str, Any]:
    """Return the parameters of that SQL."""
    values: dict[str, Any] = {"site": site.pk, "until": driver_time(until)}
    if known.at is not None:
        values["known"] = driver_time(known.at)
    if known.closing is not None:
        values["closing"] = known.closing
    return values


def _read(site: Site, known: Known, until: datetime, items: Collection[int] | None) -> dict[StockKey, Decimal]:
    values = values_until(site, known, until)
    if items is not None:
        some = sorted(items)
        values["items"] = some if connection.vendor == "postgresql" else str(some)
    with connection.cursor() as cursor:
        cursor.execute(stock_keys_until(known, of_items=items is not None), values)
        return {
            StockKey(*names): from_scaled(int(whole) * SCALE + int(part)) for *names, whole, part in cursor.fetchall()
        }


def _paths(site: Site, location: str) -> dict[int, str]:
    """Return the locations with balances: all of the site, the one of a path, or those of a store."""
    kept = Location.objects.filter(site=site, has_balance=True)
    if location:
        kept = kept.filter(path=location) if "/" in location else kept.filter(store__code=location)
    return dict(kept.values_list("pk", "path"))


def _named(totals: Mapping[StockKey, Decimal], paths: Mapping[int, str]) -> list[BalanceAt]:
    """Return balances with codes in place of primary keys, sorted by these."""
    items = Item.objects.select_related("stock_unit").in_bulk({stock_key.item for stock_key in totals})
    named = [
        BalanceAt(
            items[stock_key.item].code,
            items[stock_key.item].stock_unit.code,
            paths[stock_key.location],
            stock_key.bin,
            stock_key.batch,
            stock_key.serial,
            total,
            items[stock_key.item].quantity_decimals,
            items[stock_key.item].description,
        )
        for stock_key, total in totals.items()
    ]
    return sorted(named, key=lambda one: (one.item, one.location, one.bin, one.batch, one.serial))
