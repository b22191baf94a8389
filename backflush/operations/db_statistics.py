"""Refresh the statistics by which the database plans its queries (ANALYZE)."""

from collections.abc import Callable
from time import monotonic
from typing import Final

from django.db import connection
from django.db.backends.utils import CursorWrapper

from backflush.operations.tables import stock_models

SQLITE_ROWS: Final = 1_000
"""The number of index rows that SQLite samples, which takes some milliseconds."""
EACH_SECONDS: Final = 3600.0


SMALL_ROWS: Final = 1_000
"""The limit of a small table: it can have many times as many rows before it is analysed again."""


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
    # SQLite reads the remaining statistics after this.
    cursor.execute("ANALYZE sqlite_schema")


class RegularLook:
    """Refreshes SQLite's statistics at once and every hour, because SQLite never does so itself.

    Otherwise it would keep using plans that are fast only for small tables while the plant grows.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._next = clock()

    def when_due(self) -> None:
        """Refresh the statistics if an hour has passed."""
        if connection.vendor == "sqlite" and self._clock() >= self._next:
            look_over()
            self._next = self._clock() + EACH_SECONDS
