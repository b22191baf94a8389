"""Outdated statistics mislead SQLite no longer than necessary."""

import pytest
from django.db import connection

from backflush.core.moves import Status
from backflush.items.selectors import item_coded
from backflush.ledger import movement_list
from backflush.ledger.movement_list import MovementFilter, filtered_movements
from backflush.ledger.selectors import waiting_of_item
from backflush.ledger.statements import SET_STATUS
from backflush.operations import db_statistics
from backflush.operations.db_statistics import EACH_SECONDS, RegularLook, look_over
from tests.cast import Plant

pytestmark = pytest.mark.parametrize("plant", ["sqlite"], indirect=True)


def plan_of(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def seen() -> dict[str, str]:
    """Return SQLite's statistics of the indexes of movements."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT idx, stat FROM sqlite_stat1 WHERE tbl = 'ledger_movement' AND idx IS NOT NULL")
        return dict(cursor.fetchall())


def test_an_unresolved_movement_is_found_by_primary_key_with_outdated_statistics(plant: Plant) -> None:
    plant.has(1, "BOLT")
    look_over()
    assert "ledger_movement USING INTEGER PRIMARY KEY" in plan_of(SET_STATUS.texts["sqlite"].with_examples())


def test_the_unresolved_movements_of_an_item_are_found_by_their_index(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item may have a hundred thousand movements and a single cancelled one."""
    monkeypatch.setattr(movement_list, "FEW", 0)
    plant.has(1, "BOLT")
    look_over()
    cancelled = filtered_movements(plant.site, MovementFilter(status=Status.CANCELLED, item="BOLT")).movements
    for found in (cancelled, waiting_of_item(plant.site, item_coded("BOLT"))):
        assert "INDEX due_of_item" in found.order_by().values("pk").explain()


def test_statistics_of_a_stock_table_are_kept_once_it_has_grown(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.has(1, "BOLT")
    look_over()
    assert seen() == {}
    monkeypatch.setattr(db_statistics, "SMALL_ROWS", 1)
    look_over()
    assert seen() != {}


def test_statistics_are_refreshed_at_once_and_every_hour(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db_statistics, "SMALL_ROWS", 0)
    plant.has(1, "BOLT")
    time = [100.0]
    look = RegularLook(lambda: time[0])
    look.when_due()
    first = seen()
    plant.books(3, "BRACKET")
    time[0] += EACH_SECONDS - 1
    look.when_due()
    assert seen() == first
    time[0] += 1
    look.when_due()
    assert seen() != first
