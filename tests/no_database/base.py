"""A database backend that compiles SQL like SQLite's and then refuses to connect."""

from typing import NoReturn

from django.db.backends.sqlite3 import base


class DatabaseNotAskedFor(Exception):
    """The test needs a fixture it has not named."""


class DatabaseWrapper(base.DatabaseWrapper):
    """The connection `default` stands for until a fixture swaps it."""

    def connect(self) -> NoReturn:
        """Say what the test has to do."""
        raise DatabaseNotAskedFor(
            "This test touches the database without asking for it:"
            " name the fixture `database`, or `committed_database` for real commits."
        )
