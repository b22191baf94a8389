"""What a database knows of how much is where, by which it chooses its ways."""

from collections.abc import Callable
from time import monotonic
from typing import Final

from django.db import connection
from django.db.backends.utils import CursorWrapper

from backflush.operations.tables import stock_models

SQLITE_ROWS: Final = 1_000
"""So many rows of an index tell SQLite enough, within some milliseconds."""
EACH_SECONDS: Final = 3600.0


SMALL_ROWS: Final = 1_000
"""A stock table with fewer rows can have many times as many before it is analysed again."""


def look_over() -> None:
    """Refresh the statistics by which the database plans its statements, after many new rows or a new index.

    PostgreSQL does so by itself, but later. SQLite never does: with statistics from before an index was made, the
    queue on Home took 3 s instead of 60 ms.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"PRAGMA analysis_limit = {SQLITE_ROWS}")
        cursor.execute("ANALYZE")
        if connection.vendor == "sqlite":
            _forget_small_tables(cursor)


def _forget_small_tables(cursor: CursorWrapper) -> None:
    """Delete SQLite's statistics of stock tables with few rows, so that it plans for tables of an unknown size.

    From a table with a few rows SQLite learns that reading all of it is quickest. It keeps that plan while the table
    grows, until it is analysed again.
    """
    names = [model._meta.db_table for model in stock_models()]
    of_stock = ", ".join(["%s"] * len(names))
    cursor.execute(
        f"DELETE FROM sqlite_stat1 WHERE tbl IN ({of_stock}) AND CAST(stat AS INTEGER) < %s", [*names, SMALL_ROWS]
    )
    # Makes SQLite read what is left of the statistics.
    cursor.execute("ANALYZE sqlite_schema")


class RegularLook:
    """Has SQLite look over its tables at once and every hour, because by itself it never does.

    A plant grows, and what SQLite once saw of it doesn't: then it takes ways that are short only where little is there.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._next = clock()

    def when_due(self) -> None:
        """Look over them if the hour is over."""
        if connection.vendor == "sqlite" and self._clock() >= self._next:
            look_over()
            self._next = self._clock() + EACH_SECONDS
