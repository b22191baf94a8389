"""The explanations of a pool's differences: each a column with a prior share and a prior variance.

Deviations are shares: of the line's book quantity, or of the pool's mean use in a period.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final

import numpy as np

from backflush.assumptions.estimation.evidence import Evidence, Floats, Ints
from backflush.assumptions.estimation.pools import Noise, Pool, variance_parts


class PoolCause(IntEnum):
    """What a column stands for."""

    LINE = 0
    """A structure line is wrong."""
    SINCE = 1
    """A line is wrong from one count on; `at` is the first interval."""
    VERSION = 2
    """Only one version of a changed line is wrong."""
    MISSING = 3
    """A parent uses the component and its structure has no such line."""
    UNIT = 4
    """All lines of the pool are off alike: unit, pack size or scale."""
    LOSS = 5
    """A constant loss."""
    SHORT_DELIVERY = 6
    """Deliveries lack a share."""
    ONE_OFF = 7
    """One loss or surplus in an interval (`at`)."""
    MISCOUNT = 8
    """The count after interval `at` was wrong."""


UNIT_LINES: Final = 3
"""With fewer lines, a wrong unit can't be told from wrong lines."""
LINE_CAUSES: Final = (PoolCause.LINE, PoolCause.SINCE, PoolCause.VERSION)


@dataclass(frozen=True, slots=True)
class Prior:
    """Prior shares and standard deviations of the causes, and the degrees of freedom of the noise."""

    noise: Noise = field(default_factory=Noise)
    freedom: float = 40.0
    share: Mapping[PoolCause, float] = field(
        default_factory=lambda: {
            PoolCause.LINE: 0.05,
            PoolCause.SINCE: 0.015,
            PoolCause.VERSION: 0.01,
            PoolCause.MISSING: 0.001,
            PoolCause.UNIT: 0.0001,
            PoolCause.LOSS: 0.05,
            PoolCause.SHORT_DELIVERY: 0.01,
            PoolCause.ONE_OFF: 0.01,
            PoolCause.MISCOUNT: 0.01,
        }
    )
    scale: Mapping[PoolCause, float] = field(
        default_factory=lambda: {
            PoolCause.LINE: 0.12,
            PoolCause.SINCE: 0.12,
            PoolCause.VERSION: 0.12,
            PoolCause.MISSING: 0.3,
            PoolCause.UNIT: 0.05,
            PoolCause.LOSS: 0.02,
            PoolCause.SHORT_DELIVERY: 0.02,
            PoolCause.ONE_OFF: 0.2,
            PoolCause.MISCOUNT: 0.15,
        }
    )

    def with_shares(self, share: Mapping[PoolCause, float], scale: Mapping[PoolCause, float]) -> "Prior":
        """Return the prior with other shares and scales of some causes."""
        return replace(self, share={**self.share, **share}, scale={**self.scale, **scale})


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The columns of one pool: `signature` has one for each, `line` is a line's place in the pool (else the parent of
    a missing line, or -1) and `at` an interval or -1."""

    signature: Floats
    cause: Ints
    line: Ints
    at: Ints
    spread: Floats

    def plus(self, other: "Columns") -> "Columns":
        """Return these columns and some more."""
        return joined([self, other])

    def some(self, which: Ints) -> "Columns":
        """Return some of the columns."""
        return Columns(
            self.signature[:, which], self.cause[which], self.line[which], self.at[which], self.spread[which]
        )


def columns_of(pool: Pool, parents: Ints) -> Columns:
    """Return the columns that every pool has. `parents` are those of its lines, by which versions of a line are known.

    `spread` divides the prior share of a cause among its columns.
    """
    n = pool.intervals
    groups = [np.flatnonzero(parents == parent) for parent in dict.fromkeys(parents.tolist())]
    firsts = [int(some[0]) for some in groups]
    lines = np.column_stack([pool.use[:, some].sum(axis=1) for some in groups])
    parts = [_part(PoolCause.LINE, lines, firsts)]
    versions = [line for some in groups if len(some) > 1 for line in some.tolist()]
    if versions:
        parts.append(_part(PoolCause.VERSION, pool.use[:, versions], versions))
    if _lines_of_weight(lines) >= UNIT_LINES:
        parts.append(_part(PoolCause.UNIT, lines.sum(axis=1)[:, None]))
    parts.append(_part(PoolCause.LOSS, pool.days[:, None]))
    parts.append(_part(PoolCause.SHORT_DELIVERY, pool.received[:, None]))
    parts.append(_part(PoolCause.ONE_OFF, np.eye(n), at=np.arange(n)))
    parts.append(_part(PoolCause.MISCOUNT, np.eye(n)[:, :-1] - np.eye(n, k=-1)[:, :-1], at=np.arange(n - 1)))
    columns = joined(parts)
    shown = np.abs(columns.signature).max(axis=0) > 0
    return columns if shown.all() else columns.some(np.flatnonzero(shown))


def joined(parts: Sequence[Columns]) -> Columns:
    """Return the columns of all parts."""
    return Columns(
        np.hstack([part.signature for part in parts]),
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("cause", "line", "at", "spread")),
    )


def _lines_of_weight(lines: Floats) -> float:
    """Return how many lines of equal use would spread the pool's use as much as its lines do."""
    use = lines.sum(axis=0)
    return float(use.sum() ** 2 / (use**2).sum())


