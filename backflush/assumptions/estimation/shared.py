"""Explanations that many pools share: a booking with a wrong date, output or scrap that nobody booked.

Each candidate is scored over all its pools against the best explanation that each has of its own. The best is taken,
its effect subtracted, and the pools that it touches are searched again, until no score exceeds the threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from backflush.assumptions.estimation.columns import (
    LINE_CAUSES,
    Columns,
    PoolCause,
    Prior,
    block_of,
    by_cause,
    whitened,
)
from backflush.assumptions.estimation.evidence import Evidence, Floats, Ints
from backflush.assumptions.estimation.noise import NARROW, PoolSample, chunks
from backflush.assumptions.estimation.pools import Intervals
from backflush.assumptions.estimation.search import search

THRESHOLD: Final = 3.0
GUARD: Final = 0.1
"""The probability that a pool has a fault of its own in the same interval, so that the shared cause doesn't show."""
SOON: Final = 7.0
"""A booking is entered late by at most so many days, rarely by more."""
LATEST: Final = 14.0
ROUNDS: Final = 60
SHARE_LATE: Final = 0.01
SHARE_VERY_LATE: Final = 0.001


class SharedCause(StrEnum):
    """What a shared explanation says."""

    LATE_BOOKING = "late_booking"
    OUTPUT = "unbooked_output"
    SCRAP = "unbooked_scrap"


class Shared(NamedTuple):
    """A shared explanation: its booking or parent (`of`), coefficient, standard error, score and pools.

    For a late booking the coefficient is 1; for output, the share of the booking's quantity that was made or thrown
    away beyond it; for scrap, the share of the parent's output.
    """

    cause: SharedCause
    of: int
    coefficient: float
    error: float
    score: float
    pools: Ints


SHARES: Final = {SharedCause.OUTPUT: (0.002, 0.5), SharedCause.SCRAP: (0.02, 0.05)}
"""The prior share and the prior standard deviation of the coefficient."""


class Explained(NamedTuple):
    """The shared explanations that were found, and what is left of each pool's differences."""

    shared: Sequence[Shared]
    beyond: Sequence[Floats]


class Fitted(NamedTuple):
    """Models of some pools: log weight, inverse of the covariance, that times the differences, what is unexplained."""

    log_weight: Floats
    inverse: Floats
    left: Floats
    rest: Floats


@dataclass(slots=True, eq=False)
class _Products:
    """For each effect f on a pool: fᵀPf, fᵀPy, what stays unexplained without it, and the gain by the explanations of
    the pool's own that compete with it. Those are left out of P."""

    square: Floats
    fit: Floats
    rest: Floats
    own: Floats

    @classmethod
    def empty(cls, many: int) -> "_Products":
        """Return products that aren't computed yet."""
        return cls(*(np.zeros(many) for _ in range(4)))


class _Cells(NamedTuple):
    """The different effects of candidates on pools, by pool. `first` is the interval that gets more, `second` the one
    that gets less; the last one only pads and stands for none. `at` finds an effect by pool and `first`."""

    pool: Ints
    first: Ints
    second: Ints
    at: Ints


class _Entries(NamedTuple):
    """What each candidate does to each of its pools: the effect (a place in `_Cells`) and its size.

    Sorted by candidate (`of`) and `days`, the days between the pool's count and the booking.
    """

    of: Ints
    cell: Ints
    size: Floats
    days: Floats


