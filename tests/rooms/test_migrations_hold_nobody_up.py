"""No later migration locks a stock table of PostgreSQL for longer than a moment.

The SQL of each migration is checked, so it doesn't matter which operation created it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import sleep
from typing import Any, Final

import psycopg
import pytest
from django.db import connection, migrations, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.migration import Migration

from backflush.core.refusals import DatabaseUnreachable
from backflush.db.online_schema import (
    AddConstraintOnline,
    AddFieldOnline,
    AddIndexOnline,
    RemoveIndexOnline,
    RemoveUniqueOnline,
    WithoutOwnIndex,
)
from backflush.handling.models import StockTransfer
from backflush.ledger.models import Movement, Posting
from backflush.operations import upgrade
from backflush.operations.tables import models_of_rooms, stock_models
from backflush.operations.upgrade import ONE_AT_A_TIME, upgrade_database
from tests.cast import Plant
from tests.databases import Database
from tests.doors.console import Console

pytestmark = pytest.mark.slow

# The last migration of each app before there was a ledger to lock.
BEFORE: Final = {
    "ledger": "0003",
    "structures": "0001",
    "unresolved": "0001",
    "backflushing": "0002",
    "works": "0001",
    "subcontract": "0001",
}
ONLY_POSTGRES = pytest.mark.parametrize("database", ["postgres"], indirect=True)
ONLY_COMMITTED_POSTGRES = pytest.mark.parametrize("committed_database", ["postgres"], indirect=True)

BLOCKING: Final = {
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)": "builds an index and blocks writes; use AddIndexOnline",
    r"DROP INDEX (?!CONCURRENTLY|IF EXISTS)": "waits for everybody who reads; that is short, but say why",
    r"ADD CONSTRAINT .* (CHECK|FOREIGN KEY)(?!.*NOT VALID)": "reads the whole table; use AddConstraintOnline",
    r"ADD CONSTRAINT \S+ UNIQUE \(": "builds an index and blocks writes; use AddConstraintOnline",
    r"ALTER COLUMN \S+ TYPE": "writes the whole table anew; add a column beside it",
    r"ALTER COLUMN \S+ SET NOT NULL": "reads the whole table; add a check first",
    r"ADD COLUMN .*\bREFERENCES\b": "reads the whole table; add the column, then the constraint",
    r"ADD COLUMN .*\bNOT NULL\b(?!.*DEFAULT)": "fails where there are rows; make it null, or give a db_default",
    r"^UPDATE|^DELETE": "changes rows in one go; do it in chunks, in a command",
}

HOUSE: Final = {model._meta.app_label for model in models_of_rooms()}


def objections(statements: list[str]) -> list[str]:
    """Return the locks that some statements would take on an existing stock table."""
    tables = {model._meta.db_table for model in stock_models()}
    made = {name for one in statements for name in re.findall(r'CREATE TABLE "(\w+)"', one)}
    found = []
    for one in statements:
        text = " ".join(one.split())
        named = set(re.findall(r'(?:ON|TABLE|UPDATE|FROM) (?:ONLY )?"(\w+)"', text))
        if not named & (tables - made):
            continue
        found += [f"{text}: {why}" for pattern, why in BLOCKING.items() if re.search(pattern, text)]
    return found


def statements_of(migration: Any) -> list[str]:
    executor = MigrationExecutor(connection)
    lines = executor.loader.collect_sql([(migration, False)])
    return [
        line for line in "\n".join(line for line in lines if not line.startswith("--")).split(";\n") if line.strip()
    ]


@ONLY_POSTGRES
def test_no_migration_after_the_first_locks_a_stock_table(database: Database) -> None:
    executor = MigrationExecutor(connection)
    looked_at = 0
    for (room, name), migration in sorted(executor.loader.disk_migrations.items()):
        if name.split("_")[0] > BEFORE.get(room, ""):
            looked_at += 1
            assert objections(statements_of(migration)) == [], f"{room}.{name}"
    assert looked_at > len(BEFORE)


@ONLY_POSTGRES
def test_no_migration_locks_two_existing_tables_in_one_transaction(database: Database) -> None:
    """A booking that has read the second table and then needs the first would deadlock with it."""
    executor = MigrationExecutor(connection)
    for (room, name), migration in sorted(executor.loader.disk_migrations.items()):
        # The first migration of each app creates its tables before anyone can book.
        if room not in HOUSE or not migration.atomic or migration.initial or name.startswith("0001"):
            continue
        statements = [" ".join(one.split()) for one in statements_of(migration)]
        made = {table for one in statements for table in re.findall(r'^CREATE TABLE "(\w+)"', one)}
        altered = {table for one in statements for table in re.findall(r'^ALTER TABLE "(\w+)"', one)}
        assert len(altered - made) <= 1, f"{room}.{name}: say atomic = False, and use AddFieldOnline"


@ONLY_POSTGRES
def test_each_forbidden_statement_is_detected(database: Database) -> None:
    executor = MigrationExecutor(connection)
    first = executor.loader.disk_migrations["ledger", "0003_indexes_for_lists"]
    assert len(objections(statements_of(first))) == 2
    assert objections(['ALTER TABLE "ledger_posting" ALTER COLUMN "remarks" TYPE text']) != []
    assert objections(['ALTER TABLE "ledger_posting" ADD COLUMN "seal" bigint NULL']) == []
    assert objections(['CREATE INDEX "by_code" ON "items_item" ("code")']) == []


# The operations themselves


class Probe(Migration):
    """A stand-in for a migration of a later version."""

    atomic = False

    def __init__(self, *operations: Any) -> None:
        super().__init__("probe", "ledger")
        self.operations = [*operations]  # type: ignore[misc]  # as Django's own tests do


def apply(*operations: Any, backwards: bool = False) -> None:
    state = MigrationExecutor(connection).loader.project_state()
    probe = Probe(*operations)
    with connection.schema_editor(atomic=False) as editor:
        (probe.unapply if backwards else probe.apply)(state, editor)


def names_on(model: type[models.Model]) -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, model._meta.db_table))


FIELD = AddFieldOnline("posting", "probe", models.DateField(null=True))
INDEX = AddIndexOnline("posting", models.Index(fields=["site", "recorded_at"], name="probe_index"))
UNIQUE = AddConstraintOnline("posting", models.UniqueConstraint(fields=["site", "id"], name="probe_unique"))
PARTIAL = AddConstraintOnline(
    "posting",
    models.UniqueConstraint(fields=["site", "id"], condition=models.Q(remarks="x"), name="probe_partial"),
)
CHECK = AddConstraintOnline(
    "posting", models.CheckConstraint(condition=~models.Q(remarks="forbidden"), name="probe_check")
)


def columns_of(model: type[models.Model]) -> list[str]:
    with connection.cursor() as cursor:
        return [column.name for column in connection.introspection.get_table_description(cursor, model._meta.db_table)]


def test_a_column_is_added_and_removed(committed_database: Database) -> None:
    apply(FIELD)
    assert "probe" in columns_of(Posting)
    apply(FIELD, backwards=True)
    assert "probe" not in columns_of(Posting)


@ONLY_COMMITTED_POSTGRES
def test_a_column_added_by_an_interrupted_upgrade_is_skipped(committed_database: Database) -> None:
    apply(FIELD)
    apply(FIELD, AddFieldOnline("posting", "probed", models.DateField(null=True)))
    assert {"probe", "probed"} <= {*columns_of(Posting)}


@pytest.mark.parametrize(
    ("operation", "name"),
    [(INDEX, "probe_index"), (UNIQUE, "probe_unique"), (PARTIAL, "probe_partial"), (CHECK, "probe_check")],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_each_operation_that_adds_can_be_reversed(committed_database: Database, operation: Any, name: str) -> None:
    Plant.build().has(5, "BOLT")
    before = names_on(Posting)
    apply(operation)
    assert names_on(Posting) == {*before, name}
    apply(operation, backwards=True)
    assert names_on(Posting) == before


TAKEN_AWAY = (
    (RemoveIndexOnline("movement", "movement_by_time"), {"movement_by_time"}),
    (RemoveUniqueOnline("movement", "mirrored_only_once"), {"mirrored_only_once"}),
    (
        WithoutOwnIndex("movement", ["cost_object", "rule"]),
        {"ledger_movement_job_id_cee95c42", "ledger_movement_rule_id_5033afce"},
    ),
)


def where_it_lies(model: type[models.Model]) -> Any:
    """Return a value that changes when a table is rewritten."""
    ask = "SELECT rootpage FROM sqlite_master WHERE name = %s"
    if connection.vendor == "postgresql":
        ask = "SELECT relfilenode FROM pg_class WHERE relname = %s"
    with connection.cursor() as cursor:
        cursor.execute(ask, [model._meta.db_table])
        return cursor.fetchone()


def references_of(model: type[models.Model]) -> int:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return sum(bool(one["foreign_key"]) for one in found.values())


@pytest.mark.parametrize(("operation", "gone"), TAKEN_AWAY, ids=lambda one: type(one).__name__)
def test_each_operation_that_removes_can_be_reversed_without_rewriting_the_table(
    committed_database: Database, operation: Any, gone: set[str]
) -> None:
    Plant.build().has(5, "BOLT")
    names, place, references = names_on(Movement), where_it_lies(Movement), references_of(Movement)
    apply(operation)
    assert (names_on(Movement), where_it_lies(Movement)) == (names - gone, place)
    assert references_of(Movement) == references
    apply(operation, backwards=True)
    assert (names_on(Movement), where_it_lies(Movement)) == (names, place)


@ONLY_COMMITTED_POSTGRES
def test_an_interrupted_index_build_is_restarted(committed_database: Database) -> None:
    with connection.cursor() as cursor:
        cursor.execute('CREATE INDEX "probe_index" ON ledger_posting (id)')
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'probe_index'::regclass")
    apply(INDEX)
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'probe_index'::regclass")
        assert cursor.fetchone() == (True,)


@contextmanager
def somebody_books(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold an open transaction that has written postings, like a large import."""
    with psycopg.connect(url) as other:
        _write(other)
        yield other


