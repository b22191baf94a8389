"""The models of many pools at once: sets of columns, found by adding one column at a time.

For a model the products `gram`, `fit` and `rest` are kept as they are after its columns have been taken into the
covariance. One rank-one step then gives the gain of every next column. No matrix is inverted.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from backflush.assumptions.estimation.columns import Whitened
from backflush.assumptions.estimation.evidence import Floats, Ints

WINDOW: Final = 9.2
"""Models whose log weight is lower than the best one's by more than this are left out (Occam's window, 1e-4)."""
WIDTH: Final = 40
DEPTH: Final = 8
_SIGNS: Final = np.random.Generator(np.random.PCG64(14)).integers(1, 2**62, 4096)
"""A number for each column; a model is known by the sum of its columns' numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """The models of some pools: `pool` is the place of each model's pool in the batch, `columns` its columns (-1 where
    it has fewer), `weight` its posterior probability, `log_weight` the same before it is divided by the pool's sum.

    `mean` and `variance` are the posterior ones of its columns. `rest` is what stays unexplained. `spread` widens its
    variances where more stays than the noise explains.
    """

    pool: Ints
    columns: Ints
    log_weight: Floats
    weight: Floats
    mean: Floats
    variance: Floats
    rest: Floats
    spread: Floats


@dataclass(slots=True, eq=False)
class _Level:
    """The models with one number of columns, of which the best are expanded."""

    pool: Ints
    columns: Ints
    mark: Ints
    log_weight: Floats
    gram: Floats
    fit: Floats
    rest: Floats


@dataclass(slots=True, eq=False)
class _Found:
    """Models as they were found, in parallel lists of arrays."""

    parts: list[tuple[Ints, Ints, Floats, Floats, Floats, Floats]]

    def add(self, pool: Ints, columns: Ints, log_weight: Floats, mean: Floats, variance: Floats, rest: Floats) -> None:
        """Add some models; all have room for the same number of columns."""
        self.parts.append((pool, columns, log_weight, mean, variance, rest))


def search(
    batch: Whitened, freedom: float, *, window: float = WINDOW, width: int = WIDTH, depth: int = DEPTH
) -> Models:
    """Return every model within the window of the best one of its pool, found by single additions.

    At most `width` models of each size are expanded for a pool. `freedom` are the degrees of freedom of the noise.
    """
    many = len(batch.rest)
    level = _Level(
        pool=np.arange(many),
        columns=np.full((many, depth), -1),
        mark=np.zeros(many, np.int64),
        log_weight=np.zeros(many),
        gram=batch.gram,
        fit=batch.fit,
        rest=batch.rest,
    )
    best = np.zeros(many)
    nothing = np.zeros((many, depth))
    found = _Found([(level.pool, level.columns, level.log_weight, nothing, nothing, level.rest)])
    for size in range(depth):
        gain, left = _gains(batch, level, freedom)
        reached = level.log_weight[:, None] + gain
        np.maximum.at(best, level.pool, reached.max(axis=1))
        row, column = np.nonzero((reached >= best[level.pool, None] - window) & np.isfinite(reached))
        if not len(row):
            break
        row, column = _once(level, row, column)
        log_weight, rest = reached[row, column], left[row, column]
        members = level.columns[row]
        members[:, size] = column
        _record(batch, level, found, row, column, members, log_weight, rest)
        some = _best(level.pool[row], log_weight, best, width, window)
        if size + 1 == depth or not len(some):
            break
        level = _expanded(batch, level, row[some], column[some], members[some], log_weight[some], rest[some])
    return _weighed(batch, found, best, freedom, window)


def _gains(batch: Whitened, level: _Level, freedom: float) -> tuple[Floats, Floats]:
    """Return the gain in log posterior by each column that could be added to each model, and what then stays."""
    added, intervals = batch.added[level.pool], batch.intervals[level.pool][:, None]
    factor = 1 + added * np.maximum(np.diagonal(level.gram, axis1=1, axis2=2), 0)
    left = np.maximum(level.rest[:, None] - level.fit**2 * added / factor, 0)
    gain = batch.odds[level.pool] - 0.5 * np.log(factor)
    gain -= 0.5 * (freedom + intervals) * (np.log(freedom + left) - np.log(freedom + level.rest[:, None]))
    rows, places = np.nonzero(level.columns >= 0)
    gain[rows, level.columns[rows, places]] = -np.inf
    return gain, left


def _once(level: _Level, row: Ints, column: Ints) -> tuple[Ints, Ints]:
    """Return the additions without those that make the same model as another one."""
    mark = level.mark[row] + _SIGNS[column] + level.pool[row] * 7919
    _, first = np.unique(mark, return_index=True)
    first.sort()
    return row[first], column[first]


def _best(pool: Ints, log_weight: Floats, best: Floats, width: int, window: float) -> Ints:
    """Return the best models of each pool, at most `width`."""
    order = np.lexsort((-log_weight, pool))
    ordered = pool[order]
    starts = np.searchsorted(ordered, ordered)
    kept = order[(np.arange(len(order)) - starts) < width]
    return kept[log_weight[kept] >= best[pool[kept]] - window]


def _expanded(
    batch: Whitened, level: _Level, row: Ints, column: Ints, members: Ints, log_weight: Floats, rest: Floats
) -> _Level:
    """Take a column into the covariance of each model: a rank-one step."""
    pool = level.pool[row]
    added = batch.added[pool, column]
    across = level.gram[row, :, column]
    share = added / (1 + added * np.maximum(across[np.arange(len(row)), column], 0))
    gram = level.gram[row]
    gram -= (share[:, None] * across)[:, :, None] * across[:, None, :]
    fit = level.fit[row] - (share * level.fit[row, column])[:, None] * across
    return _Level(pool, members, level.mark[row] + _SIGNS[column], log_weight, gram, fit, rest)


def _record(
    batch: Whitened,
    level: _Level,
    found: _Found,
    row: Ints,
    column: Ints,
    members: Ints,
    log_weight: Floats,
    rest: Floats,
) -> None:
    """Record models with the posterior of their columns: mean t·fit and variance t - t²·gram, after all were added."""
    pool = level.pool[row]
    added = batch.added[pool, column]
    across = level.gram[row, :, column]
    share = added / (1 + added * np.maximum(across[np.arange(len(row)), column], 0))
    own = np.maximum(members, 0)
    at = np.take_along_axis(across, own, axis=1)
    fit = np.take_along_axis(level.fit[row], own, axis=1) - (share * level.fit[row, column])[:, None] * at
    diagonal = level.gram[row[:, None], own, own] - share[:, None] * at**2
    prior = np.take_along_axis(batch.variance[pool], own, axis=1)
    chosen = members >= 0
    found.add(
        pool,
        members,
        log_weight,
        np.where(chosen, prior * fit, 0.0),
        np.where(chosen, np.maximum(prior - prior**2 * diagonal, 1e-14), 0.0),
        rest,
    )


def _weighed(batch: Whitened, found: _Found, best: Floats, freedom: float, window: float) -> Models:
    pool, columns, log_weight, mean, variance, rest = (np.concatenate(part) for part in zip(*found.parts, strict=True))
    kept = np.flatnonzero(log_weight >= best[pool] - window)
    kept = kept[np.lexsort((-log_weight[kept], pool[kept]))]
    pool, log_weight = pool[kept], log_weight[kept]
    weight = np.exp(log_weight - best[pool])
    weight /= np.bincount(pool, weights=weight, minlength=len(best))[pool]
    spread = (freedom + rest[kept]) / (freedom + batch.intervals[pool])
    return Models(pool, columns[kept], log_weight, weight, mean[kept], variance[kept], rest[kept], spread)


def enumerate_models(batch: Whitened, freedom: float) -> Models:
    """Return all models of the pools of a batch: the exact answer, for few columns (2 to their number)."""
    width = batch.fit.shape[1]
    assert width <= 14, "all models of more columns take too long"
    return search(batch, freedom, window=np.inf, width=2**width, depth=width)
