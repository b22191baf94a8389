"""How the charts of the queue count: by reason while that is quick, all together where the queue is long.

Reasons stand in the movements themselves, moments in an index. So a queue of hundreds of thousands is counted by the
index alone, and the answer is kept for some minutes where even that took long (`keeping`).
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
"""Stands for all reasons together."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What waits by the span of time in which it happened, and by reason unless there is too much for that."""

    spans: Sequence[dict[str, int]]
    told_apart: bool

    def why(self, reason: str) -> str:
        """Under which name a reason is counted."""
        return reason if self.told_apart else ANY


def waiting_between(site: Site, edges: Sequence[datetime]) -> Counted:
    """What waits: from before the first edge, between one and the next, and since the last."""
    # Said twice, because an index that leaves out what is OK is only taken where a question does so too.
    waiting = Movement.objects.filter(site=site, status=Status.UNRESOLVED).exclude(status=Status.OK).order_by()
    if waiting.values("pk")[: COUNTED_MOST + 1].count() > COUNTED_MOST:
        return Counted([{ANY: span.count()} for span in _spans(waiting, edges)], told_apart=False)
    counts = [dict.fromkeys((reason.value for reason in Reason), 0) for _ in range(len(edges) + 1)]
    rows = waiting.annotate(span=span_of("at", edges)).values_list("span", "reason").annotate(Count("pk"))
    for span, reason, number in rows:
        counts[span][reason] = number
    return Counted(counts, told_apart=True)


def _spans(waiting: QuerySet[Movement], edges: Sequence[datetime]) -> list[QuerySet[Movement]]:
    first, last = waiting.filter(at__lt=edges[0]), waiting.filter(at__gte=edges[-1])
    between = [waiting.filter(at__gte=begin, at__lt=end) for begin, end in pairwise(edges)]
    return [first, *between, last]


def span_of(field: str, edges: Sequence[datetime]) -> Case:
    """In which of the spans a moment lies: 0 before the first edge."""
    cases = [When(**{f"{field}__lt": edge}, then=Value(span)) for span, edge in enumerate(edges)]
    return Case(*cases, default=Value(len(edges)), output_field=IntegerField())


def total(waiting: Mapping[str, int]) -> int:
    """Whatever the reason."""
    return sum(waiting.values())
