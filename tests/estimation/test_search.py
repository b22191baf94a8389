"""The search against all models, and its steps against the textbook's formulas with inverses."""

from itertools import combinations
from math import lgamma, log

import numpy as np

from backflush.assumptions.estimation.columns import (
    Columns,
    PoolBlock,
    PoolCause,
    Prior,
    block_of,
    columns_of,
    whitened,
)
from backflush.assumptions.estimation.evidence import Floats
from backflush.assumptions.estimation.pools import Noise, Pool, covariance
from backflush.assumptions.estimation.posterior import estimates, models_of, probabilities, smallest_set
from backflush.assumptions.estimation.search import enumerate_models, search

NOISE = Noise(usage=0.004, counting=0.002, tolerance=0.003)
PRIOR = Prior(noise=NOISE, freedom=40.0)


def pool_of(seed: int, *, lines: int = 7, intervals: int = 12, wrong: dict[int, float] | None = None) -> Pool:
    draw = np.random.Generator(np.random.PCG64(seed))
    use = np.exp(draw.normal(0, 0.5, (intervals, lines))) * draw.uniform(0.2, 1, lines)
    use /= use.sum() / intervals
    counted = draw.uniform(0.3, 1.5, intervals + 1)
    pool = Pool(
        number=seed,
        first=0,
        scale=1000.0,
        grid=0.001,
        lines=np.arange(lines),
        beyond=np.zeros(intervals),
        use=use,
        days=np.ones(intervals),
        received=np.ones(intervals),
        counted=counted,
    )
    beyond = np.linalg.cholesky(covariance(pool, NOISE)) @ draw.normal(0, 1, intervals)
    for line, deviation in (wrong or {}).items():
        beyond = beyond + use[:, line] * deviation
    pool.beyond[:] = beyond
    return pool


def lines_only(pool: Pool) -> tuple[Columns, PoolBlock]:
    columns = columns_of(pool, np.arange(len(pool.lines)))
    columns = columns.some(np.flatnonzero(columns.cause == PoolCause.LINE))
    return columns, block_of([pool], [columns], [pool.beyond])


def log_evidence(pool: Pool, columns: Columns, members: tuple[int, ...], prior: Prior) -> float:
    """Compute a model's log posterior weight from the inverse of its covariance, as the textbook does."""
    n, freedom = pool.intervals, prior.freedom
    variance = prior.scale[PoolCause.LINE] ** 2 - prior.noise.tolerance**2
    chosen = columns.signature[:, list(members)]
    whole = covariance(pool, prior.noise) + variance * chosen @ chosen.T
    rest = float(pool.beyond @ np.linalg.inv(whole) @ pool.beyond)
    share = prior.share[PoolCause.LINE]
    return (
        len(members) * log(share / (1 - share))
        + lgamma((freedom + n) / 2)
        - lgamma(freedom / 2)
        + freedom / 2 * log(freedom)
        - 0.5 * float(np.linalg.slogdet(whole)[1])
        - (freedom + n) / 2 * log(freedom + rest)
    )


def exact_probabilities(pool: Pool, columns: Columns) -> Floats:
    many = len(columns.cause)
    models = [some for size in range(many + 1) for some in combinations(range(many), size)]
    logs = np.array([log_evidence(pool, columns, some, PRIOR) for some in models])
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    return np.array([sum(weight[at] for at, some in enumerate(models) if line in some) for line in range(many)])


def test_the_prefix_tree_of_all_models_gives_the_textbook_probabilities() -> None:
    pool = pool_of(1, wrong={2: 0.05, 4: -0.08})
    columns, block = lines_only(pool)
    models = enumerate_models(whitened(block, PRIOR), PRIOR.freedom)
    assert len(models.pool) == 2**7
    found = probabilities(models, 1, 7)[0]
    np.testing.assert_allclose(found, exact_probabilities(pool, columns), atol=1e-9)


