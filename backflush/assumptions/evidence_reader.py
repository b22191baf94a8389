"""Reads the ledger as evidence: counts, assumed use and other moves of each pool, by event time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import numpy as np

from backflush.assumptions.estimation.evidence import (
    BookingColumns,
    CountColumns,
    Evidence,
    MoveColumns,
    UseColumns,
    in_order,
)
from backflush.assumptions.statements import MOVES_OF_COUNTED_STOCK
from backflush.backflushing.models import Booking
from backflush.core.quantity import SCALE
from backflush.counts.models import CountStatus, StockCount
from backflush.items.models import Item
from backflush.stockmap.models import Site
from backflush.structures.models import FrozenLine

DAY: Final = 86_400.0


class LineColumn(NamedTuple):
    """A column of use: an item at a location, used by a parent's line with this book quantity, unit and waste."""

    pool: int
    parent: int
    version: tuple[str, str, str]


@dataclass(frozen=True, slots=True, eq=False)
class LedgerEvidence:
    """The evidence of a site, and what its numbers stand for: `pools` are items and locations, `parents` items,
    `columns` the columns of lines, `bookings` the numbers of postings."""

    evidence: Evidence
    pools: Sequence[tuple[int, int]]
    parents: Sequence[int]
    columns: Sequence[LineColumn]
    bookings: Sequence[int]


def read_evidence(site: Site) -> LedgerEvidence:
    """Read all counts of a site and what was assumed and moved where they were taken; four statements.

    A count that isn't posted is evidence too; one that was replaced, rejected or reversed is not. Where an item has
    several bins, batches or serials at a location, the counts of a day are added up, and only days on which as many
    were counted as ever are used. A phantom's line is one column for all its users.
    """
    counts = _counts(site)
    places = {pool: number for number, pool in enumerate(dict.fromkeys(count[0] for count in counts))}
    rows = MOVES_OF_COUNTED_STOCK.fetch_replanned(site_id=site.pk)
    lines = _lines(site, {row[5] for row in rows if row[5] is not None})
    booked = list(
        Booking.objects.filter(site=site, reversed_by__isnull=True, assumed=True)
        .order_by("pk")
        .values_list("pk", "item", "posting__at", "posting", "produced")
    )
    parents = {
        item: number for number, item in enumerate(dict.fromkeys([*(row[1] for row in booked), *_parents(lines)]))
    }
    numbers = {row[0]: number for number, row in enumerate(booked)}
    columns: dict[LineColumn, int] = {}
    used: list[tuple[int, int, float, int, float]] = []
    moved: list[tuple[int, float, int, float, bool]] = []
    clock = _Clock()
    for item, location, at, order, booking, line, amount, outside in rows:
        pool, day, quantity = places[item, location], clock.day(at), int(amount) / SCALE
        if line is None:
            moved.append((pool, day, order, quantity, bool(outside) and quantity > 0))
            continue
        parent, version = lines[line]
        column = columns.setdefault(LineColumn(pool, parents[parent], version), len(columns))
        used.append((column, numbers.get(booking, -1), day, order, -quantity))
    counted = [(places[pool], clock.day(at), order, quantity) for pool, at, order, quantity in counts]
    made = [(parents[item], clock.day(at), order, float(quantity)) for _, item, at, order, quantity in booked]
    return LedgerEvidence(
        _evidence(list(places), list(columns), len(parents), counted, used, moved, made),
        list(places),
        list(parents),
        list(columns),
        [row[3] for row in booked],
    )


class _Clock:
    """Turns moments into days since 1970; a driver gives them as text on SQLite."""

    def __init__(self) -> None:
        self._known: dict[Any, float] = {}

    def day(self, at: Any) -> float:
        """Return a moment in days, with its fraction."""
        found = self._known.get(at)
        if found is None:
            moment = datetime.fromisoformat(at) if isinstance(at, str) else at
            moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            found = self._known[at] = moment.timestamp() / DAY
        return found


_Count = tuple[tuple[int, int], datetime, int, float]


