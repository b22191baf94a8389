"""The whole estimation on simulated plants whose faults are known."""

import numpy as np
import pytest

from backflush.assumptions.estimation.audit import AuditResult, audit
from backflush.assumptions.estimation.columns import PoolCause
from backflush.assumptions.estimation.evidence import CountColumns, Evidence
from backflush.assumptions.estimation.pools import intervals_of
from backflush.assumptions.estimation.shared import SharedCause
from backflush.simulation.plant import KINDS, PlantSettings, SimulatedPlant, evidence_of, make_plant
from backflush.simulation.scores import Score, score_result


def audited(kind: str, seed: int, **size: int) -> tuple[SimulatedPlant, Evidence, AuditResult]:
    plant = make_plant(KINDS[kind](PlantSettings(seed=seed, **size)))
    evidence = evidence_of(plant)
    return plant, evidence, audit(evidence)


def score_of(kind: str, *seeds: int) -> Score:
    total = Score()
    for seed in seeds:
        total = total.plus(score_result(*audited(kind, seed)))
    return total


def test_the_difference_of_an_interval_is_what_was_used_beyond_the_book() -> None:
    plant = make_plant(PlantSettings(seed=3, wrong=0.0, usage_noise=0.0, count_noise=0.0))
    for pool in intervals_of(evidence_of(plant)).pools:
        # Two counts and every booking are rounded to the item's step.
        steps = np.abs(pool.beyond) / pool.grid
        assert steps.max() < 2 + 0.5 * 80


def test_wrong_lines_are_found_and_right_ones_are_not() -> None:
    found = score_of("base", 41, 42)
    assert found.found == found.right
    assert found.recall >= 0.7
    assert found.plain_found == found.plain > 10


def test_theft_miscounts_and_wrong_dates_are_no_wrong_lines() -> None:
    found = score_of("theft-late", 43, 44)
    assert found.found - found.right <= 1
    assert found.recall >= 0.6
    assert found.late_named >= 0.6 * found.late > 0
    assert found.late_false == 0


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert score_of("theft-late-nothing-wrong", 45).found == 0


def test_lines_within_the_tolerance_are_right() -> None:
    found = score_of("inexact", 46)
    assert found.found == found.right > 5


def test_scrap_that_nobody_booked_is_named_and_blames_no_line() -> None:
    plant, evidence, result = audited("scrapping", 47)
    named = {one.of for one in result.shared if one.cause is SharedCause.SCRAP}
    assert named
    assert named <= set(np.flatnonzero(plant.causes.scrap > 0).tolist())
    found = score_result(plant, evidence, result)
    assert found.found - found.right <= 1


def test_lines_that_a_structure_lacks_are_named() -> None:
    plant, _, result = audited("missing", 48)
    named = {
        (doubt.parent, pool.pool.number)
        for pool in result.pools
        for doubt in pool.doubts
        if doubt.cause is PoolCause.MISSING and doubt.probability >= 0.9
    }
    absent = plant.structures.absent
    pairs = zip(plant.structures.parent[absent].tolist(), plant.structures.component[absent].tolist(), strict=True)
    planted = set(pairs)
    assert len(named & planted) >= 10
    assert len(named - planted) <= 1


def test_the_same_evidence_gives_the_same_result() -> None:
    _, evidence, result = audited("theft-late", 49)
    again = audit(evidence)
    assert [pool.probability for pool in again.pools] == [pool.probability for pool in result.pools]
    assert again.prior == result.prior


@pytest.mark.parametrize("counts", [0, 1])
def test_without_two_counts_nothing_can_be_judged(counts: int) -> None:
    evidence = evidence_of(make_plant(PlantSettings(seed=50, periods=2)))
    few = evidence.counts.day <= (-1e9 if counts == 0 else 0.0)
    counted = evidence.counts
    some = CountColumns(counted.pool[few], counted.moment[few], counted.day[few], counted.quantity[few])
    result = audit(
        Evidence(
            grid=evidence.grid,
            line_pool=evidence.line_pool,
            line_parent=evidence.line_parent,
            line_version=evidence.line_version,
            parents=evidence.parents,
            counts=some,
            use=evidence.use,
            moves=evidence.moves,
            bookings=evidence.bookings,
        )
    )
    assert list(result.pools) == []
    assert list(result.shared) == []
