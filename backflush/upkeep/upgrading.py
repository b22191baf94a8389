"""Bringing a database up to this version without holding up the people who book.

On PostgreSQL a step that wants a table for itself waits in line, and everybody who comes later waits behind it. So it
waits for a moment only, and gives up: nothing of that step is done, and the upgrade can be run again. Two at once, as
when several containers start together, would get in each other's way; the second is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from django.core.management import call_command
from django.db import OperationalError, connection

from backflush.core.refusals import DatabaseUnreachable
from backflush.upkeep.statistics import look_over

PATIENCE_SECONDS: Final = 10
ONE_AT_A_TIME: Final = 4_200_420
"""The number of the advisory lock; any will do, as long as it stays the same."""


def upgrade_database(*, patience: float = PATIENCE_SECONDS) -> None:
    """Make the tables, or bring them up to date; nothing happens where they are."""
    with _alone(), _patient(patience):
        try:
            call_command("migrate", verbosity=0, interactive=False)
            look_over()
        except OperationalError as error:
            if isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise DatabaseUnreachable(
                    f"Somebody has held a table for {patience:g} seconds. What was done before stays, this step wasn't "
                    "begun. Run `backflush upgrade` again, or give it more --patience.",
                    field="database",
                ) from error
            raise


@contextmanager
def _patient(seconds: float) -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield
        return
    _say("SELECT set_config('lock_timeout', %s, false)", f"{int(seconds * 1000)}ms")
    try:
        yield
    finally:
        _say("SELECT set_config('lock_timeout', '0', false)")


@contextmanager
def _alone() -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield
        return
    # Not one that waits: whoever waits in a statement keeps an index from being built beside the running system.
    if not _say("SELECT pg_try_advisory_lock(%s)", ONE_AT_A_TIME):
        raise DatabaseUnreachable("Another upgrade is at work on this database. Wait for it.", field="database")
    try:
        yield
    finally:
        _say("SELECT pg_advisory_unlock(%s)", ONE_AT_A_TIME)


def _say(statement: str, *values: str | int) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
        return row[0] if row else None
