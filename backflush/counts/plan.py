"""What to count today: the balances whose turn it is, by ABC class, everything once a year (H7)."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from backflush.core.count_plan import DueCount, day_list, interval
from backflush.core.refusals import InvalidValue
from backflush.counts.models import CountPlan, SheetLine, StockCount
from backflush.items.models import Item
from backflush.ledger.models import Balance
from backflush.stockmap.models import Location, Site

YEARLY_MOST: Final = 365
DAILY_MOST: Final = 1_000
CLASSES: Final = {"A": "yearly_a", "B": "yearly_b", "C": "yearly_c"}


@dataclass(slots=True)
class PlannedCount:
    """An item to count at a location, and why. `counted_at` is its latest posted count there."""

    item: Item
    location: Location
    counted_at: datetime | None
    yearly: int = 1
    reasons: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[int, int]:
        """Item and location."""
        return self.item.pk, self.location.pk


@dataclass(frozen=True, slots=True)
class DayPlan:
    """The list of a day: what is still to count, and how many were counted today already."""

    lines: list[PlannedCount]
    counted_today: int
    size: int


def count_plan(site: Site) -> CountPlan:
    """Return how often and how much a site counts; the usual figures where nothing is set."""
    return CountPlan.objects.filter(site=site).first() or CountPlan(site=site)


@transaction.atomic
def set_count_plan(
    *, site: Site, yearly_a: int, yearly_b: int, yearly_c: int, daily_most: int, blind: bool = False
) -> CountPlan:
    """Set how many counts a year each class has, and how many a day a person manages. Raises `InvalidValue`."""
    for name, value in (("yearly_a", yearly_a), ("yearly_b", yearly_b), ("yearly_c", yearly_c)):
        if not 1 <= value <= YEARLY_MOST:
            raise InvalidValue("Enter from 1 to {most} counts a year.", most=YEARLY_MOST, field=name)
    if not 1 <= daily_most <= DAILY_MOST:
        raise InvalidValue("Enter from 1 to {most} counts a day.", most=DAILY_MOST, field="daily_most")
    values = {
        "yearly_a": yearly_a,
        "yearly_b": yearly_b,
        "yearly_c": yearly_c,
        "daily_most": daily_most,
        "blind": blind,
    }
    return CountPlan.objects.update_or_create(site=site, defaults=values)[0]


def day_plan(site: Site) -> DayPlan:
    """Return what is still to count today, the most overdue first, in a fixed number of statements.

    What is on an open sheet is left out. The list gets shorter with each item that is counted today.
    """
    plan, now = count_plan(site), timezone.now()
    counted = counted_since(site, start_of_day(site, now))
    left = max(0, plan.daily_most - counted)
    on_sheets = set(SheetLine.objects.filter(site=site, open=True).values_list("item_id", "location_id"))
    found: dict[tuple[str, str], PlannedCount] = {}
    others = Q(item__abc_class__in=CLASSES)
    for chosen, yearly in (
        *((Q(item__abc_class=name), getattr(plan, column)) for name, column in CLASSES.items()),
        (~others, 1),
    ):
        for balance in _due(site, chosen, now - interval(yearly), most=left + len(on_sheets)):
            name = balance.location.path, balance.item.code
            if (balance.item_id, balance.location_id) not in on_sheets and name not in found:
                found[name] = PlannedCount(balance.item, balance.location, balance.counted_at, yearly)
    due = [DueCount(path, code, one.counted_at, one.yearly) for (path, code), one in found.items()]
    lines = [found[one.location, one.item] for one in day_list(due, now, left)]
    return DayPlan(lines, counted, plan.daily_most)


def _due(site: Site, chosen: Q, before: datetime, *, most: int) -> QuerySet[Balance]:
    """Return balances with stock that weren't counted since a moment, the longest not counted first."""
    rows = Balance.objects.filter(chosen, site=site, location__has_balance=True, quantity__gt=0)
    rows = rows.filter(Q(counted_at__isnull=True) | Q(counted_at__lte=before))
    order = (F("counted_at").asc(nulls_first=True), "location__path", "item__code", "pk")
    return rows.select_related("item__stock_unit", "location").order_by(*order)[: 3 * most]


def start_of_day(site: Site, now: datetime) -> datetime:
    """Return the first moment of the day in a site's time zone."""
    zone = ZoneInfo(site.time_zone)
    return datetime.combine(now.astimezone(zone).date(), time(), zone)


def counted_since(site: Site, moment: datetime) -> int:
    """Return how many items were counted at a place since a moment, each once."""
    rows = StockCount.objects.filter(site=site, at__gte=moment, reversed_by__isnull=True)
    return rows.values("item", "location").distinct().count()


def days_since(moment: datetime, now: datetime) -> int:
    """Return the whole days between two moments."""
    return (now - moment) // timedelta(days=1)