class PoolModels:
    """The best model of each pool so far, and what is left to explain of its differences."""

    def __init__(
        self, intervals: Intervals, columns: Sequence[Columns], beyond: Sequence[Floats], prior: Prior
    ) -> None:
        self.pools, self.columns, self.prior = intervals.pools, columns, prior
        block = block_of(self.pools, columns, beyond, spare=1)
        many, self.size = block.usage.shape
        self.intervals = block.intervals
        self.beyond = block.both[:, :, -1].copy()
        self._plain = block.covariance(prior.noise)
        self._real = (np.arange(self.size) < self.intervals[:, None]).astype(float)
        self._variance, self._share = by_cause(prior.scale) ** 2, by_cause(prior.share)
        self.chosen = [np.zeros(0, np.int64)] * many
        self.log_weight, self.rest = np.zeros(many), np.zeros(many)
        self.inverse, self.left = np.zeros((many, self.size, self.size)), np.zeros((many, self.size))

    def left_over(self) -> list[Floats]:
        """Return what is left of the differences of each pool."""
        return [row[:n].copy() for row, n in zip(self.beyond, self.intervals.tolist(), strict=True)]

    def fit(self, places: Sequence[int]) -> None:
        """Search some pools again, and keep the best model of each."""
        sample = PoolSample(
            [self.pools[place] for place in places],
            [self.columns[place] for place in places],
            [self.beyond[place, : self.pools[place].intervals] for place in places],
        )
        for part in chunks(sample):
            models = search(whitened(part.block, self.prior), self.prior.freedom, window=NARROW, width=12)
            rows = np.flatnonzero(np.diff(models.pool, prepend=-1))
            own = np.asarray(places)[part.places]
            members = [row[row >= 0] for row in models.columns[rows]]
            for place, some in zip(own.tolist(), members, strict=True):
                self.chosen[place] = some
            fitted = self.fitted(own, members)
            self.log_weight[own], self.inverse[own], self.left[own], self.rest[own] = fitted

    def fitted(self, places: Ints, members: Sequence[Ints]) -> Fitted:
        """Return the fit of models, each of one pool and some of its columns."""
        depth = max((len(some) for some in members), default=0)
        signature = np.zeros((len(places), self.size, depth))
        variance, odds = np.zeros((len(places), depth)), np.zeros(len(places))
        for row, (place, some) in enumerate(zip(places.tolist(), members, strict=True)):
            if len(some):
                columns = self.columns[place]
                cause = columns.cause[some]
                signature[row, : len(columns.signature), : len(some)] = columns.signature[:, some]
                variance[row, : len(some)] = self._variance[cause]
                share = self._share[cause] * columns.spread[some]
                odds[row] = float(np.log(share / (1 - share)).sum())
        whole = self._plain[places] + (signature * variance[:, None, :]) @ signature.transpose(0, 2, 1)
        inverse = np.linalg.inv(whole)
        left = (inverse @ self.beyond[places][:, :, None])[:, :, 0]
        rest = (left * self.beyond[places]).sum(axis=1)
        freedom = self.prior.freedom
        log_weight = (
            odds - 0.5 * np.linalg.slogdet(whole)[1] - 0.5 * (freedom + self.intervals[places]) * np.log(freedom + rest)
        )
        real = self._real[places]
        return Fitted(log_weight, inverse * real[:, :, None] * real[:, None, :], left, rest)


