"""Upgrade a database to this version without blocking the users who book.

On PostgreSQL a step that needs an exclusive lock on a table queues for it, and everyone who comes later queues behind
it. So each attempt waits only briefly, lets the others pass, and is repeated until a time limit. After that nothing of
the step has been done, and the upgrade can be run again. The wait is shorter than PostgreSQL's deadlock timeout, so the
upgrade gives way and no booking fails. Two upgrades at once, as when several containers start together, would block
each other, so the second is refused.
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
"""PostgreSQL's `deadlock_timeout` is one second by default."""
PAUSE_SECONDS: Final = 0.6
ONE_AT_A_TIME: Final = 4_200_420
"""The number of the advisory lock; an arbitrary constant."""
_SETS_PATIENCE: Final = "SELECT set_config('lock_timeout', %s, false)"
IN_THE_WAY: Final = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)


def upgrade_database(*, patience: float = PATIENCE_SECONDS) -> None:
    """Create the tables or upgrade them. Does nothing if they are up to date."""
    with _alone(), _in_moments(patience):
        _migrate(patience)
        look_over()


def _migrate(patience: float) -> None:
    """Apply the migrations one by one. One in a transaction is restarted when it is blocked."""
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
    """Limit the time for which a statement waits for a lock."""
    if connection.vendor != "postgresql":
        yield
        return

    def in_a_moment(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        # Operations that build concurrently wait for other transactions to end without blocking them.
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
    # Don't wait inside a statement: an open statement would block a concurrent index build.
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
