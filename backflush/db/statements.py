"""Run the statements of `.sql` files (`db/sql_files.py`), for values by name or for many rows as columns by name.

    SQL = Statements("backflush.ledger")
    SQL["orders"].fetch(site_id=1, numbers=["W-1", "W-2"])
    SQL["add_movements"].execute_many({"item_id": [7, 8], "quantity": [2_000_000, 500_000], ...}, site_id=1)

PostgreSQL takes a row's columns as arrays, binds them on the server, and prepares what comes often; Django's own
cursor binds on the client, which takes three times as long for thousands of rows. SQLite runs the statement for each
row: that is as quick as one statement that unpacks the rows from JSON, and three times as quick for one row. Either
way it is one call, and is counted as one statement.

What is run by `fetch` and `execute_many` is planned once, whatever the values are (`plan_cache_mode` in
`config/env.py`): right for what goes by keys. `fetch_replanned` and `execute_replanned` go through Django's cursor, and
PostgreSQL plans them for the values at hand: right where it depends on these how much is read.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from itertools import repeat
from operator import attrgetter
from typing import Any, Final

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import CharField, Field, ForeignKey, JSONField, Model, TextField

from backflush.core.quantity import to_scaled
from backflush.db.fields import QuantityField
from backflush.db.sql_files import SqlText, texts_of

Row = tuple[Any, ...]
Columns = Mapping[str, Sequence[Any]]
"""Rows as columns: for each column's name one value a row."""

CHUNK: Final = 1_000
"""How many rows are read at a time where they are yielded one by one."""
_MOMENTS: Final = {"timestamptz": "adapt_datetimefield_value", "date": "adapt_datefield_value"}
"""What SQLite keeps as text: by the type in PostgreSQL, Django's way of writing it."""


class Statement:
    """One named statement, in the words of each database."""

    def __init__(self, room: str, texts: Mapping[str, SqlText]) -> None:
        postgresql, sqlite = texts["postgresql"], texts["sqlite"]
        self.name = f"{room}.{postgresql.name}"
        self.texts = texts
        self.parameters = postgresql.parameters
        self.columns = tuple(postgresql.arrays)
        self._postgresql = postgresql.for_psycopg(binary=True)
        self._replanned = {
            "postgresql": postgresql.for_psycopg(binary=False),
            "sqlite": sqlite.for_psycopg(binary=False),
        }
        self._sqlite, self._sqlite_parameters = sqlite.for_sqlite(), sqlite.parameters
        self._json_columns = sqlite.json_columns
        self._moments = {name: _MOMENTS[kind] for name, kind in postgresql.arrays.items() if kind in _MOMENTS}

    def __repr__(self) -> str:
        return f"<Statement {self.name}>"

    def fetch(self, **values: Any) -> list[Row]:
        """Return the rows for some values; lists go as arrays."""
        database = connection_in_use()
        if database.vendor == "postgresql":
            return _run(_on_postgresql, self._postgresql, values, database)
        given = [_for_sqlite(values[name], database) for name in self._sqlite_parameters]
        return _run(_on_sqlite, self._sqlite, given, database)

    def execute_many(self, columns: Columns, **values: Any) -> list[Row]:
        """Run it for many rows, in their order; `values` are the same for all rows. Return the rows it returns."""
        first = next(iter(columns.values()))
        if not first:
            return []
        database = connection_in_use()
        if database.vendor == "postgresql":
            return _run(_on_postgresql, self._postgresql, {**columns, **values}, database)
        columns = {**columns, **{name: self._as_text(name, columns[name], database) for name in self._moments}}
        if self._json_columns:
            rows = [*zip(*(columns[name] for name in self._json_columns), strict=True)]
            given = [json.dumps(rows) if name == "rows" else values[name] for name in self._sqlite_parameters]
            return _run(_on_sqlite, self._sqlite, given, database)
        in_order = (columns[name] if name in columns else repeat(values[name]) for name in self._sqlite_parameters)
        return _run(_on_sqlite_by_row, self._sqlite, [*zip(*in_order, strict=False)], database)

    def fetch_replanned(self, **values: Any) -> list[Row]:
        """Return the rows for some values, for which PostgreSQL plans the statement."""
        database = connection_in_use()
        with database.cursor() as cursor:
            cursor.execute(self._replanned[database.vendor], self._for_cursor(values, database))
            rows: list[Row] = cursor.fetchall()
            return rows

    def iterate_replanned(self, **values: Any) -> Iterator[Row]:
        """Yield the rows for some values, where there may be too many for a list."""
        database = connection_in_use()
        with database.cursor() as cursor:
            cursor.execute(self._replanned[database.vendor], self._for_cursor(values, database))
            while rows := cursor.fetchmany(CHUNK):
                yield from rows

    def execute_replanned(self, **values: Any) -> int:
        """Run it for some values, for which PostgreSQL plans it. Return the number of rows that it wrote."""
        database = connection_in_use()
        with database.cursor() as cursor:
            cursor.execute(self._replanned[database.vendor], self._for_cursor(values, database))
            return int(cursor.rowcount)

    def _for_cursor(self, values: Mapping[str, Any], database: Any) -> Mapping[str, Any]:
        if database.vendor == "postgresql":
            return values
        return {name: _for_sqlite(value, database) for name, value in values.items()}

    def _as_text(self, name: str, column: Sequence[Any], database: Any) -> list[Any]:
        """Write the moments or days of a column for SQLite, each only once."""
        adapt: Callable[[Any], Any] = getattr(database.ops, self._moments[name])
        known = {value: adapt(value) for value in set(column)}
        return [known[value] for value in column]


