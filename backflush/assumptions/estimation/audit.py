"""The whole estimation in order: noise, shared explanations, and what is wrong in each pool."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from backflush.assumptions.estimation.columns import (
    LINE_CAUSES,
    Columns,
    PoolCause,
    Prior,
    by_cause,
    columns_of,
    missing_columns,
    parents_of,
    since_columns,
    whitened,
)
from backflush.assumptions.estimation.evidence import Evidence, Floats, Ints
from backflush.assumptions.estimation.noise import SAMPLE, PoolSample, chunks, learn
from backflush.assumptions.estimation.pools import Intervals, Pool, intervals_of
from backflush.assumptions.estimation.posterior import (
    SURE,
    Estimate,
    estimates,
    models_of,
    probabilities,
    smallest_set,
    with_any,
)
from backflush.assumptions.estimation.search import Models, search
from backflush.assumptions.estimation.shared import PoolModels, Shared, SharedSearch

DOUBT: Final = 0.5
"""The probability from which on a line is a suspect."""
REFINED_ROUNDS: Final = 4
_CANDIDATES: Final = 6
_LEAST_GAIN: Final = -3.0
_TELLS: Final = 14.0
"""A pool whose differences without its lines are no larger than this can't show that a line is missing."""
_NOTHING: Final = 0.05
NO_ESTIMATE: Final = Estimate(0.0, 0.0, 0.0)
_FIXED_SEED: Final = 20260312


class Doubt(NamedTuple):
    """What is found, or suspected, in a pool: a cause with its probability, size and interval.

    `parent` is the line's. `since` is the number of a count of the pool, of which 0 is the opening count: a line is
    wrong from it on, a loss was before it, a miscount is itself; -1 where the cause holds always. Sizes are shares: of
    the line's book quantity, else of the pool's mean use in a period (of what was received, for short deliveries).
    """

    cause: PoolCause
    parent: int
    since: int
    probability: float
    estimate: Estimate


class LineSet(NamedTuple):
    """Lines of a pool of which one is wrong, by their parents, with the probability of that."""

    parents: tuple[int, ...]
    probability: float


class PoolResult(NamedTuple):
    """What is found in a pool. `probability` are the probabilities of its lines, by parent, whatever they are."""

    pool: Pool
    doubts: Sequence[Doubt]
    sets: Sequence[LineSet]
    probability: dict[int, float]
    beyond: Floats


@dataclass(frozen=True, slots=True, eq=False)
class AuditResult:
    """What is found in all pools that can be judged, what they share, and the prior as it was learned."""

    intervals: Intervals
    pools: Sequence[PoolResult]
    shared: Sequence[Shared]
    prior: Prior


def audit(evidence: Evidence, prior: Prior | None = None) -> AuditResult:
    """Find out which lines are wrong and what else it was. The same evidence gives the same result."""
    intervals = intervals_of(evidence)
    prior = prior or Prior()
    if not intervals.pools:
        return AuditResult(intervals, (), (), prior)
    columns: Sequence[Columns] = [columns_of(pool, parents_of(evidence, pool)) for pool in intervals.pools]
    sample = PoolSample(intervals.pools, columns, [pool.beyond for pool in intervals.pools])
    chosen = _chosen(len(columns))
    prior = learn(sample.some(chosen), prior)
    found, sample, models = _without_shared(evidence, intervals, sample, prior, ())
    prior = learn(sample.some(chosen), prior, REFINED_ROUNDS)
    sample = sample._replace(columns=_extended(evidence, intervals, models, prior))
    prior = learn(sample.some(chosen), prior, REFINED_ROUNDS)
    # Now shared explanations compete with lines that are wrong from a date on, and with missing lines.
    more, sample, _ = _without_shared(evidence, intervals, sample, prior, found)
    if more:
        prior = learn(sample.some(chosen), prior, REFINED_ROUNDS)
    return AuditResult(intervals, _results(evidence, sample, prior), [*found, *more], prior)


def _without_shared(
    evidence: Evidence, intervals: Intervals, sample: PoolSample, prior: Prior, known: Sequence[Shared]
) -> tuple[Sequence[Shared], PoolSample, PoolModels]:
    """Return the shared explanations, the sample without their effects, and the best models so far."""
    models = PoolModels(intervals, sample.columns, sample.beyond, prior)
    explained = SharedSearch(evidence, intervals, models, known).run()
    return explained.shared, sample._replace(beyond=explained.beyond), models


