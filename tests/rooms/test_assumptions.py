"""The ledger read as evidence gives the same figures as the events that were entered, and names what is wrong."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from backflush.assumptions.estimation.pools import intervals_of
from backflush.assumptions.evidence_reader import read_evidence
from backflush.assumptions.findings import findings
from backflush.items.selectors import item_coded
from backflush.simulation.plant import PlantSettings, SimulatedPlant, evidence_of, make_plant
from tests.cast import Plant

START = datetime(2025, 1, 6, tzinfo=UTC)


def enter(plant: Plant, simulated: SimulatedPlant) -> None:
    """Post what happened in a simulated plant through the services, in the order in which it was entered."""
    structures, events = simulated.structures, simulated.events
    for component, decimals in enumerate(simulated.decimals.tolist()):
        plant.stocks(f"C{component}", decimals=decimals, cost=2)
    for parent in range(simulated.settings.parents):
        plant.stocks(f"P{parent}", "M", "MADE")
        lines = np.flatnonzero(structures.parent == parent).tolist()
        plant.consists(
            f"P{parent}",
            *(
                plant.line(
                    10 + 10 * at,
                    f"C{structures.component[line]}",
                    Decimal(str(round(float(structures.quantity[line]), 3))),
                    waste=int(structures.waste[line]),
                )
                for at, line in enumerate(lines)
            ),
        )
    entries = [
        *((float(day), 0, at) for at, day in enumerate(events.entered_at)),
        *((float(day), 1, at) for at, day in enumerate(events.received_at)),
        *((float(day), 2, at) for at, day in enumerate(events.counted_at)),
    ]
    for day, kind, at in sorted(entries):
        moment = START + timedelta(minutes=round(day * 1440))
        if kind == 0:
            booked = START + timedelta(minutes=round(float(events.booked_at[at]) * 1440))
            plant.produces(int(events.pieces[at]), f"P{events.parent[at]}", at=booked)
        elif kind == 1:
            quantity = Decimal(str(round(float(events.received_quantity[at]), 3)))
            plant.moves(quantity, f"C{events.received[at]}", "ADJUST", action="ADJUST", at=moment)
        else:
            quantity = Decimal(str(round(float(events.counted_quantity[at]), 3)))
            plant.counts(quantity, f"C{events.counted[at]}", at=moment)


@pytest.mark.slow
def test_the_ledger_gives_the_differences_that_the_events_give(plant: Plant) -> None:
    settings = PlantSettings(seed=61, parents=4, components=8, lines=5, periods=6, wrong=0.2, late=0.3)
    simulated = make_plant(settings)
    enter(plant, simulated)
    read = read_evidence(plant.site)
    numbers = {item_coded(f"C{at}").pk: at for at in range(8)}
    found = {numbers[read.pools[pool.number][0]]: pool for pool in intervals_of(read.evidence).pools}
    expected = {pool.number: pool for pool in intervals_of(evidence_of(simulated)).pools}
    assert found.keys() == expected.keys()
    for component, pool in expected.items():
        own = found[component]
        np.testing.assert_allclose(own.beyond * own.scale, pool.beyond * pool.scale, atol=1e-6)
        np.testing.assert_allclose(own.received * own.scale, pool.received * pool.scale, atol=1e-6)
        np.testing.assert_allclose(own.counted * own.scale, pool.counted * pool.scale, atol=1e-6)
        assert sorted(np.round(own.use.sum(axis=0) * own.scale, 3)) == sorted(
            np.round(pool.use.sum(axis=0) * pool.scale, 3)
        )
    named = {
        (one.parent, one.component) for one in findings(plant.site) if one.kind == "line" and one.probability > 0.9
    }
    wrong = np.abs(simulated.structures.deviation) > 0
    planted = {
        (f"P{parent}", f"C{component}")
        for parent, component in zip(
            simulated.structures.parent[wrong].tolist(), simulated.structures.component[wrong].tolist(), strict=True
        )
    }
    assert named <= planted


def test_what_waits_counts_as_used_and_what_is_cancelled_does_not(plant: Plant) -> None:
    plant.has(100, "BOLT")
    day = datetime(2026, 3, 2, 8, tzinfo=UTC)
    plant.counts(100, "BOLT", at=day)
    plant.produces(20, "BRACKET", at=day + timedelta(days=1))
    plant.produces(20, "BRACKET", at=day + timedelta(days=2))
    assert plant.waiting() == ["BOLT 80 short"]
    plant.counts(5, "BOLT", at=day + timedelta(days=3))
    bolts = [one for one in intervals_of(read_evidence(plant.site).evidence).pools if one.beyond.size]
    # 100 less 160 assumed less 5 counted.
    assert [round(one.beyond[0] * one.scale) for one in bolts] == [-65]
    plant.cancels("BOLT")
    bolts = [one for one in intervals_of(read_evidence(plant.site).evidence).pools if one.beyond.size]
    assert [round(one.beyond[0] * one.scale) for one in bolts] == [15]


def test_a_site_without_counts_has_no_findings(plant: Plant) -> None:
    assert findings(plant.site) == []