def _write(other: "psycopg.Connection[Any]") -> None:
    other.execute("SET lock_timeout = '3s'")
    other.execute("UPDATE ledger_posting SET remarks = remarks || '.' WHERE id = (SELECT min(id) FROM ledger_posting)")


@ONLY_COMMITTED_POSTGRES
@pytest.mark.parametrize(
    ("operation", "held_up"),
    [
        (INDEX, False),
        (UNIQUE, False),
        (WithoutOwnIndex("posting", ["by"]), False),
        (migrations.AddIndex("posting", models.Index(fields=["at"], name="p")), True),
    ],
    ids=["index online", "unique online", "own index off", "plain index"],
)
def test_a_concurrent_index_build_does_not_block_writes_and_a_plain_one_does(
    committed_database: Database, operation: Any, held_up: bool
) -> None:
    plant = Plant.build()
    plant.has(5, "BOLT")
    plant.has(5, "LUG")
    faults: list[BaseException] = []
    with psycopg.connect(committed_database.url, autocommit=True) as watcher:
        with psycopg.connect(committed_database.url) as first:
            first.execute(
                "UPDATE ledger_posting SET remarks = 'long import' WHERE id = (SELECT max(id) FROM ledger_posting)"
            )
            building = Thread(target=_in_thread, args=(committed_database, operation, faults))
            building.start()
            while not watcher.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone():
                assert building.is_alive()
            if held_up:
                with pytest.raises(psycopg.errors.LockNotAvailable), psycopg.connect(committed_database.url) as second:
                    _write(second)
            else:
                with psycopg.connect(committed_database.url) as second:
                    _write(second)
        building.join(60)
    assert faults == []


