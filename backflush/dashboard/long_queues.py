"""Counting for the charts of the unresolved queue: by reason in a short queue, all reasons together in a long one.

The reason is a column of the movement; the event time is in an index. A queue of hundreds of thousands is therefore
counted from the index alone, and a slow answer is cached for some minutes (`dashboard.cache`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from django.db.models import Case, Count, IntegerField, QuerySet, Value, When

from backflush.core.moves import Reason, Status
from backflush.ledger.models import Movement
from backflush.stockmap.models import Site

COUNTED_MOST: Final = 10_000
ANY: Final = ""
"""The key for all reasons together."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Unresolved movements counted by interval of event time, and by reason unless the queue is too long."""

    spans: Sequence[dict[str, int]]
    by_reason: bool

    def why(self, reason: str) -> str:
        """Return the key under which a reason is counted."""
        return reason if self.by_reason else ANY


def waiting_between(site: Site, edges: Sequence[datetime]) -> Counted:
    """Count unresolved movements before the first edge, between edges, and after the last."""
    # The condition is repeated: the planner uses a partial index only if the query states the index's condition.
    waiting = Movement.objects.filter(site=site, status=Status.UNRESOLVED).exclude(status=Status.OK).order_by()
    if waiting.values("pk")[: COUNTED_MOST + 1].count() > COUNTED_MOST:
        return Counted([{ANY: span.count()} for span in _spans(waiting, edges)], by_reason=False)
    counts = [dict.fromkeys((reason.value for reason in Reason), 0) for _ in range(len(edges) + 1)]
    rows = waiting.annotate(span=span_of("at", edges)).values_list("span", "reason").annotate(Count("pk"))
    for span, reason, number in rows:
        counts[span][reason] = number
    return Counted(counts, by_reason=True)


def _spans(waiting: QuerySet[Movement], edges: Sequence[datetime]) -> list[QuerySet[Movement]]:
    first, last = waiting.filter(at__lt=edges[0]), waiting.filter(at__gte=edges[-1])
    between = [waiting.filter(at__gte=begin, at__lt=end) for begin, end in pairwise(edges)]
    return [first, *between, last]


def span_of(field: str, edges: Sequence[datetime]) -> Case:
    """Return the number of the interval that contains a moment: 0 before the first edge."""
    cases = [When(**{f"{field}__lt": edge}, then=Value(span)) for span, edge in enumerate(edges)]
    return Case(*cases, default=Value(len(edges)), output_field=IntegerField())


def total(waiting: Mapping[str, int]) -> int:
    """Return the count over all reasons."""
    return sum(waiting.values())
