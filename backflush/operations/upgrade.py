"""Bringing a database up to this version without holding up the people who book.

On PostgreSQL a step that wants a table for itself waits in line, and everybody who comes later waits behind it. So it
waits for a moment only, lets everybody pass, and tries again, until its patience is over: nothing of that step is done
then, and the upgrade can be run again. A moment is shorter than what PostgreSQL takes to look for a deadlock, so it is
the upgrade that steps back and not a booking that fails. Two upgrades at once, as when several containers start
together, would get in each other's way; the second is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any, Final

import psycopg
from django.core.management import call_command
from django.db import OperationalError, connection

from backflush.core.refusals import DatabaseUnreachable
from backflush.operations.db_statistics import look_over
from backflush.operations.readiness import pending_migrations

PATIENCE_SECONDS: Final = 10
MOMENT_SECONDS: Final = 0.4
"""`deadlock_timeout` is a second unless somebody set it."""
PAUSE_SECONDS: Final = 0.6
ONE_AT_A_TIME: Final = 4_200_420
"""The number of the advisory lock; any will do, as long as it stays the same."""
_SETS_PATIENCE: Final = "SELECT set_config('lock_timeout', %s, false)"
IN_THE_WAY: Final = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)


def upgrade_database(*, patience: float = PATIENCE_SECONDS) -> None:
    """Make the tables, or bring them up to date; nothing happens where they are."""
    with _alone(), _in_moments(patience):
        _migrate(patience)
        look_over()


def _migrate(patience: float) -> None:
    """Step by step. One in a transaction is begun anew when somebody is in its way."""
    left, ends = pending_migrations(), monotonic() + patience
    while True:
        try:
            call_command("migrate", verbosity=0, interactive=False)
        except OperationalError as error:
            if not isinstance(error.__cause__, IN_THE_WAY):
                raise
            before, left = left, pending_migrations()
            if left != before:
                ends = monotonic() + patience
            if monotonic() >= ends:
                raise DatabaseUnreachable(
                    "Another program has locked a table for {seconds} seconds. The earlier steps are done, and this "
                    "one wasn't started. Run `backflush upgrade` again, or with a longer --patience.",
                    seconds=f"{patience:g}",
                    field="database",
                ) from error
            sleep(PAUSE_SECONDS)
        else:
            return


@contextmanager
def _in_moments(patience: float) -> Iterator[None]:
    """Let no statement wait for longer than a moment for a table that it wants for itself."""
    if connection.vendor != "postgresql":
        yield
        return

    def in_a_moment(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        # What builds beside the running system waits for the others to end and is in nobody's way.
        beside = " CONCURRENTLY " in str(sql)
        moment = patience if beside else min(MOMENT_SECONDS, patience)
        ends = monotonic() + patience
        while True:
            connection.connection.execute(_SETS_PATIENCE, [f"{int(moment * 1000)}ms"])
            try:
                return execute(sql, params, many, context)
            except OperationalError as error:
                again = isinstance(error.__cause__, IN_THE_WAY) and not beside and not connection.in_atomic_block
                if not again or monotonic() >= ends:
                    raise
            sleep(PAUSE_SECONDS)

    try:
        with connection.execute_wrapper(in_a_moment):
            yield
    finally:
        _say(_SETS_PATIENCE, "0")


@contextmanager
def _alone() -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield
        return
    # Not one that waits: whoever waits in a statement keeps an index from being built beside the running system.
    if not _say("SELECT pg_try_advisory_lock(%s)", ONE_AT_A_TIME):
        raise DatabaseUnreachable(
            "Another upgrade of this database is running. Wait until it has finished.", field="database"
        )
    try:
        yield
    finally:
        _say("SELECT pg_advisory_unlock(%s)", ONE_AT_A_TIME)


def _say(statement: str, *values: str | int) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
        return row[0] if row else None