class Statements(dict[str, Statement]):
    """The statements of a room's `sql/` folder, by name."""

    def __init__(self, package: str) -> None:
        super().__init__(
            (name, Statement(package.removeprefix("backflush."), texts)) for name, texts in texts_of(package).items()
        )


def insert(statement: Statement, objects: Sequence[Model], **columns: Sequence[Any]) -> bool:
    """Insert some model instances and give them their primary keys, which rise in the order of the objects.

    `columns` are those that the statement takes beside the model's own. Where the statement leaves a row out, the
    objects stay as they are, and the answer is False.
    """
    ids = sorted(number for (number,) in statement.execute_many(columns_of(statement, objects) | columns))
    if len(ids) < len(objects):
        return False
    for thing, number in zip(objects, ids, strict=True):
        thing.pk = number
        thing._state.adding, thing._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001 - as Django marks a saved object
    return True


def columns_of(statement: Statement, things: Sequence[Any], model: type[Model] | None = None) -> dict[str, list[Any]]:
    """Return the columns that a statement takes, by name and as the database keeps them.

    `things` are instances of a model, or named tuples or dataclasses whose attributes are named like those of `model`.
    """
    if not things:
        return {name: [] for name in statement.columns}
    kind: type[Model] = model or type(things[0])
    return {name: read(things) for name, read in _readers(statement, kind).items()}


@cache
def _readers(statement: Statement, model: type[Model]) -> dict[str, Callable[[Iterable[Any]], list[Any]]]:
    """Return how each of a statement's columns is read of the instances of a model."""
    fields = {field.column: field for field in model._meta.concrete_fields}  # noqa: SLF001 - Django documents it
    return {name: _reader(fields[name]) for name in statement.columns if name in fields}


def _reader(field: "Field[Any, Any]") -> Callable[[Iterable[Any]], list[Any]]:
    get, convert = attrgetter(field.attname), _conversion(field)
    if convert is None:
        return lambda objects: [*map(get, objects)]
    return lambda objects: [*map(convert, map(get, objects))]


def _conversion(field: "Field[Any, Any]") -> Callable[[Any], Any] | None:
    """Return what makes the column's value of an attribute's; None where it is the same."""
    if isinstance(field, CharField | TextField):
        return str  # psycopg would write an enum's name, not its value
    if isinstance(field, QuantityField):
        return to_scaled
    if isinstance(field, JSONField):
        return lambda value: None if value is None else json.dumps(value, ensure_ascii=False)
    own = type(field).get_prep_value.__module__.startswith("backflush.")
    return field.get_prep_value if own and not isinstance(field, ForeignKey) else None


def connection_in_use() -> Any:
    """Return this thread's connection itself: Django's proxy looks for it at each touch, a twentieth of a booking."""
    return connections[DEFAULT_DB_ALIAS]


def _for_sqlite(value: Any, database: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value)
    if isinstance(value, datetime):
        return database.ops.adapt_datetimefield_value(value)
    return database.ops.adapt_datefield_value(value) if isinstance(value, date) else value


def _run(run: Callable[..., list[Row]], sql: str, values: Any, database: Any) -> list[Row]:
    """Run a statement by the plain driver, through Django's execute wrappers, so that those who count statements do."""
    if database.connection is None:
        database.ensure_connection()
    for wrapper in reversed(database.execute_wrappers):
        run = _wrapped(wrapper, run)
    with database.wrap_database_errors:
        return run(sql, values, False, {"connection": database, "cursor": None})  # noqa: FBT003 - as Django calls it


def _wrapped(wrapper: Any, run: Callable[..., list[Row]]) -> Callable[..., list[Row]]:
    return lambda sql, values, many, context: wrapper(run, sql, values, many, context)


def _on_postgresql(sql: str, values: Any, _many: bool, context: Any) -> list[Row]:
    with psycopg.Cursor(context["connection"].connection) as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def _on_sqlite(sql: str, values: Any, _many: bool, context: Any) -> list[Row]:
    rows: list[Row] = context["connection"].connection.execute(sql, values).fetchall()
    return rows


def _on_sqlite_by_row(sql: str, rows: Sequence[Row], _many: bool, context: Any) -> list[Row]:
    driver = context["connection"].connection
    if " RETURNING " not in sql:
        driver.executemany(sql, rows)
        return []
    return [returned for row in rows for returned in driver.execute(sql, row).fetchall()]


def moment_read(moment: datetime) -> datetime:
    """Return a moment that a plain driver has read: SQLite's leaves out the time zone, which is UTC."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def driver_time(at: datetime) -> object:
    """Return a moment as the plain driver of the database takes it."""
    database = connection_in_use()
    return at if database.vendor == "postgresql" else database.ops.adapt_datetimefield_value(at)
