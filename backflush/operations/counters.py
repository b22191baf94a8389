"""Counters for monitoring, read from the ledger: postings, bookings and lines since counting began, from every source.

Booking itself counts nothing. Each reading counts only rows that are new since the last one, by primary key, so it
costs the same at ten million movements as at none. Rows can be committed after rows with higher keys, so the mark up to
which rows are counted for good advances only after `SETTLING`; a longer transaction may be missed. These figures are
for monitoring: the ledger itself is exact.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Manager, Max, QuerySet
from django.utils import timezone

from backflush.backflushing.models import Booking
from backflush.core.moves import Status
from backflush.ledger.models import Movement, Posting
from backflush.stockmap.models import Site

SETTLING: Final = timedelta(minutes=5)
UNRESOLVED_MOST: Final = 10_000
"""The limit of counting the queue, so that a long queue isn't read to its end at each reading."""

POSTINGS, BOOKINGS, LINES = "postings", "bookings", "lines"
TABLES: Final[Mapping[str, "Manager[Any]"]] = {
    POSTINGS: Posting.objects,
    BOOKINGS: Booking.objects,
    LINES: Movement.objects,
}


@dataclass(slots=True)
class LedgerCounters:
    """The state of counting: for each table the settled mark, the counts, and later marks."""

    marks: dict[str, int] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    coming: list[tuple[str, dict[str, int]]] = field(default_factory=list)

    def as_text(self) -> str:
        """Return the state as text, for a file that several processes share."""
        return json.dumps(asdict(self))


def read_ledger_counters(text: str) -> LedgerCounters:
    """Return the state that a file holds; a new one if the file is empty."""
    state: dict[str, Any] = json.loads(text) if text else {}
    return LedgerCounters(
        state.get("marks", {}), state.get("counts", {}), [(when, marks) for when, marks in state.get("coming", [])]
    )


def count_on(ledger_counters: LedgerCounters, *, now: datetime | None = None) -> dict[str, dict[str, int]]:
    """Update the state, and return what was recorded since it began: postings by process, bookings, lines."""
    now = now or timezone.now()
    newest = {name: _newest(rows) for name, rows in TABLES.items()}
    if not ledger_counters.marks:
        ledger_counters.marks = dict(newest)
        ledger_counters.counts = {name: {} for name in TABLES}
    _settle(ledger_counters, now)
    ledger_counters.coming.append((now.isoformat(), newest))
    return {name: _sum(ledger_counters.counts[name], _counted(name, ledger_counters.marks[name])) for name in TABLES}


def _settle(ledger_counters: LedgerCounters, now: datetime) -> None:
    ripe = [marks for when, marks in ledger_counters.coming if datetime.fromisoformat(when) <= now - SETTLING]
    if not ripe:
        return
    for name, mark in ripe[-1].items():
        ledger_counters.counts[name] = _sum(
            ledger_counters.counts[name], _counted(name, ledger_counters.marks[name], mark)
        )
        ledger_counters.marks[name] = max(mark, ledger_counters.marks[name])
    ledger_counters.coming = ledger_counters.coming[len(ripe) :]


def _newest(rows: "Manager[Any]") -> int:
    return int(rows.aggregate(newest=Max("pk"))["newest"] or 0)


def _counted(name: str, above: int, to: int | None = None) -> dict[str, int]:
    found: QuerySet[Any] = TABLES[name].filter(pk__gt=above)
    if to is not None:
        found = found.filter(pk__lte=to)
    if name == LINES:
        found = found.filter(line__isnull=False, origin__isnull=True, reverses__isnull=True)
    by = "process" if name == POSTINGS else "site__code"
    rows = found.order_by().values_list(by).annotate(many=Count("pk"))
    return dict(rows)


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return dict(Counter(one) + Counter(other))


@dataclass(frozen=True, slots=True)
class UnresolvedCount:
    """The number of unresolved movements of a site, up to a limit, and the age of the oldest."""

    site: str
    count: int
    oldest_seconds: float


def waiting_now() -> list[UnresolvedCount]:
    """Return the unresolved movements of each site, counted by the index of unresolved movements."""
    now = timezone.now()
    answer = []
    for site in Site.objects.order_by("code"):
        found = Movement.objects.filter(site=site, status=Status.UNRESOLVED)
        count = found[:UNRESOLVED_MOST].count()
        oldest = found.order_by("at").values_list("at", flat=True).first() if count else None
        answer.append(UnresolvedCount(site.code, count, (now - oldest).total_seconds() if oldest else 0.0))
    return answer
