"""The database fixtures that all other tests rely on."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from threading import Thread

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, connections, transaction

from tests.databases import EMPTY, Database, Databases
from tests.no_database.base import DatabaseNotAskedFor

VENDORS = {"sqlite": "sqlite", "postgres": "postgresql"}

COUNT_GROUPS = """
import django
django.setup()
from django.contrib.auth.models import Group
from django.db import connection
Group.objects.create(name="from elsewhere")
print(connection.vendor, Group.objects.count())
"""


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The name of the engine of this test's parameter."""
    return str(request.node.callspec.params.get("database", ""))


def test_each_engine_has_its_own_vendor(database: Database, engine: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()" if engine == "sqlite" else "SHOW server_version_num")
        version = cursor.fetchone()[0]
    assert connection.vendor == database.vendor == VENDORS[engine]
    assert version.startswith("3.") if engine == "sqlite" else int(version) >= 150_000


def test_everything_goes_to_the_swapped_database(database: Database) -> None:
    assert connections["default"] is database.connection
    assert transaction.get_connection() is database.connection
    assert Group.objects.all().db == "default"
    with transaction.atomic():
        assert database.connection.savepoint_ids


@pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)
def test_sqlite_has_the_options_of_the_real_one(committed_database: Database) -> None:
    asked = {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 120_000, "synchronous": 0}
    with connection.cursor() as cursor:
        found = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in asked}
    assert found == asked
    assert committed_database.settings["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.parametrize("turn", ["first", "second"])
def test_rows_written_by_one_test_are_not_seen_by_the_next(database: Database, turn: str) -> None:
    assert not Group.objects.exists()
    Group.objects.create(name=f"written by the {turn}")


@pytest.mark.parametrize("turn", ["first", "second"])
def test_committed_databases_are_fresh(committed_database: Database, turn: str) -> None:
    assert not Group.objects.exists()
    Group.objects.create(name=f"committed by the {turn}")


def test_a_database_is_restored_while_another_connection_is_open(databases: Databases) -> None:
    count = "SELECT COUNT(*) FROM auth_group"
    with databases.fresh("sqlite") as database, database.as_default():
        Group.objects.create(name="Stores")
        with closing(sqlite3.connect(database.settings["NAME"])) as other:
            assert other.execute(count).fetchone() == (1,)
            databases.restore(database, EMPTY)
            assert other.execute(count).fetchone() == (0,)
        assert not Group.objects.exists()


def test_a_failed_statement_is_undone_to_its_savepoint(database: Database) -> None:
    Group.objects.create(name="Stores")
    with pytest.raises(IntegrityError), transaction.atomic():
        Group.objects.create(name="Stores")
    assert Group.objects.count() == 1


def test_a_commit_is_visible_to_another_process_and_vice_versa(committed_database: Database) -> None:
    Group.objects.create(name="from here")
    elsewhere = subprocess.run(
        [sys.executable, "-c", COUNT_GROUPS],
        env={**os.environ, "DATABASE_URL": committed_database.url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert elsewhere.stdout.split() == [committed_database.vendor, "2"]
    assert set(Group.objects.values_list("name", flat=True)) == {"from here", "from elsewhere"}


def test_a_commit_is_visible_to_another_thread(committed_database: Database) -> None:
    seen: list[str] = []

    def look() -> None:
        seen.extend(Group.objects.values_list("name", flat=True))
        connection.close()

    Group.objects.create(name="from here")
    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert seen == ["from here"]


def test_a_test_without_a_database_fixture_is_refused_a_connection() -> None:
    with pytest.raises(DatabaseNotAskedFor, match="name the fixture `database`"):
        Group.objects.exists()
    with pytest.raises(DatabaseNotAskedFor), transaction.atomic():
        pass
