"""What an audit found, compared with what was planted."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from backflush.assumptions.estimation.audit import AuditResult
from backflush.assumptions.estimation.columns import PoolCause
from backflush.assumptions.estimation.evidence import Evidence, Floats
from backflush.assumptions.estimation.pools import Noise, Pool, covariance, intervals_of
from backflush.assumptions.estimation.shared import SharedCause
from backflush.simulation.plant import PERIOD, SimulatedPlant

LEAST_WRONG: Final = 0.02
PLAIN: Final = 6.0
"""A line whose deviation is so many standard errors should be found by everybody."""


class FoundLine(NamedTuple):
    """A line as an audit reports it: parent and component by number, and its deviation as a share with its interval."""

    parent: int
    component: int
    probability: float
    estimate: float
    low: float
    high: float
    since_day: float


class FoundSet(NamedTuple):
    """Lines of which an audit says that one is wrong."""

    lines: tuple[tuple[int, int], ...]


class Score(NamedTuple):
    """Sums over plants, from which rates are computed."""

    lines: int = 0
    wrong: int = 0
    found: int = 0
    right: int = 0
    plain: int = 0
    plain_found: int = 0
    covered: int = 0
    onset: int = 0
    sets: int = 0
    sets_right: int = 0
    late: int = 0
    late_named: int = 0
    late_false: int = 0

    def plus(self, other: "Score") -> "Score":
        """Return the sums of both."""
        return Score(*(one + two for one, two in zip(self, other, strict=True)))

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.wrong if self.wrong else 1.0

    def rates(self) -> dict[str, float]:
        """Return the rates by name."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "plain": self.plain_found / self.plain if self.plain else 1.0,
            "false per 1000": 1000 * (self.found - self.right) / max(1, self.lines),
            "covered": self.covered / self.right if self.right else 1.0,
            "onset": self.onset / self.right if self.right else 1.0,
            "sets": self.sets,
            "sets right": self.sets_right / self.sets if self.sets else 1.0,
            "late named": self.late_named / self.late if self.late else 1.0,
            "late false": self.late_false / max(1, self.late_false + self.late_named),
        }


def wrong_lines(plant: SimulatedPlant) -> dict[tuple[int, int], int]:
    """Return the wrong lines of a plant's structures, by parent and component."""
    structures = plant.structures
    wrong = (np.abs(structures.deviation) > LEAST_WRONG) & ~structures.absent
    pairs = zip(structures.parent[wrong].tolist(), structures.component[wrong].tolist(), strict=True)
    return dict(zip(pairs, np.flatnonzero(wrong).tolist(), strict=True))


def score(
    plant: SimulatedPlant,
    evidence: Evidence,
    lines: Sequence[FoundLine],
    sets: Sequence[FoundSet] = (),
    late: Sequence[int] = (),
) -> Score:
    """Compare what was found with what was planted. `late` are the bookings that were named as wrongly dated."""
    wrong = wrong_lines(plant)
    plain = plain_lines(plant, evidence, wrong)
    sure = [line for line in lines if line.probability >= 0.9]
    right = [line for line in sure if (line.parent, line.component) in wrong]
    named = {(line.parent, line.component) for line in right}
    covered = onset = 0
    for line in right:
        at = wrong[line.parent, line.component]
        covered += line.low <= plant.structures.deviation[at] <= line.high
        onset += abs(line.since_day - plant.structures.since[at]) <= PERIOD * 1.5
    misdated = set(np.flatnonzero(plant.causes.late).tolist())
    return Score(
        lines=int((~plant.structures.absent).sum()),
        wrong=len(wrong),
        found=len(sure),
        right=len(right),
        plain=len(plain),
        plain_found=len(plain & named),
        covered=covered,
        onset=onset,
        sets=len(sets),
        sets_right=sum(any(line in wrong for line in one.lines) for one in sets),
        late=len(misdated),
        late_named=len(misdated & set(late)),
        late_false=len(set(late) - set(np.flatnonzero(plant.causes.late).tolist())),
    )


def plain_lines(plant: SimulatedPlant, evidence: Evidence, wrong: dict[tuple[int, int], int]) -> set[tuple[int, int]]:
    """Return the wrong lines that nobody should miss: with all other lines and a loss unknown, and the noise known, the
    deviation is six standard errors or more."""
    settings = plant.settings
    noise = Noise(settings.usage_noise, settings.count_noise, 0.0)
    plain = set()
    for pool in intervals_of(evidence).pools:
        parents = evidence.line_parent[pool.lines]
        own = [parent for parent in dict.fromkeys(parents.tolist()) if (parent, pool.number) in wrong]
        if not own:
            continue
        order = list(dict.fromkeys(parents.tolist()))
        matrix = np.column_stack([*(pool.use[:, parents == parent].sum(axis=1) for parent in order), pool.days])
        ends = np.sort(evidence.counts.day[evidence.counts.pool == pool.number])[1:]
        for parent in own:
            at, column = wrong[parent, pool.number], order.index(parent)
            since = matrix.copy()
            since[:, column] *= ends > plant.structures.since[at]
            if abs(plant.structures.deviation[at]) >= PLAIN * _errors(pool, noise, since)[column]:
                plain.add((parent, pool.number))
    return plain


def _errors(pool: Pool, noise: Noise, matrix: Floats) -> Floats:
    """Return the standard errors of all columns, each with the others unknown."""
    precision = matrix.T @ np.linalg.solve(covariance(pool, noise), matrix)
    if np.linalg.matrix_rank(precision) < len(precision):
        return np.full(len(precision), np.inf)
    errors: Floats = np.sqrt(np.maximum(np.diag(np.linalg.inv(precision)), 0))
    return errors


def score_result(plant: SimulatedPlant, evidence: Evidence, result: AuditResult) -> Score:
    """Compare a result of the estimator with what was planted, where pools and parents have the plant's numbers."""
    lines, sets = [], []
    for one in result.pools:
        days = np.sort(evidence.counts.day[evidence.counts.pool == one.pool.number])
        for doubt in one.doubts:
            if doubt.cause is PoolCause.LINE:
                since = float(days[doubt.since]) if doubt.since > 0 else 0.0
                lines.append(
                    FoundLine(doubt.parent, one.pool.number, doubt.probability, *doubt.estimate, since_day=since)
                )
        sets += [FoundSet(tuple((parent, one.pool.number) for parent in some.parents)) for some in one.sets]
    late = [one.of for one in result.shared if one.cause is SharedCause.LATE_BOOKING]
    return score(plant, evidence, lines, sets, late)
