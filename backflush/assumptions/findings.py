"""Findings of a site in its own words: lines with quantities and money, and the other causes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import exp
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from backflush.assumptions.estimation.audit import AuditResult, Doubt, PoolResult, audit
from backflush.assumptions.estimation.columns import PoolCause
from backflush.assumptions.estimation.shared import Shared, SharedCause
from backflush.assumptions.evidence_reader import DAY, LedgerEvidence, read_evidence
from backflush.items.models import Item
from backflush.stockmap.models import Location, Site

YEAR: Final = 365.25
KINDS: Final = {
    PoolCause.LINE: "line",
    PoolCause.MISSING: "missing_line",
    PoolCause.UNIT: "unit",
    PoolCause.LOSS: "loss",
    PoolCause.SHORT_DELIVERY: "short_delivery",
    PoolCause.ONE_OFF: "one_off",
    PoolCause.MISCOUNT: "miscount",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumptionFinding:
    """Something that the counts show. Codes are empty where they don't apply.

    `estimate`, `low` and `high` (a 90 % interval) are a line's own quantity before waste, for one piece of the parent;
    for a missing line stock units a piece; for a unit, short deliveries and scrap a share; for a loss stock units a
    year; for one loss, a miscount and output stock units. `book` is the line's quantity now. `money_a_year` is at
    standard cost, above zero where more is used than the book says; nothing where it doesn't recur. `since` is the day
    of the count or booking from which on it holds, or at which it happened.
    """

    kind: str
    location: str = ""
    parent: str = ""
    component: str = ""
    probability: float
    book: float | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    since: date | None = None
    money_a_year: float | None = None
    posting: int | None = None
    set: tuple[tuple[str, str, float], ...] = ()


def findings(site: Site, *, location: str = "") -> list[AssumptionFinding]:
    """Return what the counts of a site show with a probability of a half or more, the most money first.

    `location` (a path, STORE/LOCATION) leaves out what is found elsewhere.
    """
    read = read_evidence(site)
    found = list(_Words(site, read, audit(read.evidence)).findings())
    some = [one for one in found if not location or one.location == location]
    return sorted(some, key=lambda one: (-abs(one.money_a_year or 0.0), -one.probability, one.component, one.parent))


class _Words:
    """Says what the numbers of a result stand for."""

    def __init__(self, site: Site, read: LedgerEvidence, result: AuditResult) -> None:
        self._site, self._read, self._result = site, read, result
        numbers = {item for item, _ in read.pools} | set(read.parents)
        self._items = {item.pk: item for item in Item.objects.filter(pk__in=numbers).select_related("cost")}
        self._paths = dict(Location.objects.filter(site=site).values_list("pk", "path"))

    def findings(self) -> Iterator[AssumptionFinding]:
        """Yield everything that was found."""
        for pool in self._result.pools:
            yield from self._of_pool(pool)
        for one in self._result.shared:
            yield self._shared(one)

    def _of_pool(self, result: PoolResult) -> Iterator[AssumptionFinding]:
        sets = {
            some.parents[0]: tuple(
                (self._parent(parent), self._component(result), some.probability) for parent in some.parents
            )
            for some in result.sets
        }
        for doubt in result.doubts:
            if doubt.cause is PoolCause.LINE:
                yield self._line(result, doubt, sets.pop(doubt.parent, ()))
            else:
                yield self._other(result, doubt)
        for parent, named in sets.items():
            yield AssumptionFinding(
                kind="line",
                location=self._location(result),
                parent=self._parent(parent),
                component=self._component(result),
                probability=result.probability[parent],
                set=named,
            )

    def _line(self, result: PoolResult, doubt: Doubt, named: tuple[tuple[str, str, float], ...]) -> AssumptionFinding:
        columns = [number for number in result.pool.lines.tolist() if self._read.columns[number].parent == doubt.parent]
        book = float(self._read.columns[self._latest(columns)].version[0])
        size = doubt.estimate
        own = np.isin(result.pool.lines, columns)
        a_year = float(result.pool.use[:, own].sum()) * self._a_year(result)
        return AssumptionFinding(
            kind="line",
            location=self._location(result),
            parent=self._parent(doubt.parent),
            component=self._component(result),
            probability=doubt.probability,
            book=book,
            estimate=book * (1 + size.mean),
            low=book * (1 + size.low),
            high=book * (1 + size.high),
            since=self._counted(result, doubt.since) if doubt.since > 0 else None,
            money_a_year=size.mean * a_year * self._cost(result),
            set=named,
        )

    def _latest(self, columns: list[int]) -> int:
        """Return the version of a line that was used last."""
        use = self._read.evidence.use
        return max(columns, key=lambda column: int(use.moment[use.line == column].max(initial=-1)))

    def _other(self, result: PoolResult, doubt: Doubt) -> AssumptionFinding:
        pool, size = result.pool, np.array(doubt.estimate)
        money: float | None = None
        if doubt.cause is PoolCause.LOSS:
            size = size * float(pool.days.sum()) * self._a_year(result)
            money = float(size[0]) * self._cost(result)
        elif doubt.cause is PoolCause.UNIT:
            money = float(size[0]) * float(pool.use.sum()) * self._a_year(result) * self._cost(result)
        elif doubt.cause is PoolCause.SHORT_DELIVERY:
            money = float(size[0]) * float(pool.received.sum()) * self._a_year(result) * self._cost(result)
        elif doubt.cause is PoolCause.MISSING:
            money = float(size[0]) * pool.intervals * self._a_year(result) * self._cost(result)
            size = size * pool.scale * pool.intervals / max(self._made(result, doubt.parent), 1e-9)
        else:
            # A miscount of more than was there makes the difference before it smaller.
            size = size * pool.scale
        return AssumptionFinding(
            kind=KINDS[doubt.cause],
            location=self._location(result),
            parent=self._parent(doubt.parent) if doubt.parent >= 0 else "",
            component=self._component(result),
            probability=doubt.probability,
            estimate=float(size[0]),
            low=float(size[1]),
            high=float(size[2]),
            since=self._counted(result, doubt.since) if doubt.since >= 0 else None,
            money_a_year=money,
        )

    def _shared(self, one: Shared) -> AssumptionFinding:
        bookings = self._read.evidence.bookings
        sure = 1 / (1 + exp(-min(one.score, 500.0)))
        if one.cause is SharedCause.SCRAP:
            low, high = (one.coefficient + side * 1.645 * one.error for side in (-1, 1))
            return AssumptionFinding(
                kind=one.cause.value,
                parent=self._parent(one.of),
                probability=sure,
                estimate=one.coefficient,
                low=low,
                high=high,
            )
        pieces = float(bookings.quantity[one.of])
        low, high = ((one.coefficient + side * 1.645 * one.error) * pieces for side in (-1, 1))
        return AssumptionFinding(
            kind=one.cause.value,
            parent=self._parent(int(bookings.parent[one.of])),
            probability=sure,
            estimate=one.coefficient * pieces,
            low=low,
            high=high,
            since=self._day(float(bookings.day[one.of])),
            posting=self._read.bookings[one.of],
        )

    def _made(self, result: PoolResult, parent: int) -> float:
        bookings = self._read.evidence.bookings
        bounds = self._result.intervals.bounds[int(self._result.intervals.place[result.pool.number])]
        inside = (bookings.parent == parent) & (bookings.moment >= bounds[0]) & (bookings.moment < bounds[-1])
        return float(bookings.quantity[inside].sum())

    def _a_year(self, result: PoolResult) -> float:
        """Return what one in a pool's own measure, over all its intervals, is in stock units a year."""
        days = float(result.pool.days.sum()) * self._result.intervals.period
        return result.pool.scale / days * YEAR

    def _counted(self, result: PoolResult, number: int) -> date:
        counts = self._read.evidence.counts
        days = np.sort(counts.day[counts.pool == result.pool.number])
        return self._day(float(days[number]))

    def _day(self, day: float) -> date:
        return datetime.fromtimestamp(round(day * DAY), UTC).astimezone(ZoneInfo(self._site.time_zone)).date()

    def _cost(self, result: PoolResult) -> float:
        cost: Any = self._item(result).cost
        if cost is None:
            return 0.0
        parts = (cost.standard_material, cost.standard_labour, cost.standard_outside, cost.standard_overhead)
        return float(sum(parts))

    def _item(self, result: PoolResult) -> Item:
        return self._items[self._read.pools[result.pool.number][0]]

    def _component(self, result: PoolResult) -> str:
        return self._item(result).code

    def _location(self, result: PoolResult) -> str:
        return self._paths[self._read.pools[result.pool.number][1]]

    def _parent(self, parent: int) -> str:
        return self._items[self._read.parents[parent]].code
