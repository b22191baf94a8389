"""The intervals between the counts of a pool: what was used beyond the book in each, and how exact that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from backflush.assumptions.estimation.evidence import Evidence, Floats, Ints

LEAST_USE: Final = 0.01
"""The use, as a share of a mean period, from which on an interval has noise; less counts as this much."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """A pool with its intervals, in shares of its mean use in a period.

    `scale` is that mean use in the stock unit. `beyond` is the use beyond the book of each interval (y), `use` what was
    assumed in it, a column for each of `lines`, `days` its length in periods, `received` what came from outside, and
    `counted` what each count found, one more than there are intervals. `first` is the number of its first count.
    """

    number: int
    first: int
    scale: float
    grid: float
    lines: Ints
    beyond: Floats
    use: Floats
    days: Floats
    received: Floats
    counted: Floats

    @property
    def intervals(self) -> int:
        return len(self.beyond)


class Noise(NamedTuple):
    """The noise: of usage, of counts, and the tolerance within which a line counts as right, as shares."""

    usage: float = 0.005
    counting: float = 0.003
    tolerance: float = 0.003


class BookingUse(NamedTuple):
    """What each booking assumed in each pool, in shares.

    `interval` is the one into which the booking falls: as many as the pool has where it falls after the last count.
    `counted` is the day of the count before it.
    """

    booking: Ints
    pool: Ints
    interval: Ints
    quantity: Floats
    counted: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """The pools that were counted twice or more, and where the events of the others fall.

    `period` is the length of a period in days: the median interval between two counts. `place` is the place in `pools`
    of each pool of the evidence, or -1. `bounds` are the moments of the counts of each of the pools.
    """

    pools: Sequence[Pool]
    place: Ints
    period: float
    bookings: BookingUse
    bounds: Sequence[Ints]


class _Cuts:
    """Counts in order of pool and moment, and in which interval an event falls."""

    def __init__(self, evidence: Evidence) -> None:
        counts = evidence.counts
        order = np.lexsort((counts.moment, counts.pool))
        self.pool, self.moment = counts.pool[order], counts.moment[order]
        self.day, self.quantity = counts.day[order], counts.quantity[order]
        moments = (counts.moment, evidence.use.moment, evidence.moves.moment, evidence.bookings.moment)
        self._span = 2 + max((int(some.max()) for some in moments if len(some)), default=0)
        self._keys = self.pool * self._span + self.moment
        self.opening = np.ones(len(self.pool), bool)
        self.opening[1:] = self.pool[1:] != self.pool[:-1]

    def count_before(self, pool: Ints, moment: Ints) -> Ints:
        """Return the number of the last count before each event; -1 where there is none."""
        if not len(self.pool):
            return np.full(len(pool), -1)
        before = np.searchsorted(self._keys, pool * self._span + moment, side="right") - 1
        return np.where((before >= 0) & (self.pool[before] == pool), before, -1)

    def interval_of(self, pool: Ints, moment: Ints) -> Ints:
        """Return the number of the first count after each event; -1 before the pool's first count or after its last."""
        if not len(self.pool):
            return np.full(len(pool), -1)
        after = np.searchsorted(self._keys, pool * self._span + moment, side="right")
        within = np.minimum(after, len(self._keys) - 1)
        inside = (after < len(self._keys)) & (self.pool[within] == pool) & ~self.opening[within]
        return np.where(inside, within, -1)


