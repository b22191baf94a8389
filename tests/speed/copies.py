"""Two databases that begin alike: one for the project, one for the floor."""

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
    """Where the databases of one engine are made: a folder for SQLite, a server's address for PostgreSQL."""

    engine: str
    folder: Path
    server: str

    def url(self, name: str) -> str:
        """The address of a database by its name."""
        if self.engine == "sqlite":
            return f"sqlite:///{self.folder / name}.sqlite3"
        return f"{self.server.rpartition('/')[0]}/{name}"

    def create(self, name: str) -> None:
        """Make an empty, migrated database and let Django work in it."""
        if self.engine == "postgresql":
            self._say("CREATE DATABASE {}", name)
        self.use(name)
        call_command("migrate", verbosity=0)

    def copy(self, name: str, new: str) -> None:
        """Make a copy of a database as it stands; nobody may be in it."""
        connection.close()
        if self.engine == "postgresql":
            self._say("CREATE DATABASE {} TEMPLATE {}", new, name)
            return
        with self.connect(name) as raw:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(self.folder / f"{name}.sqlite3", self.folder / f"{new}.sqlite3")

    def use(self, name: str) -> None:
        """Let Django work in a database, as it does for a plant."""
        self.use_at(self.url(name))

    @staticmethod
    def use_at(url: str) -> None:
        """The same with one that was there before."""
        settings = database_at(url)
        connections.configure_settings({DEFAULT_DB_ALIAS: settings})
        connections.settings[DEFAULT_DB_ALIAS] = settings
        connections[DEFAULT_DB_ALIAS] = connections.create_connection(DEFAULT_DB_ALIAS)

    def connect(self, name: str) -> Any:
        """A connection of the plain driver, opened as Django opens its own."""
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
    """Make a database, fill it, and let the engine know what is in it."""
    places.create(name)
    fill()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
