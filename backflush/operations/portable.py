"""A portable backup, independent of the kind of database: a zip of tables as JSON lines.

    backflush.json          the applied migrations, and the columns and row count of each table
    ledger_movement.jsonl   one list of values per row; likewise for every table

Everything is read in one snapshot, so it is consistent while users go on booking, and no one waits. Quantities are
whole millionths in both databases, so they are transferred exactly; moments are in ISO format with their time zone.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import psycopg
from django.apps import apps
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Field, Model
from psycopg import sql

from backflush.core.refusals import InvalidValue, UpgradeNeeded
from backflush.operations.copy_check import as_rows, member_text
from backflush.operations.readiness import known_migrations

CONTENTS: Final = "backflush.json"
FORMAT: Final = "backflush portable 1"
CHUNK: Final = 2_000
LETTERS_AT_ONCE: Final = 8_000_000

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table, with the kind of its values."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table as the models define it."""

    model: type[Model]

    @property
    def name(self) -> str:
        """The name of the table in the database."""
        return self.model._meta.db_table

    @property
    def columns(self) -> list[TableColumn]:
        """The columns in order."""
        return [TableColumn(str(field.column), _kind(field)) for field in self.model._meta.local_concrete_fields]


def tables() -> list[CopiedTable]:
    """Return every table that Django knows, ours and its own, except the list of migrations."""
    return [
        CopiedTable(model)
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ]


def _kind(field: "Field[Any, Any]") -> str:
    while field.remote_field is not None:
        field = field.target_field  # type: ignore[attr-defined]
    return field.get_internal_type()


# Read from a database


@contextmanager
def snapshot(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Read a snapshot within this context, whatever is booked meanwhile. No one has to wait for it."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with transaction.atomic(using), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # The query is read to its end. By default PostgreSQL plans a cursor for its first rows, which scans all
            # that don't match.
            cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
            yield
        return
    # Not `atomic`, which would take the write lock.
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def rows_of(
    table: CopiedTable, using: str = DEFAULT_DB_ALIAS, *, which: str = "", given: Sequence[Any] = ()
) -> Iterator[list[Any]]:
    """Yield the rows of a table as JSON values: all of them, or those that the condition `which` selects."""
    connection = connections[using]
    names = ", ".join(connection.ops.quote_name(column.name) for column in table.columns)
    plain = [PLAIN.get(column.kind) for column in table.columns]
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {names} FROM {connection.ops.quote_name(table.name)} {which}", given)
        while rows := cursor.fetchmany(CHUNK):
            for row in rows:
                yield [
                    value if make is None or value is None else make(value)
                    for make, value in zip(plain, row, strict=True)
                ]


def _plain_moment(value: Any) -> str:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


PLAIN: Final[dict[str, Callable[[Any], Any]]] = {
    "BooleanField": bool,
    "DateTimeField": _plain_moment,
    "DateField": str,
    "TimeField": str,
    "JSONField": lambda value: json.loads(value) if isinstance(value, str) else value,
    "BinaryField": lambda value: b64encode(bytes(value)).decode(),
    "UUIDField": lambda value: (value if isinstance(value, UUID) else UUID(value)).hex,
    "GenericIPAddressField": str,
}


def write(file: IO[bytes], using: str = DEFAULT_DB_ALIAS) -> dict[str, int]:
    """Write a portable backup of a database, and return the number of rows of each table."""
    _require_this_version(MigrationRecorder(connections[using]).applied_migrations())
    counts: dict[str, int] = {}
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=3) as archive, snapshot(using):
        for table in tables():
            with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as lines:
                counts[table.name] = _write_rows(lines, rows_of(table, using))
        contents = {
            "format": FORMAT,
            "migrations": sorted(map(list, known_migrations())),
            "tables": {
                table.name: {"columns": [column.name for column in table.columns], "rows": counts[table.name]}
                for table in tables()
            },
        }
        archive.writestr(CONTENTS, json.dumps(contents, indent=1))
    return counts


