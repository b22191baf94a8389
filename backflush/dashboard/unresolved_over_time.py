"""Unresolved movements at the end of each of the last weeks, by reason.

Counted by event time, like the ages in the queue: an import or a late booking counts in the week in which it happened.
A settlement that was undone doesn't count. The present queue is counted once by week; movements that were settled since
the first week are added to the weeks in which they were still unresolved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Count

from backflush.dashboard.cache import CachedAnswer, kept
from backflush.dashboard.long_queues import span_of, total, waiting_between
from backflush.stockmap.models import Site
from backflush.unresolved.models import Settlement

WEEKS: Final = 12


@dataclass(frozen=True, slots=True)
class Week:
    """A week by its Monday, and the movements unresolved at its end (for the current week: now), by reason."""

    begins: date
    waiting: Mapping[str, int]

    @property
    def total(self) -> int:
        """The count over all reasons."""
        return total(self.waiting)


@dataclass(frozen=True, slots=True)
class OverTime:
    """The weeks, and whether they are split by reason."""

    weeks: Sequence[Week]
    by_reason: bool


def unresolved_over_time(site: Site, today: date) -> CachedAnswer[OverTime]:
    """Return the last twelve weeks including the current one."""
    return kept(f"unresolved-over-time:{today}", site, lambda: _over_time(site, today))


def _over_time(site: Site, today: date) -> OverTime:
    monday = today - timedelta(days=today.weekday())
    mondays = [monday - timedelta(weeks=back) for back in reversed(range(WEEKS))]
    begins = [datetime.combine(day, time.min, tzinfo=ZoneInfo(site.time_zone)) for day in mondays]
    # The first week includes everything older.
    counted = waiting_between(site, begins[1:])
    waiting = [dict(span) for span in counted.spans]
    for before, week in pairwise(waiting):
        for why, number in before.items():
            week[why] += number
    for reason, first, gone, number in _settled(site, begins[1:]):
        for week in waiting[first:gone]:
            week[counted.why(reason)] += number
    return OverTime([Week(*one) for one in zip(mondays, waiting, strict=True)], counted.by_reason)


def _settled(site: Site, edges: Sequence[datetime]) -> list[tuple[str, int, int, int]]:
    """Count movements settled since the end of the first week, by the week they date from and the week they were
    settled in. A kept remainder stands for the whole: it has been unresolved since the original's event time.
    """
    rows = Settlement.objects.filter(
        site=site,
        posting__site=site,
        movement__site=site,
        posting__at__gte=edges[0],
        undone_by__isnull=True,
        kept__isnull=True,
    )
    weeks = rows.annotate(first=span_of("movement__at", edges), gone=span_of("posting__at", edges)).order_by()
    return list(weeks.values_list("movement__reason", "first", "gone").annotate(Count("pk")))