def _chosen(many: int) -> Sequence[int]:
    """Return the pools from which the prior is learned: all, or some at random."""
    if many <= SAMPLE:
        return range(many)
    draw = np.random.Generator(np.random.PCG64(_FIXED_SEED))
    return sorted(int(place) for place in draw.choice(many, SAMPLE, replace=False))


# Columns that are too many to try everywhere


def _extended(evidence: Evidence, intervals: Intervals, models: PoolModels, prior: Prior) -> Sequence[Columns]:
    """Return the columns of each pool, with the likeliest lines wrong from a date on and missing lines."""
    outputs = _Outputs(evidence, intervals)
    return [_candidates(evidence, outputs, place, models, prior) for place in range(len(intervals.pools))]


def _candidates(evidence: Evidence, outputs: "_Outputs", place: int, models: PoolModels, prior: Prior) -> Columns:
    columns, pool, chosen = models.columns[place], models.pools[place], models.chosen[place]
    n = pool.intervals
    beyond, inverse = models.beyond[place, :n], models.inverse[place, :n, :n]
    # The best model, and the same without its lines, since a line may be wrong from a date on instead.
    versions = [(inverse, models.left[place, :n])]
    line = chosen[np.isin(columns.cause[chosen], LINE_CAUSES)]
    if len(line):
        own = columns.signature[:, line]
        back = inverse @ own
        inner = np.diag(1 / by_cause(prior.scale)[columns.cause[line]] ** 2) - own.T @ back
        inverse = inverse + back @ np.linalg.solve(inner, back.T)
        versions.append((inverse, inverse @ beyond))
    if float(beyond @ versions[-1][1]) < _TELLS:
        return columns
    more = since_columns(pool, columns).plus(outputs.columns(place, parents_of(evidence, pool)))
    known = set(zip(columns.cause.tolist(), columns.line.tolist(), columns.at.tolist(), strict=True))
    share = by_cause(prior.share)[more.cause] * more.spread
    variance = by_cause(prior.scale)[more.cause] ** 2
    gain = np.full(len(more.cause), -np.inf)
    for inverse, left in versions:
        square = np.maximum((more.signature * (inverse @ more.signature)).sum(axis=0), 0)
        factor = 1 + variance * square
        fit = more.signature.T @ left
        gain = np.maximum(gain, 0.5 * fit**2 * variance / factor - 0.5 * np.log(factor))
    gain += np.log(share / (1 - share))
    likely = np.argsort(-gain, kind="stable")[: _CANDIDATES + len(known)]
    best = [
        int(at)
        for at in likely
        if gain[at] > _LEAST_GAIN and (int(more.cause[at]), int(more.line[at]), int(more.at[at])) not in known
    ]
    return columns.plus(more.some(np.sort(best[:_CANDIDATES]))) if best else columns


class _Outputs:
    """What each parent made in the intervals of a pool."""

    def __init__(self, evidence: Evidence, intervals: Intervals) -> None:
        bookings = evidence.bookings
        order = np.argsort(bookings.moment, kind="stable")
        self._moment, self._parent = bookings.moment[order], bookings.parent[order]
        self._quantity = bookings.quantity[order]
        self._parents, self._bounds = evidence.parents, intervals.bounds
        self._known: dict[bytes, tuple[Floats, Ints]] = {}
        self._made = len(np.unique(bookings.parent))

    def columns(self, place: int, parents: Ints) -> Columns:
        """Return the columns of lines that a pool may lack: of all parents made but those of its lines."""
        signature, made = self._of(place)
        outside = ~np.isin(made, parents)
        return missing_columns(signature[:, outside], made[outside], self._made)

    def _of(self, place: int) -> tuple[Floats, Ints]:
        """Return what was made in the intervals of a pool, as columns with a mean of one, and their parents."""
        cuts = np.searchsorted(self._moment, self._bounds[place])
        key = cuts.tobytes()
        if key not in self._known:
            n = len(cuts) - 1
            inside = slice(int(cuts[0]), int(cuts[-1]))
            interval = np.repeat(np.arange(n), np.diff(cuts))
            cell = interval * self._parents + self._parent[inside]
            sums = np.bincount(cell, weights=self._quantity[inside], minlength=n * self._parents)
            outputs = sums.reshape(n, self._parents)
            mean = outputs.mean(axis=0)
            made = np.flatnonzero(mean > 0)
            self._known[key] = outputs[:, made] / mean[made], made
        return self._known[key]