def _in_thread(database: Database, operation: Any, faults: list[BaseException]) -> None:
    try:
        apply(operation)
    except BaseException as fault:  # noqa: BLE001 - the test that waits must hear of it
        faults.append(fault)
    finally:
        connection.close()


def test_the_unique_constraints_were_migrated_with_existing_postings(committed_database: Database) -> None:
    """Migrates a ledger back to before the constraints included the site, and forward again."""
    plant = Plant.build()
    plant.has(100, "BOLT")
    plant.books(1, "BRACKET", key="k1")
    executor = MigrationExecutor(connection)
    last = executor.loader.graph.leaf_nodes()
    executor.migrate([("ledger", "0003_indexes_for_lists"), ("backflushing", "0002_initial")])
    assert "posted_once_by_key" not in names_on(Posting)
    MigrationExecutor(connection).migrate(last)
    assert "posted_once_by_key" in names_on(Posting)
    assert plant.books(1, "BRACKET", key="k1").pk == plant.books(1, "BRACKET", key="k1").pk
    assert not StockTransfer.objects.exists()


# The upgrade itself


@ONLY_COMMITTED_POSTGRES
def test_an_upgrade_waits_only_briefly_for_a_lock(committed_database: Database) -> None:
    Plant.build().has(5, "BOLT")
    executor = MigrationExecutor(connection)
    executor.migrate([("works", "0001_initial")])
    with psycopg.connect(committed_database.url) as reader:
        reader.execute("LOCK TABLE works_worksorder IN ROW EXCLUSIVE MODE")
        with pytest.raises(DatabaseUnreachable, match=r"Another program has locked a table for 0\.5 seconds"):
            upgrade_database(patience=0.5)
    assert "works.0002_unique_within_the_site" in Console().tells("upgrade", "--patience", "5")["applied"]


@ONLY_COMMITTED_POSTGRES
def test_a_step_that_needs_two_tables_gives_way_to_a_booking(
    committed_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A booking has read the second table and needs the first, so one of the two must give way."""
    reading, one_taken, faults = Event(), Event(), list[BaseException]()

    def read() -> None:
        with psycopg.connect(committed_database.url) as reader:
            reader.execute("SELECT 1 FROM items_unit")
            reading.set()
            one_taken.wait(20)
            try:
                reader.execute("SELECT 1 FROM items_typecode")
            except psycopg.Error as fault:
                faults.append(fault)

    def step(*_: object, **__: object) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE items_typecode ADD COLUMN more date NULL")
            one_taken.set()
            sleep(0.2)
            cursor.execute("ALTER TABLE items_unit ADD COLUMN more date NULL")

    monkeypatch.setattr(upgrade, "call_command", step)
    thread = Thread(target=read)
    thread.start()
    reading.wait(20)
    upgrade_database()
    thread.join()
    assert faults == []


@ONLY_COMMITTED_POSTGRES
def test_two_concurrent_upgrades_do_not_conflict(committed_database: Database) -> None:
    with psycopg.connect(committed_database.url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
        with pytest.raises(DatabaseUnreachable, match="Another upgrade of this database is running"):
            upgrade_database()
        # Close it here, because a server takes time to notice a closed connection.
        other.execute("SELECT pg_advisory_unlock(%s)", [ONE_AT_A_TIME])
    upgrade_database()


def test_an_upgrade_creates_tables_only_on_request(committed_database: Database) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations")
    assert Console().refuses("upgrade") == "no_plant"