class SharedSearch:
    """The search for shared explanations over all pools. `known` were found before, and aren't looked for again."""

    def __init__(self, evidence: Evidence, intervals: Intervals, models: PoolModels, known: Sequence[Shared]) -> None:
        self.models = models
        self._intervals, self._bookings = intervals, evidence.bookings
        (self._late, self._late_cells), (self._output, self._output_cells) = self._entries()
        self._scrap_parent, self._scrap_pool, self._scrap_use = self._scrap_rows(evidence)
        self._late_products = _Products.empty(len(self._late_cells.pool))
        self._output_products = _Products.empty(len(self._output_cells.pool))
        self._scrap_products = _Products.empty(len(self._scrap_pool))
        self._taken = {(one.cause, one.of) for one in known}

    def run(self) -> Explained:
        """Return the shared explanations with a score above the threshold, and the differences without them."""
        places: Sequence[int] = range(len(self.models.pools))
        found: list[Shared] = []
        for _ in range(ROUNDS):
            self.models.fit(places)
            self._compute(np.asarray(places))
            touched: set[int] = set()
            for one in sorted(self._candidates(), key=lambda one: -one.score):
                pools = set(one.pools.tolist())
                if touched & pools:
                    continue
                touched |= pools
                self._subtract(one)
                self._taken.add((one.cause, one.of))
                found.append(one)
            if not touched:
                break
            places = sorted(touched)
        return Explained(found, self.models.left_over())

    # What candidates do

    def _entries(self) -> tuple[tuple[_Entries, _Cells], tuple[_Entries, _Cells]]:
        """Return the effects of a wrong date, and of output beyond each booking."""
        use, none = self._intervals.bookings, self.models.size - 1
        days = self._bookings.day[use.booking] - use.counted
        n = self.models.intervals[use.pool]
        soon = np.flatnonzero((days <= min(LATEST, self._intervals.period / 2)) & (days >= 0))
        soon = soon[np.lexsort((days[soon], use.booking[soon]))]
        at = use.interval[soon]
        late_cells, cell = self._cells(use.pool[soon], np.where(at > 0, at - 1, none), np.where(at < n[soon], at, none))
        late = _Entries(use.booking[soon], cell, use.quantity[soon], days[soon])
        inside = np.flatnonzero(use.interval < n)
        output_cells, cell = self._cells(use.pool[inside], use.interval[inside], np.full(len(inside), none))
        output = _Entries(use.booking[inside], cell, use.quantity[inside], np.zeros(len(inside)))
        return (late, late_cells), (output, output_cells)

    def _cells(self, pool: Ints, first: Ints, second: Ints) -> tuple[_Cells, Ints]:
        """Return the different effects, and the place of each row's effect among them."""
        size = self.models.size
        keys, place = np.unique((pool * size + first) * size + second, return_inverse=True)
        cells = keys // size**2, keys // size % size, keys % size
        at = np.full((len(self.models.pools), size), -1)
        at[cells[0], cells[1]] = np.arange(len(keys))
        return _Cells(*cells, at), place

    def _scrap_rows(self, evidence: Evidence) -> tuple[Ints, Ints, Floats]:
        """Return parent, pool and the use of each line, as a row of the pool's differences, sorted by parent."""
        parents, places, rows = [], [], []
        for place, (pool, columns) in enumerate(zip(self.models.pools, self.models.columns, strict=True)):
            lines = np.flatnonzero(columns.cause == PoolCause.LINE)
            parents.append(evidence.line_parent[pool.lines[columns.line[lines]]])
            places.append(np.full(len(lines), place))
            use = np.zeros((len(lines), self.models.size))
            use[:, : pool.intervals] = columns.signature[:, lines].T
            rows.append(use)
        parent = np.concatenate(parents)
        order = np.argsort(parent, kind="stable")
        return parent[order], np.concatenate(places)[order], np.concatenate(rows)[order]

    # Products

    def _compute(self, places: Ints) -> None:
        """Compute the products of all effects on some pools."""
        models, changed = self.models, np.zeros(len(self.models.pools), bool)
        changed[places] = True
        reduced: list[tuple[int, Ints, _Products, int, Floats]] = []
        for cells, products in (
            (self._late_cells, self._late_products),
            (self._output_cells, self._output_products),
        ):
            some = np.flatnonzero(changed[cells.pool])
            pool, one, two = cells.pool[some], cells.first[some], cells.second[some]
            inverse, left = models.inverse, models.left
            products.square[some] = inverse[pool, one, one] + inverse[pool, two, two] - 2 * inverse[pool, one, two]
            products.fit[some] = left[pool, one] - left[pool, two]
            products.rest[some], products.own[some] = models.rest[pool], 0.0
        some = np.flatnonzero(changed[self._scrap_pool])
        pool, use = self._scrap_pool[some], self._scrap_use[some]
        products = self._scrap_products
        products.square[some] = ((use[:, None, :] @ models.inverse[pool])[:, 0] * use).sum(axis=1)
        products.fit[some] = (use * models.left[pool]).sum(axis=1)
        products.rest[some], products.own[some] = models.rest[pool], 0.0
        scrap = self._scrap_by_pool(changed)
        for place in places.tolist():
            if len(models.chosen[place]):
                reduced += self._competing(place, scrap.get(place, ()))
        self._recompute(reduced)

    def _scrap_by_pool(self, changed: npt.NDArray[np.bool_]) -> dict[int, list[int]]:
        rows: dict[int, list[int]] = {}
        some = np.flatnonzero(changed[self._scrap_pool])
        for place, row in zip(self._scrap_pool[some].tolist(), some.tolist(), strict=True):
            rows.setdefault(place, []).append(row)
        return rows

    def _competing(self, place: int, scrap: Sequence[int]) -> list[tuple[int, Ints, _Products, int, Floats]]:
        """Return the effects that the pool's best model explains in its own way: the pool, the columns without these
        explanations, the products to correct and the place in them, and the effect."""
        models = self.models
        chosen, columns = models.chosen[place], models.columns[place]
        cause, at = columns.cause[chosen].tolist(), columns.at[chosen].tolist()
        late: dict[int, list[int]] = {}
        output: dict[int, list[int]] = {}
        for number, (one, interval) in enumerate(zip(cause, at, strict=True)):
            if one == PoolCause.ONE_OFF:
                _note(late, number, self._late_cells.at[place, [interval, interval - 1]])
                _note(output, number, self._output_cells.at[place, [interval]])
            elif one == PoolCause.MISCOUNT:
                _note(late, number, self._late_cells.at[place, [interval]])
                _note(output, number, self._output_cells.at[place, [interval, interval + 1]])
        found: list[tuple[int, Ints, _Products, int, Floats]] = []
        for dropped, cells, products in (
            (late, self._late_cells, self._late_products),
            (output, self._output_cells, self._output_products),
        ):
            for cell, numbers in dropped.items():
                effect = np.zeros(models.size)
                effect[cells.first[cell]] += 1
                effect[cells.second[cell]] -= 1
                effect[-1] = 0
                found.append((place, np.delete(chosen, numbers), products, cell, effect))
        if scrap and any(one in LINE_CAUSES for one in cause):
            found += self._competing_lines(place, scrap)
        return found

    def _competing_lines(self, place: int, scrap: Sequence[int]) -> list[tuple[int, Ints, _Products, int, Floats]]:
        models = self.models
        chosen, columns = models.chosen[place], models.columns[place]
        n = models.pools[place].intervals
        found = []
        for row in scrap:
            use = self._scrap_use[row]
            numbers = [
                number
                for number, column in enumerate(chosen.tolist())
                if columns.cause[column] in LINE_CAUSES and _within(columns.signature[:, column], use[:n])
            ]
            if numbers:
                found.append((place, np.delete(chosen, numbers), self._scrap_products, row, use))
        return found

    def _recompute(self, reduced: Sequence[tuple[int, Ints, _Products, int, Floats]], size: int = 512) -> None:
        for start in range(0, len(reduced), size):
            some = reduced[start : start + size]
            places = np.array([one[0] for one in some])
            effect = np.array([one[4] for one in some])
            fitted = self.models.fitted(places, [one[1] for one in some])
            square = ((effect[:, None, :] @ fitted.inverse)[:, 0] * effect).sum(axis=1).tolist()
            fit = (effect * fitted.left).sum(axis=1).tolist()
            own = (self.models.log_weight[places] - fitted.log_weight).tolist()
            for one, *values in zip(some, square, fit, fitted.rest.tolist(), own, strict=True):
                products, row = one[2], one[3]
                products.square[row], products.fit[row], products.rest[row], products.own[row] = values

    # Scores

    def _candidates(self) -> list[Shared]:
        output, cells = self._output, self._output_cells
        products = self._output_products
        outputs = self._scored(
            SharedCause.OUTPUT,
            output.of,
            cells.pool[output.cell],
            _Products(
                output.size**2 * products.square[output.cell],
                output.size * products.fit[output.cell],
                products.rest[output.cell],
                products.own[output.cell],
            ),
        )
        scraps = self._scored(SharedCause.SCRAP, self._scrap_parent, self._scrap_pool, self._scrap_products)
        return [*self._late_bookings(), *outputs, *scraps]

    def _late_bookings(self) -> list[Shared]:
        entries, cells, products = self._late, self._late_cells, self._late_products
        if not len(entries.of):
            return []
        pool, size, rest = cells.pool[entries.cell], entries.size, products.rest[entries.cell]
        left = rest - 2 * size * products.fit[entries.cell] + size**2 * products.square[entries.cell]
        gain = self._gain(pool, rest, left) - products.own[entries.cell]
        score = np.logaddexp(np.log(1 - GUARD) + gain, np.log(GUARD))
        starts = np.flatnonzero(np.diff(entries.of, prepend=-1))
        ends = np.append(starts[1:], len(entries.of))
        # The date was wrong by enough to pass the counts of the nearest pools, and perhaps of more.
        total: Floats = np.cumsum(score)
        total -= np.repeat(total[starts] - score[starts], ends - starts)
        last = np.ones(len(score), bool)
        last[:-1] = (entries.of[1:] != entries.of[:-1]) | (np.diff(entries.days) > 1e-9)
        share = np.where(entries.days <= SOON, SHARE_LATE, SHARE_VERY_LATE)
        total = np.where(last, total + np.log(share), -np.inf)
        found = []
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            best = start + int(np.argmax(total[start:end]))
            one = int(entries.of[start])
            if total[best] <= THRESHOLD or (SharedCause.LATE_BOOKING, one) in self._taken:
                continue
            if (gain[start : best + 1] > 0).sum() > 1:
                found.append(
                    Shared(SharedCause.LATE_BOOKING, one, 1.0, 0.0, float(total[best]), pool[start : best + 1])
                )
        return found

    def _gain(self, pool: Ints, rest: Floats, left: Floats) -> Floats:
        """Return the gain in log likelihood where less stays unexplained."""
        freedom = self.models.prior.freedom
        ratio = np.log(freedom + np.maximum(left, 0)) - np.log(freedom + rest)
        return np.asarray(-0.5 * (freedom + self.models.intervals[pool]) * ratio)

    def _scored(self, cause: SharedCause, of: Ints, pool: Ints, products: _Products) -> list[Shared]:
        """Return the candidates whose coefficient is estimated from all their pools together."""
        if not len(of):
            return []
        share, scale = SHARES[cause]
        square, fit, rest, own = products.square, products.fit, products.rest, products.own
        freedom, n = self.models.prior.freedom, self.models.intervals[pool]
        many, variance = int(of.max()) + 1, scale**2
        # At first as if each pool had its own coefficient; then the weights and the coefficient improve each other.
        left: Floats = rest - fit**2 / np.maximum(square, 1e-12)
        trust = np.ones(len(of))
        coefficient: Floats = np.zeros(many)
        precision: Floats = np.zeros(many)
        gain: Floats = np.zeros(len(of))
        for _ in range(5):
            weight = trust * (freedom + n) / (freedom + np.maximum(left, 0))
            precision = _totals(of, square * weight, many)
            coefficient = variance * _totals(of, fit * weight, many) / (1 + variance * precision)
            size = coefficient[of]
            left = rest - 2 * size * fit + size**2 * square
            gain = self._gain(pool, rest, left) - own
            trust = 1 / (1 + np.exp(np.clip(np.log(GUARD / (1 - GUARD)) - gain, -50, 50)))
        score = _totals(of, np.logaddexp(np.log(1 - GUARD) + gain, np.log(GUARD)), many)
        score += np.log(share) - 0.5 * np.log(1 + variance * precision) - 0.5 * coefficient**2 / variance
        supported = np.bincount(of, weights=gain > 0, minlength=many) > 1
        error = np.sqrt(variance / (1 + variance * precision))
        return [
            Shared(cause, one, float(coefficient[one]), float(error[one]), float(score[one]), pool[of == one])
            for one in np.flatnonzero((score > THRESHOLD) & supported).tolist()
            if (cause, one) not in self._taken
        ]

    def _subtract(self, one: Shared) -> None:
        """Take the effect of a shared explanation off the differences of its pools."""
        beyond = self.models.beyond
        if one.cause is SharedCause.SCRAP:
            some = slice(*np.searchsorted(self._scrap_parent, [one.of, one.of + 1]))
            beyond[self._scrap_pool[some]] -= one.coefficient * self._scrap_use[some]
            return
        late = one.cause is SharedCause.LATE_BOOKING
        entries, cells = (self._late, self._late_cells) if late else (self._output, self._output_cells)
        some = slice(*np.searchsorted(entries.of, [one.of, one.of + 1]))
        cell, size = entries.cell[some], one.coefficient * entries.size[some]
        within = np.isin(cells.pool[cell], one.pools)
        cell, size = cell[within], size[within]
        beyond[cells.pool[cell], cells.first[cell]] -= size
        beyond[cells.pool[cell], cells.second[cell]] += size
        beyond[:, -1] = 0


def _totals(of: Ints, values: Floats, many: int) -> Floats:
    return np.asarray(np.bincount(of, weights=values, minlength=many), float)


def _note(found: dict[int, list[int]], number: int, cells: Ints) -> None:
    for cell in cells.tolist():
        if cell >= 0:
            found.setdefault(cell, []).append(number)


def _within(signature: Floats, use: Floats) -> bool:
    """Return whether a column is a part of the use of one parent."""
    return bool((signature <= use + 1e-12).all())