# Results


def _results(evidence: Evidence, sample: PoolSample, prior: Prior) -> Sequence[PoolResult]:
    results: dict[int, PoolResult] = {}
    for part in chunks(sample):
        batch = whitened(part.block, prior)
        models = search(batch, prior.freedom)
        found = probabilities(models, *batch.odds.shape)
        readers = [
            _PoolReader(evidence, pool, columns, found[at], partial(models_of, models, at))
            for at, (pool, columns) in enumerate(zip(part.sample.pools, part.sample.columns, strict=True))
        ]
        asked = [(at, doubt.columns) for at, reader in enumerate(readers) for doubt in reader.asked]
        sizes = iter(estimates(models, asked))
        for place, reader, beyond in zip(part.places.tolist(), readers, part.sample.beyond, strict=True):
            results[place] = reader.result(beyond, sizes)
    return [results[place] for place in range(len(sample.pools))]


class _Asked(NamedTuple):
    """A doubt whose size isn't known yet: the sum of the coefficients of some columns."""

    doubt: Doubt
    columns: Sequence[int]


class _PoolReader:
    """Reads what is found in one pool from the probabilities of its columns and its models."""

    def __init__(
        self, evidence: Evidence, pool: Pool, columns: Columns, found: Floats, models: Callable[[], Models]
    ) -> None:
        self._pool, self._columns, self._models = pool, columns, models
        self._found = found[: len(columns.cause)]
        own = parents_of(evidence, pool)
        lines = np.isin(columns.cause, LINE_CAUSES)
        parents = np.where(lines, own[np.where(lines, columns.line, 0)], -1)
        self._latest = {parent: place for place, parent in enumerate(own.tolist())}
        order = dict.fromkeys(parents[lines].tolist())
        self._groups = {parent: np.flatnonzero(parents == parent) for parent in order}
        self._probability = {parent: self._sum(some) for parent, some in self._groups.items()}
        self.asked = [
            *(self._line(parent, one) for parent, one in self._probability.items() if one >= DOUBT),
            *(self._other(column) for column in np.flatnonzero(~lines & (self._found >= DOUBT)).tolist()),
        ]

    def result(self, beyond: Floats, sizes: Iterator[Estimate]) -> PoolResult:
        """Return the result of the pool, with the next sizes for what it asked."""
        doubts = [one.doubt._replace(estimate=next(sizes)) for one in self.asked]
        return PoolResult(self._pool, doubts, self._sets(), self._probability, beyond)

    def _sum(self, columns: Ints) -> float:
        """Return the probability of at least one of some columns."""
        total = float(self._found[columns].sum())
        if len(columns) > 1 and total > _NOTHING:
            models = self._models()
            total = float(models.weight[with_any(models, columns.tolist())].sum())
        return min(1.0, total)

    def _line(self, parent: int, probability: float) -> _Asked:
        columns = self._groups[parent]
        cause = self._columns.cause[columns]
        # What holds now: a version that is no longer in force doesn't.
        now = columns[(cause != PoolCause.VERSION) | (self._columns.line[columns] == self._latest[parent])]
        since = self._columns.at[columns][np.argmax(self._found[columns])]
        return _Asked(Doubt(PoolCause.LINE, parent, int(since), probability, NO_ESTIMATE), now.tolist())

    def _other(self, column: int) -> _Asked:
        cause, at = PoolCause(int(self._columns.cause[column])), int(self._columns.at[column])
        parent = int(self._columns.line[column]) if cause is PoolCause.MISSING else -1
        return _Asked(
            Doubt(cause, parent, at + 1 if at >= 0 else -1, float(self._found[column]), NO_ESTIMATE), [column]
        )

    def _sets(self) -> list[LineSet]:
        """Return the set of lines of which one is wrong, where no single line is found."""
        parents = list(self._probability)
        values = np.array([self._probability[parent] for parent in parents])
        if len(parents) < 2 or values.max() >= SURE or values.sum() < SURE:
            return []
        lines, together = smallest_set(self._models(), [self._groups[parent] for parent in parents], values)
        return [LineSet(tuple(parents[line] for line in lines), together)] if lines else []
