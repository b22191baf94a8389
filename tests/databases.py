"""Databases for tests: created once, copied per worker, and swapped in as Django's `default`.

A *template* is a migrated database with some content (none, or the plant of `tests/cast.py`), one per engine, content
and run of pytest. Tests only see copies, so migrations and the plant are created once, however many workers and tests
there are.
"""

import fcntl
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, Final, LiteralString
from urllib.parse import quote, urlsplit

import psycopg
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from backflush.config.env import database_at

ENGINES: Final = ("sqlite", "postgres")
RESTORE_SECONDS_MAX: Final = 60


class Database:
    """One database, with its address for other processes and its connection for this one."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.settings = _settings(url)

    @cached_property
    def connection(self) -> BaseDatabaseWrapper:
        """The connection, opened on first use and kept from test to test."""
        with _default_settings(self.settings):
            return connections.create_connection(DEFAULT_DB_ALIAS)

    @property
    def vendor(self) -> str:
        """`sqlite` or `postgresql`, as Django calls it."""
        return str(self.connection.vendor)

    @contextmanager
    def as_default(self) -> Iterator["Database"]:
        """Make this database `default` inside the block, for other threads too."""
        before = connections[DEFAULT_DB_ALIAS]
        # Primary keys may differ from those in the database used before.
        ContentType.objects.clear_cache()
        with _default_settings(self.settings):
            connections[DEFAULT_DB_ALIAS] = self.connection
            try:
                yield self
            finally:
                connections[DEFAULT_DB_ALIAS] = before


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back everything written inside the block: for one test, or for one example of a property test."""
    with transaction.atomic():
        yield
        connection = transaction.get_connection()
        # Foreign keys are checked at the commit, which never happens here.
        if not connection.needs_rollback:
            connection.check_constraints()
        transaction.set_rollback(True)


@dataclass(frozen=True)
class Content:
    """The content of a template: its name, and the function that creates it through the services."""

    name: str
    put: Callable[[], object]


EMPTY: Final = Content("empty", lambda: None)


class Engine(ABC):
    """Creates databases of one kind."""

    @abstractmethod
    def template(self, content: Content) -> Database:
        """Return a template, which need not exist yet."""

    @abstractmethod
    def create_empty(self, database: Database) -> None:
        """Create an empty database."""

    @abstractmethod
    def copy(self, database: Database, content: Content) -> Database:
        """Copy a template, to which no one may be connected."""

    @abstractmethod
    def named(self, name: str) -> Database:
        """Return a database by name, which need not exist yet."""

    @abstractmethod
    def drop(self, database: Database) -> None:
        """Delete a database, even if someone is still connected."""


@dataclass(frozen=True)
class Sqlite(Engine):
    """Databases as files in a folder."""

    folder: Path

    def template(self, content: Content) -> Database:
        return self.named(f"template-{content.name}")

    def create_empty(self, database: Database) -> None:
        Path(database.settings["NAME"]).unlink(missing_ok=True)

    def copy(self, database: Database, content: Content) -> Database:
        shutil.copyfile(self.template(content).settings["NAME"], database.settings["NAME"])
        return database

    def restore(self, database: Database, content: Content) -> None:
        """Reset a database to the content of its template while others have it open."""
        with (
            closing(sqlite3.connect(self.template(content).settings["NAME"])) as source,
            closing(sqlite3.connect(database.settings["NAME"], timeout=RESTORE_SECONDS_MAX)) as target,
        ):
            source.backup(target)

    def drop(self, database: Database) -> None:
        for ending in ("", "-wal", "-shm"):
            Path(database.settings["NAME"] + ending).unlink(missing_ok=True)

    def named(self, name: str) -> Database:
        return Database(f"sqlite:///{quote(str(self.folder / name))}.sqlite3")