def since_columns(pool: Pool, columns: Columns) -> Columns:
    """Return the columns of lines that are wrong from a later interval on."""
    lines = np.flatnonzero(columns.cause == PoolCause.LINE)
    n = pool.intervals
    later = np.tril(np.ones((n, n)))[:, 1:]  # a column for each first interval but the earliest
    signature = (columns.signature[:, lines, None] * later[:, None, :]).reshape(n, -1)
    many = max(1, (n - 1))
    found = _part(
        PoolCause.SINCE, signature, np.repeat(columns.line[lines], n - 1).tolist(), np.tile(np.arange(1, n), len(lines))
    )
    return sharing(found, 1 / many)


def sharing(columns: Columns, spread: float) -> Columns:
    """Return columns that share the prior of their cause."""
    return Columns(columns.signature, columns.cause, columns.line, columns.at, np.full(len(columns.cause), spread))


def missing_columns(signature: Floats, outsiders: Ints, parents: int) -> Columns:
    """Return the columns of parents that use the component without a line: their output, with a mean of one."""
    found = _part(PoolCause.MISSING, signature, outsiders.tolist())
    # One in a thousand, but in a large plant no more than one in 25 for all parents together.
    return sharing(found, min(1.0, 40 / max(1, parents)))


def _part(cause: PoolCause, signature: Floats, line: Sequence[int] | None = None, at: Ints | None = None) -> Columns:
    many = signature.shape[1]
    return Columns(
        signature,
        np.full(many, int(cause)),
        np.full(many, -1) if line is None else np.asarray(line, np.int64),
        np.full(many, -1) if at is None else at,
        np.ones(many),
    )


@dataclass(frozen=True, slots=True, eq=False)
class PoolBlock:
    """Some pools with their columns, padded to the same size, before they are whitened.

    `usage`, `count`, `rounding` and `lines` are the parts of the covariance, `both` the signatures with the differences
    as the last column. `cause` is -1 where a column only pads.
    """

    usage: Floats
    count: Floats
    rounding: Floats
    lines: Floats
    both: Floats
    cause: Ints
    spread: Floats
    intervals: Ints

    def covariance(self, noise: Noise) -> Floats:
        """Return the covariance of each pool where nothing is wrong; one on the diagonal of cells that only pad."""
        cover = noise.counting**2 * self.count + self.rounding + noise.tolerance**2 * self.lines
        at = np.arange(cover.shape[1])
        cover[:, at, at] += noise.usage**2 * self.usage
        return cover


def block_of(
    pools: Sequence[Pool], columns: Sequence[Columns], beyond: Sequence[Floats], *, spare: int = 0
) -> PoolBlock:
    """Put some pools into one block. `beyond` are the differences that are left to explain; `spare` cells only pad."""
    many, n = len(pools), max(pool.intervals for pool in pools) + spare
    m = max(len(one.cause) for one in columns)
    usage, both = np.zeros((many, n)), np.zeros((many, n, m + 1))
    count, lines = np.zeros((many, n, n)), np.zeros((many, n, n))
    rounding = np.broadcast_to(np.eye(n), (many, n, n)).copy()
    cause, spread = np.full((many, m), -1), np.ones((many, m))
    for place, (pool, one, y) in enumerate(zip(pools, columns, beyond, strict=True)):
        own, width = pool.intervals, len(one.cause)
        usage[place, :own], count[place, :own, :own], rounding[place, :own, :own] = variance_parts(pool)
        lines[place, :own, :own] = pool.use @ pool.use.T
        both[place, :own, :width] = one.signature
        both[place, :own, m] = y
        cause[place, :width], spread[place, :width] = one.cause, one.spread
    return PoolBlock(
        usage, count, rounding, lines, both, cause, spread, np.array([pool.intervals for pool in pools], np.int64)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Whitened:
    """The whitened columns and differences of some pools, padded to the same size.

    `gram` is ZᵀZ, `fit` Zᵀz and `rest` zᵀz with the whitened columns Z and differences z. `added` is the variance that
    a column adds when it is chosen, `variance` its prior variance then. `odds` are log prior odds; a column that only
    pads has odds of minus infinity.
    """

    gram: Floats
    fit: Floats
    rest: Floats
    added: Floats
    variance: Floats
    odds: Floats
    intervals: Ints


def whitened(block: PoolBlock, prior: Prior) -> Whitened:
    """Whiten the pools of a block by their covariance."""
    m = block.cause.shape[1]
    white = np.linalg.solve(np.linalg.cholesky(block.covariance(prior.noise)), block.both)
    products = white.transpose(0, 2, 1) @ white
    share = by_cause(prior.share)[block.cause] * block.spread
    variance = by_cause(prior.scale)[block.cause] ** 2
    with np.errstate(divide="ignore"):
        odds = np.where(block.cause >= 0, np.log(share / (1 - share)), -np.inf)
    # A line's tolerance is in the covariance already.
    beyond_tolerance = np.maximum(variance - prior.noise.tolerance**2, 1e-8)
    return Whitened(
        gram=np.ascontiguousarray(products[:, :m, :m]),
        fit=np.ascontiguousarray(products[:, :m, m]),
        rest=products[:, m, m].copy(),
        added=np.where(block.cause == PoolCause.LINE, beyond_tolerance, variance),
        variance=variance,
        odds=odds,
        intervals=block.intervals,
    )


def by_cause(values: Mapping[PoolCause, float]) -> Floats:
    """Return values as an array, by the number of the cause."""
    return np.array([values[cause] for cause in PoolCause])


def parents_of(evidence: Evidence, pool: Pool) -> Ints:
    """Return the parents of a pool's line columns."""
    return evidence.line_parent[pool.lines]