def _counts(site: Site) -> list[_Count]:
    """Return the counts of each item at each location: its place, moment, order of recording and quantity."""
    rows = (
        StockCount.objects.filter(site=site, reversed_by__isnull=True)
        .exclude(status__in=[CountStatus.REPLACED, CountStatus.REJECTED])
        .order_by("at", "posting")
        .values_list("item", "location", "bin", "batch", "serial", "at", "posting", "quantity")
    )
    by_pool: dict[tuple[int, int], list[tuple[tuple[str, str, str], datetime, int, float]]] = {}
    for item, location, bin_code, batch, serial, at, posting, found_quantity in rows:
        key = (bin_code, batch, serial)
        by_pool.setdefault((item, location), []).append((key, at, posting, float(found_quantity)))
    found: list[_Count] = []
    for pool, some in by_pool.items():
        if all(key == ("", "", "") for key, _, _, _ in some):
            found += [(pool, at, posting, quantity) for _, at, posting, quantity in some]
            continue
        days: dict[Any, dict[tuple[str, str, str], tuple[datetime, int, float]]] = {}
        for key, at, posting, quantity in some:
            days.setdefault(at.date(), {})[key] = (at, posting, quantity)
        most = max(len(day) for day in days.values())
        for day in days.values():
            if len(day) == most:
                at, posting = max((at, posting) for at, posting, _ in day.values())
                found.append((pool, at, posting, sum(quantity for _, _, quantity in day.values())))
    return found


_Lines = Mapping[int, tuple[int, tuple[str, str, str]]]


def _lines(site: Site, numbers: set[int]) -> _Lines:
    """Return of each frozen line the item whose structure it stands in, and its quantity, unit and waste."""
    found: dict[int, tuple[int, tuple[str, str, str]]] = {}
    ordered = sorted(numbers)
    for start in range(0, len(ordered), 5_000):
        some = FrozenLine.objects.filter(site=site, pk__in=ordered[start : start + 5_000])
        for pk, item, steps in some.values_list("pk", "structure__item", "steps"):
            last = steps[-1]
            parent = steps[-2]["item"] if len(steps) > 1 else item
            found[pk] = parent, (last["quantity"], last["unit"], last["waste"])
    return found


def _parents(lines: _Lines) -> list[int]:
    return sorted({parent for parent, _ in lines.values()})


def _evidence(
    pools: Sequence[tuple[int, int]],
    columns: Sequence[LineColumn],
    parents: int,
    counted: Sequence[tuple[int, float, int, float]],
    used: Sequence[tuple[int, int, float, int, float]],
    moved: Sequence[tuple[int, float, int, float, bool]],
    made: Sequence[tuple[int, float, int, float]],
) -> Evidence:
    count, use, move, booking = (
        _arrays(rows, width) for rows, width in ((counted, 4), (used, 5), (moved, 5), (made, 4))
    )
    days = (count[1], use[2], move[1], booking[1])
    orders = (count[2], use[3], move[2], booking[2])
    moments = np.split(
        in_order(np.concatenate(days), np.concatenate(orders)), np.cumsum([len(one) for one in days])[:-1]
    )
    decimals = dict(Item.objects.filter(pk__in={item for item, _ in pools}).values_list("pk", "quantity_decimals"))
    versions: dict[tuple[int, int], list[tuple[str, str, str]]] = {}
    for column in columns:
        versions.setdefault((column.pool, column.parent), []).append(column.version)
    return Evidence(
        grid=np.array([10.0 ** -decimals[item] for item, _ in pools]),
        line_pool=np.array([column.pool for column in columns], np.int64),
        line_parent=np.array([column.parent for column in columns], np.int64),
        line_version=np.array([versions[one.pool, one.parent].index(one.version) for one in columns], np.int64),
        parents=parents,
        counts=CountColumns(count[0].astype(np.int64), moments[0], count[1], count[3]),
        use=UseColumns(use[0].astype(np.int64), use[1].astype(np.int64), moments[1], use[4]),
        moves=MoveColumns(move[0].astype(np.int64), moments[2], move[3], move[4] > 0),
        bookings=BookingColumns(booking[0].astype(np.int64), moments[3], booking[1], booking[3]),
    )


def _arrays(rows: Sequence[tuple[Any, ...]], width: int) -> list[Any]:
    table = np.array(rows, float).reshape(-1, width)
    return [table[:, at] for at in range(width)]
