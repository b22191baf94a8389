"""Consumption by day: the value of material used on each of the last days."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Case, IntegerField, QuerySet, Value, When

from backflush.core.moves import Status
from backflush.core.quantity import EXACT, ZERO
from backflush.dashboard.backflush_errors import standard
from backflush.dashboard.cache import CachedAnswer, kept
from backflush.db.fields import ExactSum
from backflush.items.models import ItemCost
from backflush.ledger.models import Movement
from backflush.stockmap.models import Site

DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Day:
    """The net value charged to orders on a day: assumed use, and issues by hand."""

    day: date
    assumed: Decimal
    by_hand: Decimal

    @property
    def total(self) -> Decimal:
        """Assumed and issued use together."""
        return self.assumed + self.by_hand


def consumption_by_day(site: Site, today: date) -> CachedAnswer[list[Day]]:
    """Return the last fourteen days including today, by event time, at the standard cost of the moment."""
    return kept(f"consumption-by-day:{today}", site, lambda: _days(site, today))


def _days(site: Site, today: date) -> list[Day]:
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    zone = ZoneInfo(site.time_zone)
    begins = [datetime.combine(day, time.min, tzinfo=zone) for day in days]
    rows = _used(site, begins)
    costs = {cost.pk: standard(cost) for cost in ItemCost.objects.filter(pk__in={row[2] for row in rows})}
    used: dict[tuple[int, bool], Decimal] = defaultdict(lambda: ZERO)
    for day, assumed, cost, charged, quantity in rows:
        used[day, bool(assumed)] += charged * EXACT.multiply(quantity, costs[cost])
    return [Day(day, used[place, True], used[place, False]) for place, day in enumerate(days)]


def _used(site: Site, begins: Sequence[datetime]) -> list[tuple[int, int, int, int, Decimal]]:
    """Return day, whether assumed, cost version, sign of the charge, and summed quantity.

    Queries one day at a time within a single statement; for one range over all days PostgreSQL may scan the whole
    ledger.
    """
    ends = [*begins[1:], None]
    days = [_used_on(site, place, *day) for place, day in enumerate(zip(begins, ends, strict=True))]
    return list(days[0].union(*days[1:], all=True))


def _used_on(site: Site, place: int, begin: datetime, end: datetime | None) -> QuerySet[Movement, Any]:
    assumed = Case(When(line__isnull=False, then=Value(1)), default=Value(0), output_field=IntegerField())
    rows = Movement.objects.filter(site=site, status=Status.OK, at__gte=begin).exclude(charged=0)
    if end is not None:
        rows = rows.filter(at__lt=end)
    named = rows.order_by().annotate(day=Value(place), assumed=assumed)
    return named.values_list("day", "assumed", "cost", "charged").annotate(ExactSum("quantity"))
