"""Differences between the two databases, by purpose. Texts of statements that differ are in the `sql/` folders.

Backup, copies, upgrades and statistics (`operations`) are different work on each database, and say so themselves.
"""

from django.db import connection


def one_writer() -> bool:
    """Return whether the database has only one writer at a time, so that nothing has to be locked: SQLite."""
    return connection.vendor == "sqlite"


def lock_until_commit(number: int) -> None:
    """Wait until no other transaction holds this number, and hold it until the end of this one."""
    if not one_writer():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def analyze(table: str) -> None:
    """Let PostgreSQL count the rows of a temporary table, which it doesn't do by itself."""
    if not one_writer():
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")
