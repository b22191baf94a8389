"""A database backend that compiles SQL like SQLite's and then refuses to connect."""

from typing import NoReturn

from django.db.backends.sqlite3 import base


class DatabaseNotAskedFor(Exception):
    """The test uses the database without a fixture for it."""


class DatabaseWrapper(base.DatabaseWrapper):
    """The connection of `default` until a fixture replaces it."""

    def connect(self) -> NoReturn:
        """Refuse, and say what the test has to do."""
        raise DatabaseNotAskedFor(
            "This test touches the database without asking for it:"
            " name the fixture `database`, or `committed_database` for real commits."
        )
