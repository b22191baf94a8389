"""What a database knows of how much is where, by which it chooses its ways."""

from collections.abc import Callable
from time import monotonic
from typing import Final

from django.db import connection

SQLITE_ROWS: Final = 1_000
"""So many rows of an index tell SQLite enough, within some milliseconds."""
EACH_SECONDS: Final = 3600.0


def look_over() -> None:
    """Let the database look over its tables: after many rows came at once, or an index, it answers slowly until then.

    PostgreSQL does so by itself, but later. SQLite never does, and is led astray by what it saw before an index was
    made: the queue on Home took 3 s instead of 60 ms.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"PRAGMA analysis_limit = {SQLITE_ROWS}")
        cursor.execute("ANALYZE")


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
