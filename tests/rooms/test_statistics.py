"""What SQLite once saw of its tables leads it astray no longer than it must."""

import pytest
from django.db import connection

from backflush.ledger.statements import SET_STATUS
from backflush.upkeep.statistics import EACH_SECONDS, RegularLook, look_over
from tests.cast import Plant

pytestmark = pytest.mark.parametrize("plant", ["sqlite"], indirect=True)


def plan_of(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql.replace('?', '%s')}", ["[]"])
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def seen() -> dict[str, str]:
    """What SQLite knows of the indexes of movements."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT idx, stat FROM sqlite_stat1 WHERE tbl = 'ledger_movement' AND idx IS NOT NULL")
        return dict(cursor.fetchall())


def test_what_waited_is_found_by_its_number_though_little_was_there_when_it_was_looked_over(plant: Plant) -> None:
    plant.has(1, "BOLT")
    look_over()
    assert "ledger_movement USING INTEGER PRIMARY KEY" in plan_of(SET_STATUS.sqlite)


def test_tables_are_looked_over_at_once_and_every_hour(plant: Plant) -> None:
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
