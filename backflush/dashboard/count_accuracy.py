"""How accurate the book is, by the counts of a time: by class, place, counter and month, and by random samples (H8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Case, Count, IntegerField, Q, Value, When
from django.db.models.functions import TruncMonth
from django.utils import timezone

from backflush.core.count_statistics import wilson_interval
from backflush.core.quantity import ZERO
from backflush.counts.models import CountSheet, CountStatus, SheetLine, StockCount
from backflush.dashboard.backflush_errors import standard
from backflush.dashboard.cache import CachedAnswer, kept
from backflush.db.fields import ExactSum
from backflush.items.models import Item
from backflush.people.models import User
from backflush.stockmap.models import Location, Site

DAYS: Final = 365
SAMPLES: Final = 5
SHOWN: Final = 50
"""The most rows of one division."""


@dataclass(slots=True)
class Accuracy:
    """Counts of one class, place, counter or month, with the differences valued at standard cost."""

    name: str
    counts: int = 0
    within: int = 0
    surplus: Decimal = ZERO
    loss: Decimal = ZERO
    """The value of what was missing, above zero."""

    @property
    def share(self) -> float:
        """The share of counts within their tolerance, in per cent."""
        return 100 * self.within / self.counts if self.counts else 0.0

    @property
    def absolute(self) -> Decimal:
        """The value of all differences without their signs."""
        return self.surplus + self.loss

    @property
    def net_loss(self) -> Decimal:
        """The value of what was missing less what was too much."""
        return self.loss - self.surplus

    def add(self, counts: int, within: int, surplus: Decimal, loss: Decimal) -> None:
        """Add some counts."""
        self.counts += counts
        self.within += within
        self.surplus += surplus
        self.loss += loss


@dataclass(frozen=True, slots=True)
class SampleAccuracy:
    """A random sample: its sheet, how many are counted and within tolerance, and the 95 % interval in per cent."""

    sheet: int
    seed: str
    sample_of: int
    counted: int
    within: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CountAccuracy:
    """The accuracy of a time, in all and divided."""

    since: datetime
    total: Accuracy
    by_class: Sequence[Accuracy]
    by_place: Sequence[Accuracy]
    by_counter: Sequence[Accuracy]
    by_month: Sequence[Accuracy]
    samples: Sequence[SampleAccuracy]


def count_accuracy(site: Site) -> CachedAnswer[CountAccuracy]:
    """Return how accurate the book was by the counts of the last year, kept for a while where it takes long."""
    return kept("count-accuracy", site, lambda: accuracy_since(site, timezone.now() - timedelta(days=DAYS)))


def accuracy_since(site: Site, since: datetime) -> CountAccuracy:
    """Return how accurate the book was by the counts since a moment, in a fixed number of statements.

    Left out are counts that a recount replaced, rejected and reversed ones, and those from before it was kept whether a
    count is within its tolerance.
    """
    zone = ZoneInfo(site.time_zone)
    rows = (
        StockCount.objects.filter(site=site, at__gte=since, reversed_by__isnull=True, within__isnull=False)
        .exclude(status__in=(CountStatus.REPLACED, CountStatus.REJECTED))
        .order_by()
        .annotate(
            month=TruncMonth("at", tzinfo=zone),
            is_surplus=Case(When(difference__gt=0, then=Value(1)), default=Value(0), output_field=IntegerField()),
        )
        .values_list("item_id", "location_id", "counted_by_id", "month", "is_surplus")
        .annotate(counts=Count("pk"), agree=Count("pk", filter=Q(within=True)), off=ExactSum("difference"))
    )
    found = list(rows)
    items = Item.objects.select_related("cost").in_bulk({row[0] for row in found})
    places = Location.objects.in_bulk({row[1] for row in found})
    people = User.objects.in_bulk({row[2] for row in found})
    total = Accuracy("")
    classes: dict[str, Accuracy] = {}
    at_places: dict[str, Accuracy] = {}
    counters: dict[str, Accuracy] = {}
    months: dict[str, Accuracy] = {}
    for item, place, person, month, is_surplus, counts, agree, off in found:
        cost = items[item].cost
        unit = standard(cost) if cost is not None else ZERO
        figures = counts, agree, off * unit if is_surplus else ZERO, ZERO if is_surplus else -off * unit
        total.add(*figures)
        for division, name in (
            (classes, items[item].abc_class),
            (at_places, places[place].path),
            (counters, people[person].name),
            (months, _month(month)),
        ):
            division.setdefault(name, Accuracy(name)).add(*figures)
    return CountAccuracy(
        since,
        total,
        _in_order(classes),
        _worst_first(at_places),
        _worst_first(counters),
        _in_order(months),
        _samples(site),
    )


def _month(moment: datetime | date) -> str:
    return f"{moment:%Y-%m}"


def _in_order(division: Mapping[str, Accuracy]) -> list[Accuracy]:
    return [division[name] for name in sorted(division, key=lambda name: (not name, name))]


def _worst_first(division: Mapping[str, Accuracy]) -> list[Accuracy]:
    return sorted(division.values(), key=lambda one: (-one.absolute, one.name))[:SHOWN]


def _samples(site: Site) -> list[SampleAccuracy]:
    """Return the latest random samples of which something is counted."""
    sheets = CountSheet.objects.filter(site=site, sample_of__isnull=False).order_by("-pk")[:SAMPLES]
    by_number = {sheet.pk: sheet for sheet in sheets}
    lines = SheetLine.objects.filter(site=site, sheet__in=by_number, count__isnull=False, added=False).order_by()
    rows = lines.values_list("sheet").annotate(Count("pk"), agree=Count("pk", filter=Q(count__within=True)))
    found = []
    for number, counted, within in sorted(rows, reverse=True):
        low, high = wilson_interval(within, counted)
        sheet = by_number[number]
        found.append(SampleAccuracy(number, sheet.seed, sheet.sample_of or 0, counted, within, 100 * low, 100 * high))
    return found
