"""Two equal databases: one for the project, one for the floor."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg import sql

from backflush.config.env import database_at


@dataclass(frozen=True)
class Places:
    """The place of an engine's databases: a folder for SQLite, a server's address for PostgreSQL."""

    engine: str
    folder: Path
    server: str

    def url(self, name: str) -> str:
        """Return the address of a database."""
        if self.engine == "sqlite":
            return f"sqlite:///{self.folder / name}.sqlite3"
        return f"{self.server.rpartition('/')[0]}/{name}"

    def create(self, name: str) -> None:
        """Create a migrated database without rows, and make it Django's default."""
        if self.engine == "postgresql":
            self._say("CREATE DATABASE {}", name)
        self.use(name)
        call_command("migrate", verbosity=0)

    def copy(self, name: str, new: str) -> None:
        """Copy a database, to which no one may be connected."""
        connection.close()
        if self.engine == "postgresql":
            self._say("CREATE DATABASE {} TEMPLATE {}", new, name)
            return
        with self.connect(name) as raw:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(self.folder / f"{name}.sqlite3", self.folder / f"{new}.sqlite3")

    def use(self, name: str) -> None:
        """Make a database Django's default, with the options of a plant."""
        self.use_at(self.url(name))

    @staticmethod
    def use_at(url: str) -> None:
        """Make an existing database at an address Django's default."""
        settings = database_at(url)
        connections.configure_settings({DEFAULT_DB_ALIAS: settings})
        connections.settings[DEFAULT_DB_ALIAS] = settings
        connections[DEFAULT_DB_ALIAS] = connections.create_connection(DEFAULT_DB_ALIAS)

    def connect(self, name: str) -> Any:
        """Return a connection of the plain driver, opened with Django's options."""
        if self.engine == "postgresql":
            return psycopg.connect(self.url(name))
        made = connections.create_connection(DEFAULT_DB_ALIAS)
        made.settings_dict = {**made.settings_dict, **database_at(self.url(name))}
        made.connect()
        made.connection.isolation_level = None
        return made.connection

    def _say(self, statement: Any, *names: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as server:
            server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def with_all_in(places: Places, name: str, fill: Callable[[], object]) -> None:
    """Create a database, fill it, and refresh its statistics."""
    places.create(name)
    fill()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