def test_the_search_differs_from_all_models_by_less_than_two_thousandths() -> None:
    worst = 0.0
    for seed in range(30):
        pool = pool_of(seed, lines=6 + seed % 5, wrong={0: 0.03 + 0.004 * seed, 3: -0.05} if seed % 3 else {})
        _, block = lines_only(pool)
        batch = whitened(block, PRIOR)
        exact = probabilities(enumerate_models(batch, PRIOR.freedom), 1, batch.odds.shape[1])
        worst = max(
            worst, float(np.abs(probabilities(search(batch, PRIOR.freedom), 1, batch.odds.shape[1]) - exact).max())
        )
    assert worst < 0.002


def test_pools_searched_together_and_alone_give_the_same() -> None:
    pools = [pool_of(seed, lines=3 + seed, intervals=6 + seed, wrong={1: 0.1}) for seed in range(5)]
    columns = [columns_of(pool, np.arange(len(pool.lines))) for pool in pools]
    batch = whitened(block_of(pools, columns, [pool.beyond for pool in pools]), PRIOR)
    together = probabilities(search(batch, PRIOR.freedom), *batch.odds.shape)
    for place, (pool, one) in enumerate(zip(pools, columns, strict=True)):
        alone = whitened(block_of([pool], [one], [pool.beyond]), PRIOR)
        found = probabilities(search(alone, PRIOR.freedom), *alone.odds.shape)[0]
        np.testing.assert_allclose(together[place, : len(found)], found, atol=1e-9)


def test_estimates_come_from_the_full_posterior_with_the_tolerance_of_the_other_lines() -> None:
    pool = pool_of(3, wrong={2: 0.09})
    columns, block = lines_only(pool)
    prior = Prior(noise=NOISE, freedom=1e9)
    models = models_of(search(whitened(block, prior), prior.freedom), 0)
    at = next(row for row in range(len(models.pool)) if models.columns[row][:2].tolist() == [2, -1])
    # All lines of the pool: the chosen one with its own prior variance, the rest with the tolerance's.
    variance = np.full(7, NOISE.tolerance**2)
    variance[2] = prior.scale[PoolCause.LINE] ** 2
    plain = covariance(pool, NOISE._replace(tolerance=0.0))
    x = columns.signature
    precision = np.diag(1 / variance) + x.T @ np.linalg.inv(plain) @ x
    expected = np.linalg.inv(precision)
    mean = expected @ x.T @ np.linalg.inv(plain) @ pool.beyond
    assert abs(models.mean[at, 0] - mean[2]) < 1e-9
    assert abs(models.variance[at, 0] - expected[2, 2]) < 1e-10


def test_an_interval_of_one_model_is_the_normal_one() -> None:
    pool = pool_of(4, lines=1, wrong={0: 0.2})
    _, block = lines_only(pool)
    models = search(whitened(block, PRIOR), PRIOR.freedom)
    (found,) = estimates(models, [(0, [0])])
    best = models_of(models, 0)
    wide = 1.6449 * float(np.sqrt(best.variance[0, 0] * best.spread[0]))
    assert abs(found.mean - best.mean[0, 0]) < 1e-6
    assert abs((found.high - found.low) / 2 - wide) < 1e-4


def test_lines_made_in_the_same_mix_share_the_probability_and_form_a_set() -> None:
    pool = pool_of(5, lines=4, wrong={1: 0.12})
    pool.use[:, 2] = pool.use[:, 1]
    columns, block = lines_only(pool)
    models = search(whitened(block, PRIOR), PRIOR.freedom)
    found = probabilities(models, 1, 4)[0]
    assert abs(found[1] - found[2]) < 1e-9
    assert found.max() < 0.9
    groups = [np.array([line]) for line in range(len(columns.cause))]
    lines, together = smallest_set(models_of(models, 0), groups, found)
    assert set(lines) == {1, 2}
    assert together >= 0.9