def intervals_of(evidence: Evidence) -> Intervals:
    """Return what was used beyond the book between the counts of each pool, and all else that models need.

    A pool without two counts, or without assumed use between them, can't be judged and is left out.
    """
    cuts = _Cuts(evidence)
    counts = len(cuts.pool)
    use, moves = evidence.use, evidence.moves
    use_at = cuts.interval_of(evidence.line_pool[use.line], use.moment)
    moved_at = cuts.interval_of(moves.pool, moves.moment)
    used = _sums(use_at, use.quantity, counts)
    moved = _sums(moved_at, moves.quantity, counts)
    goods = moves.received & (moved_at >= 0)
    received = _sums(moved_at[goods], moves.quantity[goods], counts)
    before = np.concatenate([[0.0], cuts.quantity])[:-1]
    beyond = before + moved - used - cuts.quantity
    days = np.diff(cuts.day, prepend=0.0)
    lengths = days[~cuts.opening & (days > 0)]
    period = float(np.median(lengths)) if len(lengths) else 1.0

    width = np.bincount(evidence.line_pool, minlength=len(evidence.grid))
    lines = np.argsort(evidence.line_pool, kind="stable")
    line_starts = np.concatenate([[0], np.cumsum(width)])
    local = np.empty(len(lines), np.int64)
    local[lines] = np.arange(len(lines)) - line_starts[evidence.line_pool[lines]]
    sizes = width[cuts.pool] if counts else np.zeros(0, np.int64)
    cells = np.concatenate([[0], np.cumsum(sizes)])
    inside = use_at >= 0
    matrix = np.bincount(
        cells[use_at[inside]] + local[use.line[inside]], weights=use.quantity[inside], minlength=int(cells[-1])
    )

    place = np.full(len(evidence.grid), -1)
    pools: list[Pool] = []
    starts = np.flatnonzero(cuts.opening)
    for first, end in zip(starts, np.append(starts, counts)[1:], strict=True):
        number, own = int(cuts.pool[first]), slice(first + 1, end)
        whole = float(used[own].sum())
        span = float(days[own].sum())
        if end - first < 2 or whole <= 0 or span <= 0:
            continue
        scale = whole / span * period
        place[number] = len(pools)
        pools.append(
            Pool(
                number=number,
                first=int(first),
                scale=scale,
                grid=float(evidence.grid[number]) / scale,
                lines=lines[line_starts[number] : line_starts[number + 1]],
                beyond=beyond[own] / scale,
                use=matrix[cells[first + 1] : cells[end]].reshape(end - first - 1, -1) / scale,
                days=days[own] / period,
                received=received[own] / scale,
                counted=cuts.quantity[first:end] / scale,
            )
        )
    bounds = [cuts.moment[one.first : one.first + one.intervals + 1] for one in pools]
    return Intervals(pools, place, period, _booking_use(evidence, pools, place, cuts), bounds)


def _sums(at: Ints, quantity: Floats, counts: int) -> Floats:
    inside = at >= 0
    return np.asarray(np.bincount(at[inside], weights=quantity[inside], minlength=counts)[:counts], float)


def _booking_use(evidence: Evidence, pools: Sequence[Pool], place: Ints, cuts: _Cuts) -> BookingUse:
    use = evidence.use
    number = evidence.line_pool[use.line]
    before = cuts.count_before(number, use.moment)
    known = (before >= 0) & (use.booking >= 0) & (place[number] >= 0)
    booking: Ints = use.booking[known]
    pool: Ints = place[number[known]]
    count: Ints = before[known]
    keys, first, cell = np.unique(booking * (len(pools) + 1) + pool, return_index=True, return_inverse=True)
    pool, count = pool[first], count[first]
    scales, firsts = (np.array([getattr(one, name) for one in pools], float) for name in ("scale", "first"))
    return BookingUse(
        booking=keys // (len(pools) + 1),
        pool=pool,
        interval=count - firsts[pool].astype(np.int64),
        quantity=np.bincount(cell, weights=use.quantity[known], minlength=len(keys)) / scales[pool],
        counted=cuts.day[count],
    )


def covariance(pool: Pool, noise: Noise) -> Floats:
    """Return the covariance of `beyond` where every line is right within the tolerance and nothing else happened."""
    usage, count, rounding = variance_parts(pool)
    return np.asarray(
        noise.usage**2 * np.diag(usage)
        + noise.counting**2 * count
        + rounding
        + noise.tolerance**2 * pool.use @ pool.use.T
    )


def variance_parts(pool: Pool) -> tuple[Floats, Floats, Floats]:
    """Return the parts of the covariance: by noise of usage (its diagonal), by noise of counts, and by rounding.

    A count's error enters two differences with opposite signs.
    """
    usage = np.maximum(pool.use.sum(axis=1), LEAST_USE)
    return usage, _between(pool.counted**2), _between(np.full(len(pool.counted), pool.grid**2 / 12 + 1e-14))


def _between(variance: Floats) -> Floats:
    """Return the covariance of the differences between neighbours whose variances are given."""
    n = len(variance) - 1
    cover = np.zeros((n, n))
    cover.flat[:: n + 1] = variance[:-1] + variance[1:]
    cover.flat[1 :: n + 1] = -variance[1:-1]
    cover.flat[n :: n + 1] = -variance[1:-1]
    return cover