def _write_rows(lines: IO[bytes], rows: Iterable[Row]) -> int:
    count = 0
    for some in _chunks(rows):
        lines.write("".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in some).encode())
        count += len(some)
    return count


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield the rows in chunks, each of so many rows or so much text: memory stays bounded for long rows too."""
    some: list[Row] = []
    letters = 0
    for row in rows:
        some.append(row)
        letters += sum(_letters(value) for value in row)
        if len(some) == CHUNK or letters > LETTERS_AT_ONCE:
            yield some
            some, letters = [], 0
    if some:
        yield some


def _letters(value: Any) -> int:
    return len(value) if isinstance(value, str) else len(repr(value)) if isinstance(value, list | dict) else 0


def _require_this_version(migrations: Iterable[Sequence[str]]) -> None:
    if known_migrations() != {(room, name) for room, name in migrations if room in _rooms()}:
        raise UpgradeNeeded(
            "Another version of Backflush made this copy. Restore it with that version, then run `backflush upgrade`.",
            field="database",
        )


def _rooms() -> set[str]:
    return {room for room, _ in known_migrations()}


# Write into a database

Source = Callable[[CopiedTable], Iterable[Row]]


def is_portable(file: Path) -> bool:
    """Return whether a file is a portable backup."""
    try:
        with ZipFile(file) as archive:
            return CONTENTS in archive.namelist()
    except (BadZipFile, OSError):
        return False


def read(file: Path, using: str = DEFAULT_DB_ALIAS) -> dict[str, int]:
    """Restore a portable backup in one transaction, replacing all data."""
    with ZipFile(file) as archive:
        contents = json.loads(member_text(archive, CONTENTS))
        if contents.get("format") != FORMAT:
            raise InvalidValue(
                "This copy has a newer format. Restore it with a newer version of Backflush.", field="file"
            )
        _require_this_version(contents["migrations"])
        expected = {name: table["rows"] for name, table in contents["tables"].items()}
        counts = load(lambda table: as_rows(archive, f"{table.name}.jsonl"), using)
        _require_complete(expected, counts)
        return counts


def _require_complete(expected: dict[str, int], counts: dict[str, int]) -> None:
    differing = [name for name in sorted({*expected, *counts}) if expected.get(name) != counts.get(name)]
    if differing:
        raise InvalidValue(
            "The copy is damaged: these tables are not complete: {tables}. Use another copy.",
            tables=differing,
            field="file",
        )


def copy_from(source: str, using: str = DEFAULT_DB_ALIAS) -> dict[str, int]:
    """Copy a snapshot of another database of either kind into this one."""
    _require_this_version(MigrationRecorder(connections[source]).applied_migrations())
    with snapshot(source):
        return load(lambda table: rows_of(table, source), using)


def load(rows: Source, using: str = DEFAULT_DB_ALIAS) -> dict[str, int]:
    """Replace all data by these rows. Foreign keys are checked at the end, so the tables can come in any order."""
    connection = connections[using]
    with transaction.atomic(using):
        _empty(using)
        counts = {table.name: add_rows(table, rows(table), using) for table in tables()}
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), [table.model for table in tables()]):
                cursor.execute(statement)
    return counts


def _empty(using: str) -> None:
    connection = connections[using]
    names = [connection.ops.quote_name(table.name) for table in tables()]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(names)}")
            return
        for name in names:
            cursor.execute(f"DELETE FROM {name}")


def add_rows(table: CopiedTable, rows: Iterable[Row], using: str = DEFAULT_DB_ALIAS) -> int:
    """Add rows to a table with their primary keys, and return how many."""
    add = _copy_in if connections[using].vendor == "postgresql" else _insert
    return add(table, rows, using)


def _copy_in(table: CopiedTable, rows: Iterable[Row], using: str) -> int:
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    copying = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), names)
    makes = [POSTGRESQL.get(column.kind) for column in table.columns]
    count = 0
    with psycopg.Cursor(connections[using].connection) as cursor, cursor.copy(copying) as copy:
        for row in rows:
            copy.write_row(_made(makes, row))
            count += 1
    return count


def _insert(table: CopiedTable, rows: Iterable[Row], using: str) -> int:
    quote = connections[using].ops.quote_name
    names = ", ".join(quote(column.name) for column in table.columns)
    places = ", ".join(["%s"] * len(table.columns))
    makes = [SQLITE.get(column.kind) for column in table.columns]
    count = 0
    with connections[using].cursor() as cursor:
        for some in _chunks(rows):
            adding = f"INSERT INTO {quote(table.name)} ({names}) VALUES ({places})"
            cursor.executemany(adding, [_made(makes, row) for row in some])
            count += len(some)
    return count


def _made(makes: Sequence[Callable[[Any], Any] | None], row: Row) -> list[Any]:
    return [value if make is None or value is None else make(value) for make, value in zip(makes, row, strict=True)]


def _sqlite_moment(value: str) -> str:
    return str(datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None))


POSTGRESQL: Final[dict[str, Callable[[Any], Any]]] = {"JSONField": json.dumps, "BinaryField": b64decode}
SQLITE: Final[dict[str, Callable[[Any], Any]]] = {
    "DateTimeField": _sqlite_moment,
    "DateField": lambda value: date.fromisoformat(value).isoformat(),
    "JSONField": json.dumps,
    "BinaryField": b64decode,
}
