"""Open an archive file as a database, so that every query on the ledger works on it.

The tables are created from the models in a temporary SQLite file, which replaces the database for the current thread.
Movements that aren't in the file are represented by their totals (`ArchivedStretch`), so that the running balances are
complete. The checks that verify the ledger can then verify the file.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Field

from backflush.archives.file_format import STOCK_KEYS, ArchiveFile
from backflush.archives.statements import ADD_TOTALS_AT_THE_END, ADD_TOTALS_BETWEEN
from backflush.core.refusals import UpgradeNeeded
from backflush.db.connections import another_database
from backflush.operations.db_statistics import look_over
from backflush.operations.portable import CopiedTable, Row, add_rows
from backflush.operations.tables import models_of_rooms


@contextmanager
def reading(file: ArchiveFile) -> Iterator[None]:
    """Let this thread see the file's contents instead of the database. Changes are discarded."""
    with tempfile.TemporaryDirectory(prefix="backflush-archive-") as folder:
        address = f"sqlite:///{quote(str(Path(folder) / 'archive.sqlite3'))}"
        with another_database(address) as alias, _in_the_place_of_the_database(alias):
            _make_tables()
            _fill(file)
            look_over()
            yield


@contextmanager
def _in_the_place_of_the_database(alias: str) -> Iterator[None]:
    before = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = connections[alias]
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = before


def _make_tables() -> None:
    with connection.cursor() as cursor:
        # The file is temporary, and rows that the archive leaves out are missing here too.
        cursor.execute("PRAGMA synchronous = OFF")
    with connection.schema_editor(atomic=False) as editor:
        for model in models_of_rooms():
            editor.create_model(model)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_keys = OFF")


def _fill(file: ArchiveFile) -> None:
    with transaction.atomic():
        for name in file.contents.tables:
            if name != STOCK_KEYS:
                table = table_named(name)
                add_rows(table, fitted(file, table))
        ADD_TOTALS_BETWEEN.execute_replanned()
        ADD_TOTALS_AT_THE_END.execute_replanned()


def table_named(name: str) -> CopiedTable:
    """Return the table with this name. Refused if this version has none."""
    for model in models_of_rooms():
        if model._meta.db_table == name:
            return CopiedTable(model)
    raise UpgradeNeeded(
        "The archive has a table {table} that this version of Backflush doesn't know. Use the version that made it.",
        table=name,
        field="file",
    )


def fitted(file: ArchiveFile, table: CopiedTable, *, whole: bool = False) -> Iterable[Row]:
    """Convert rows of the file to this version's columns, matched by name; new columns get their defaults.

    With `whole`, a column that no longer exists is refused.
    """
    there = file.contents.tables[table.name].columns
    wanted = [column.name for column in table.columns]
    if gone := [name for name in there if whole and name not in wanted]:
        raise UpgradeNeeded(
            "The table {table} has no columns {columns} in this version of Backflush. Read or restore the archive "
            "with the version that made it.",
            table=table.name,
            columns=gone,
            field="file",
        )
    if there == wanted:
        return file.rows(table.name)
    places = {name: place for place, name in enumerate(there)}
    fields: dict[str, Field[Any, Any]] = {str(one.column): one for one in table.model._meta.local_concrete_fields}
    return (
        [row[places[name]] if name in places else _default(fields[name]) for name in wanted]
        for row in file.rows(table.name)
    )


def _default(field: "Field[Any, Any]") -> Any:
    """Return the value for a column that is newer than the file. Dates of user accounts don't matter here."""
    if field.null:
        return None
    if field.get_internal_type() == "DateTimeField":
        return "1970-01-01T00:00:00+00:00"
    return field.get_db_prep_save(field.get_default(), connection)
