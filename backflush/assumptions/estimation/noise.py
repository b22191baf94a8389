"""Noise, prior shares and scales, estimated from all pools together (empirical Bayes)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import exp, lgamma, log
from typing import Final, NamedTuple

import numpy as np

from backflush.assumptions.estimation.columns import Columns, PoolBlock, PoolCause, Prior, Whitened, block_of, whitened
from backflush.assumptions.estimation.evidence import Floats, Ints
from backflush.assumptions.estimation.pools import Noise, Pool
from backflush.assumptions.estimation.posterior import probabilities
from backflush.assumptions.estimation.search import Models, search

ROUNDS: Final = 10
SAMPLE: Final = 400
NARROW: Final = 5.0
FREEDOMS: Final = (3.0, 5.0, 8.0, 12.0, 20.0, 30.0, 50.0, 100.0)
LEARNED: Final = (PoolCause.LINE, PoolCause.LOSS, PoolCause.SHORT_DELIVERY, PoolCause.ONE_OFF, PoolCause.MISCOUNT)
"""The causes whose shares and scales are estimated; those of the others are too rare."""
_LEAST: Final = 1e-5
_MOST: Final = 0.2


class PoolSample(NamedTuple):
    """Pools from which the prior is learned, with their columns and what is left to explain."""

    pools: Sequence[Pool]
    columns: Sequence[Columns]
    beyond: Sequence[Floats]

    def some(self, places: Iterable[int]) -> "PoolSample":
        """Return some of the pools."""
        chosen = list(places)
        return PoolSample(
            [self.pools[at] for at in chosen], [self.columns[at] for at in chosen], [self.beyond[at] for at in chosen]
        )


class SamplePart(NamedTuple):
    """A part of a sample as a block, with the places of its pools in the sample."""

    sample: PoolSample
    block: PoolBlock
    places: Ints


def learn(sample: PoolSample, prior: Prior, rounds: int = ROUNDS) -> Prior:
    """Return the prior with noise, shares and scales as the sample shows them."""
    parts = chunks(sample)
    for _ in range(rounds):
        results = []
        for part in parts:
            batch = whitened(part.block, prior)
            results.append((part, batch, search(batch, prior.freedom, window=NARROW, width=12)))
        prior = _with_shares(results, prior)
        prior = replace(prior, noise=_scored(results, prior), freedom=_freedom(results))
    return prior


def chunks(sample: PoolSample, size: int = 64) -> Sequence[SamplePart]:
    """Return the sample in parts of pools with about as many columns and intervals as one another."""
    order = sorted(
        range(len(sample.pools)), key=lambda at: (sample.pools[at].intervals, len(sample.columns[at].cause), at)
    )
    parts = []
    for start in range(0, len(order), size):
        some = order[start : start + size]
        part = sample.some(some)
        parts.append(SamplePart(part, block_of(*part), np.array(some)))
    return parts


_Results = Sequence[tuple[SamplePart, Whitened, Models]]


def _best_models(models: Models) -> Ints:
    """Return the place of the best model of each pool; models are sorted by pool, the best first."""
    return np.flatnonzero(np.diff(models.pool, prepend=-1) != 0)


def _with_shares(results: _Results, prior: Prior) -> Prior:
    chosen, number, squares = (dict.fromkeys(LEARNED, 0.0) for _ in range(3))
    for part, batch, models in results:
        causes = part.block.cause
        found = probabilities(models, *batch.odds.shape)
        picked = models.columns >= 0
        of = np.where(picked, causes[models.pool[:, None], np.maximum(models.columns, 0)], -1)
        size = models.weight[:, None] * (models.mean**2 + models.variance)
        for cause in LEARNED:
            chosen[cause] += float(found[causes == cause].sum())
            number[cause] += int((causes == cause).sum())
            squares[cause] += float(size[of == cause].sum())
    first = Prior()
    share = {cause: (chosen[cause] + 1) / (number[cause] + 31) for cause in LEARNED}
    scale = {
        cause: float(np.sqrt((squares[cause] + 4 * first.scale[cause] ** 2) / (chosen[cause] + 4))) for cause in LEARNED
    }
    share[PoolCause.SINCE] = _since_share(results, share[PoolCause.LINE], number[PoolCause.LINE])
    share[PoolCause.VERSION] = 0.2 * share[PoolCause.LINE]
    scale[PoolCause.SINCE] = scale[PoolCause.VERSION] = scale[PoolCause.LINE]
    return prior.with_shares(share, scale)


def _since_share(results: _Results, line: float, lines: float) -> float:
    """Return the share of lines that are wrong from a later count on: a third of the wrong ones, until more is known.

    The columns of these lines are few, so the share is known only where some were tried.
    """
    chosen, tried = 0.0, False
    for part, _, models in results:
        cause = part.block.cause
        tried = tried or bool((cause == PoolCause.SINCE).any())
        of = np.where(models.columns >= 0, cause[models.pool[:, None], np.maximum(models.columns, 0)], -1)
        chosen += float((models.weight[:, None] * (of == PoolCause.SINCE)).sum())
    return (chosen + 0.3 * line * 100) / (lines + 100) if tried else 0.3 * line


def _scored(results: _Results, prior: Prior) -> Noise:
    """Return the noise after one step of Fisher scoring for the logarithms of both variances."""
    gradient, information = np.zeros(2), np.eye(2) * 0.5
    noise = prior.noise
    for part, batch, models in results:
        block, rows = part.block, _best_models(models)
        columns = models.columns[rows]
        places = np.arange(len(rows))[:, None]
        chosen = columns >= 0
        signature = block.both.transpose(0, 2, 1)[places, columns] * chosen[:, :, None]
        added = np.where(chosen, batch.added[places, columns], 0.0)
        whole = block.covariance(noise) + np.einsum("bdi,bd,bdj->bij", signature, added, signature)
        inverse = np.linalg.inv(whole)
        left = (inverse @ block.both[:, :, -1:])[:, :, 0]
        weight = (prior.freedom + batch.intervals) / (prior.freedom + models.rest[rows])
        usage = noise.usage**2 * block.usage
        count = noise.counting**2 * block.count
        products = (inverse * usage[:, None, :], inverse @ count)
        squares = ((left**2 * usage).sum(axis=1), np.einsum("bi,bij,bj->b", left, count, left))
        for i in range(2):
            trace = np.einsum("bii->b", products[i])
            gradient[i] += 0.5 * float((weight * squares[i] - trace).sum())
            for j in range(2):
                information[i, j] += 0.5 * float(np.einsum("bij,bji->", products[i], products[j]))
    step = np.clip(np.linalg.solve(information, gradient), -1.5, 1.5)
    return noise._replace(
        usage=min(_MOST, max(_LEAST, noise.usage * exp(step[0] / 2))),
        counting=min(_MOST, max(_LEAST, noise.counting * exp(step[1] / 2))),
    )


def _freedom(results: _Results) -> float:
    """Return the degrees of freedom under which what the best models leave is most likely."""
    rest, intervals = [], []
    for _, batch, models in results:
        rows = _best_models(models)
        rest.append(models.rest[rows])
        intervals.append(batch.intervals[models.pool[rows]])
    q, n = np.concatenate(rest), np.concatenate(intervals)

    def likelihood(freedom: float) -> float:
        normal = np.array([lgamma((freedom + k) / 2) for k in n.tolist()]) - lgamma(freedom / 2)
        return float((normal + freedom / 2 * log(freedom) - (freedom + n) / 2 * np.log(freedom + q)).sum())

    return max(FREEDOMS, key=likelihood)
