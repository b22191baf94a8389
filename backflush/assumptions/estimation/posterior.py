"""Probabilities, estimates, intervals and sets, from the models of a pool."""

import math
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import numpy as np

from backflush.assumptions.estimation.evidence import Bools, Floats, Ints
from backflush.assumptions.estimation.search import Models

SURE: Final = 0.9
"""The probability from which on a line, or a set of lines, is found."""
LARGEST_SET: Final = 4
_STEPS: Final = 40
_MODELS: Final = 60
_GRID: Final = np.linspace(-8, 8, 6401)
_NORMAL: Final = np.array([0.5 * math.erfc(-at / math.sqrt(2)) for at in _GRID.tolist()])
"""The normal distribution, of which values between are interpolated: exact to 1e-6."""


class Estimate(NamedTuple):
    """A coefficient: its mean, and the ends of its 90 % interval."""

    mean: float
    low: float
    high: float


def probabilities(models: Models, pools: int, columns: int) -> Floats:
    """Return the probability of each column of each pool: the weight of the models that contain it."""
    total = np.zeros((pools, columns + 1))
    depth = models.columns.shape[1]
    rows = np.repeat(models.pool, depth)
    np.add.at(total, (rows, models.columns.ravel()), np.repeat(models.weight, depth))
    return np.minimum(total[:, :columns], 1.0)


def with_any(models: Models, which: Collection[int]) -> Bools:
    """Return which models contain at least one of some columns."""
    return np.asarray(np.isin(models.columns, list(which)).any(axis=1))


def models_of(models: Models, pool: int) -> Models:
    """Return the models of one pool, the best first."""
    some = slice(*np.searchsorted(models.pool, [pool, pool + 1]))
    return Models(*(getattr(models, name)[some] for name in Models.__dataclass_fields__))


def estimates(models: Models, asked: Sequence[tuple[int, Sequence[int]]]) -> list[Estimate]:
    """Return the sum of the coefficients of some columns of a pool, over the models that contain any of them.

    The mean, and as 90 % interval the 5 % and 95 % quantiles of a mixture of normals. All that is `asked` (pool and
    columns) is computed together. Nothing where no model contains them.
    """
    if not asked:
        return []
    parts = [_mixture(models_of(models, pool), columns) for pool, columns in asked]
    width = max(len(part[0]) for part in parts)
    weight, mean, deviation = (np.zeros((len(parts), width)) for _ in range(3))
    for row, part in enumerate(parts):
        weight[row, : len(part[0])], mean[row, : len(part[0])], deviation[row, : len(part[0])] = part
    deviation = np.maximum(deviation, 1e-12)
    low, high = _quantiles(0.05, weight, mean, deviation), _quantiles(0.95, weight, mean, deviation)
    return [Estimate(*three) for three in zip((weight * mean).sum(axis=1).tolist(), low, high, strict=True)]


def _mixture(models: Models, columns: Sequence[int]) -> tuple[Floats, Floats, Floats]:
    """Return weights, means and standard deviations of a sum of coefficients; the best models only."""
    chosen = np.isin(models.columns, columns)
    some = np.flatnonzero(chosen.any(axis=1))[:_MODELS]
    if not len(some):
        return np.ones(1), np.zeros(1), np.zeros(1)
    chosen = chosen[some]
    variance = np.where(chosen, models.variance[some], 0.0).sum(axis=1) * models.spread[some]
    mean = np.where(chosen, models.mean[some], 0.0).sum(axis=1)
    return models.weight[some] / models.weight[some].sum(), mean, np.sqrt(variance)


def _quantiles(share: float, weight: Floats, mean: Floats, deviation: Floats) -> list[float]:
    low, high = (mean - 8 * deviation).min(axis=1), (mean + 8 * deviation).max(axis=1)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        below = (weight * np.interp((middle[:, None] - mean) / deviation, _GRID, _NORMAL)).sum(axis=1) < share
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    found: list[float] = ((low + high) / 2).tolist()
    return found


def smallest_set(models: Models, groups: Collection[Ints], probability: Floats) -> tuple[list[int], float]:
    """Return the smallest set of lines of which one is wrong with a probability of 0.9, and that probability.

    `groups` are the columns of each line. The lines are taken in order of probability, at most four; empty where these
    don't reach it.
    """
    columns = list(groups)
    chosen: list[int] = []
    seen: list[int] = []
    for line in np.argsort(-probability, kind="stable")[:LARGEST_SET]:
        chosen.append(int(line))
        seen.extend(columns[line].tolist())
        together = float(models.weight[with_any(models, seen)].sum())
        if together >= SURE:
            return chosen, together
    return [], 0.0