@dataclass(frozen=True)
class Postgres(Engine):
    """Databases of a server, named after this run so that runs may share one server."""

    server: str
    run: str

    def template(self, content: Content) -> Database:
        return self.named(f"template_{content.name}")

    def create_empty(self, database: Database) -> None:
        self._create(database, template="template0")

    def copy(self, database: Database, content: Content) -> Database:
        self._create(database, template=self.template(content).settings["NAME"])
        return database

    def drop(self, database: Database) -> None:
        self._say("DROP DATABASE IF EXISTS {} WITH (FORCE)", database.settings["NAME"])

    def _create(self, database: Database, template: str) -> None:
        self.drop(database)
        self._say("CREATE DATABASE {} TEMPLATE {}", database.settings["NAME"], template)

    def named(self, name: str) -> Database:
        return Database(urlsplit(self.server)._replace(path=f"/{self.run}_{name}").geturl())

    def _say(self, statement: LiteralString, *names: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as server:
            server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


class Databases:
    """The databases of one worker: one kept per engine and content, and fresh ones on request."""

    def __init__(self, *, folder: Path, postgres: Callable[[], str], run: str, worker: str) -> None:
        self._folder = folder
        self._postgres = postgres
        self._run = run
        self._worker = worker
        self._numbers = count(1)
        self._engines: dict[str, Engine] = {}
        self._made: set[tuple[str, str]] = set()
        self._kept: dict[tuple[str, str], Database] = {}

    def kept(self, engine: str, content: Content = EMPTY) -> Database:
        """Return the database in which this worker's tests are rolled back."""
        key = engine, content.name
        if key not in self._kept:
            made = self._engine(engine, content)
            self._kept[key] = made.copy(made.named(f"{self._worker}_{content.name}"), content)
        return self._kept[key]

    @contextmanager
    def fresh(self, engine: str, content: Content = EMPTY) -> Iterator[Database]:
        """Create a separate database for tests that commit, and drop it afterwards."""
        made = self._engine(engine, content)
        database = made.copy(made.named(f"{self._worker}_{next(self._numbers)}"), content)
        try:
            yield database
        finally:
            database.connection.close()
            made.drop(database)

    def restore(self, database: Database, content: Content) -> None:
        """Reset an SQLite database to its fresh content while others have it open."""
        made = self._engine("sqlite", content)
        assert isinstance(made, Sqlite)
        made.restore(database, content)

    def close(self) -> None:
        """Close all connections. Files are deleted with their folder, databases with their server or by `drop_run`."""
        for database in self._kept.values():
            database.connection.close()

    def _engine(self, name: str, content: Content) -> Engine:
        """Return an engine that has the template of a content."""
        if name not in self._engines:
            self._engines[name] = self._make(name)
        engine = self._engines[name]
        if (name, content.name) not in self._made:
            if content is not EMPTY:
                self._engine(name, EMPTY)
            _once(self._folder / f"{name}-template-{content.name}", lambda: _fill_template(engine, content))
            self._made.add((name, content.name))
        return engine

    def _make(self, name: str) -> Engine:
        if name == "sqlite":
            return Sqlite(self._folder)
        return Postgres(self._postgres(), self._run)


class PlantDatabases:
    """One database per engine with committed content that was created before the first test."""

    def __init__(self, databases: Databases, put: Callable[[], object]) -> None:
        self._databases = databases
        self._put = put
        self._made: dict[str, Database] = {}
        self._open = ExitStack()

    def __enter__(self) -> "PlantDatabases":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def of(self, engine: str) -> Database:
        """Return the database of an engine; tests in it are rolled back."""
        if engine not in self._made:
            database = self._open.enter_context(self._databases.fresh(engine))
            with database.as_default():
                self._put()
            self._made[engine] = database
        return self._made[engine]


def drop_run(server: str, run: str) -> None:
    """Delete everything that one run of pytest created on a borrowed server."""
    with psycopg.connect(server, autocommit=True) as connection:
        named = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
        for (name,) in connection.execute(named, [f"{run}_"]).fetchall():
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _fill_template(engine: Engine, content: Content) -> None:
    template = engine.template(content)
    if content is EMPTY:
        engine.create_empty(template)
    else:
        engine.copy(template, EMPTY)
    with template.as_default():
        try:
            if content is EMPTY:
                call_command("migrate", verbosity=0, interactive=False)
            content.put()
        finally:
            # PostgreSQL can't copy a database with open connections, and SQLite merges its write-ahead log when the
            # last connection closes.
            template.connection.close()


def _once(made: Path, make: Callable[[], None]) -> None:
    """Create something that all workers share: the first worker creates it, the others wait."""
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            make()
            made.touch()


def _settings(url: str) -> dict[str, Any]:
    settings = database_at(url)
    pragmas = settings["OPTIONS"].get("init_command")
    if pragmas:
        # Nothing here has to survive a power failure.
        settings["OPTIONS"]["init_command"] = pragmas.replace("synchronous=FULL", "synchronous=OFF")
    # Fills in the settings that Django expects.
    connections.configure_settings({DEFAULT_DB_ALIAS: settings})
    return settings


@contextmanager
def _default_settings(settings: dict[str, Any]) -> Iterator[None]:
    # A thread without a connection opens its own from these settings.
    before = connections.settings[DEFAULT_DB_ALIAS]
    connections.settings[DEFAULT_DB_ALIAS] = settings
    try:
        yield
    finally:
        connections.settings[DEFAULT_DB_ALIAS] = before
