"""Reading rows of several models by a statement whose text is worked out once.

Django writes the SQL of a query anew each time it is run, which takes it longer than a database needs to answer: of
the 9 ms of one booking on SQLite, 6 went into writing the same four queries. What every booking reads is therefore
a named statement. Its columns and their conversions come from the models, so that it can't drift from them, and the
rows are the models' own objects; a row that comes twice is one object.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Model
from django.db.models.base import ModelState

Convert = Callable[[Any, Any, Any], Any]
"""A column's value, the column, the connection: as Django calls it."""

_LIST = re.compile(r"\{(among|each):(\w+):(\w+)\}")


@dataclass(frozen=True)
class SelectedModel:
    """The columns of one model in a statement; `of` "o.job" makes it the job of the part with the alias o.

    The fields in `without` are left out, as Django's `defer` leaves them out: it reads one when it is asked for.
    """

    alias: str
    model: type[Model]
    of: str = ""
    without: frozenset[str] = frozenset()

    @property
    def fields(self) -> list[Any]:
        """The fields that are read."""
        return [each for each in _meta(self).concrete_fields if each.name not in self.without]


@dataclass(frozen=True)
class _Read:
    """How one part stands in a row of the answer."""

    model: type[Model]
    names: list[str]
    begin: int
    end: int
    conversions: list[tuple[str, Convert, Any]]
    owner: int
    relation: Any

    def made_of(self, row: Sequence[Any], database: Any) -> Model:
        """An object as Django unpickles one: without the constructor, which would look at each field once more."""
        thing = self.model.__new__(self.model)
        facts = thing.__dict__
        facts["_state"] = state = ModelState()
        state.adding, state.db = False, database.alias
        facts.update(zip(self.names, row[self.begin : self.end], strict=True))
        for name, convert, column in self.conversions:
            facts[name] = convert(facts[name], column, database)
        return thing


@dataclass(frozen=True)
class Prepared:
    """A statement that reads the rows of some models together.

    `text` is everything from FROM on. `%(name)s` stands for one value, `{among:name:type}` for "is one of" with a
    list of values of a type of PostgreSQL, `{each:name:type}` for these values as a table of ids. `locks` is added
    where the database locks rows. The first column of each part is its key; where that is empty, as beside an outer
    join, the part is None.
    """

    name: str
    parts: tuple[SelectedModel, ...]
    text: str
    locks: str = ""
    _known: dict[str, tuple[str, list[_Read]]] = field(default_factory=dict, compare=False, repr=False)

    def rows(self, **values: Any) -> list[list[Any]]:
        """For each row of the answer an object, or None, for each part."""
        database = database_at_work()
        text, reads = self._known.get(database.vendor) or self._work_out()
        shared: list[tuple[_Read, dict[int, Model]]] = [(read, {}) for read in reads]
        return [_things(shared, row, database) for row in _answer(text, values, database)]

    def _work_out(self) -> tuple[str, list[_Read]]:
        columns: list[str] = []
        reads: list[_Read] = []
        places = {part.alias: place for place, part in enumerate(self.parts)}
        for part in self.parts:
            fields = part.fields
            begin, end = len(columns), len(columns) + len(fields)
            owner, _, relation = part.of.partition(".")
            reads.append(
                _Read(
                    model=part.model,
                    names=[each.attname for each in fields],
                    begin=begin,
                    end=end,
                    conversions=list(_conversions(fields, part)),
                    owner=places[owner] if owner else -1,
                    relation=_meta(self.parts[places[owner]]).get_field(relation) if owner else None,
                )
            )
            columns += [f'{part.alias}."{each.column}"' for each in fields]
        text = f"SELECT {', '.join(columns)} {self.text}"
        if self.locks and connection.features.has_select_for_update:
            text += f" {self.locks}"
        text = _in_words_of_the_driver(text)
        self._known[connection.vendor] = text, reads
        return text, reads


def _meta(part: SelectedModel) -> Any:
    return part.model._meta  # noqa: SLF001 - Django documents it under this name


def _things(shared: Sequence[tuple[_Read, dict[int, Model]]], row: Sequence[Any], database: Any) -> list[Any]:
    """The objects of one row, joined as the parts say; one that was made for an earlier row is taken again."""
    things: list[Any] = []
    for read, known in shared:
        key = row[read.begin]
        if key is None:
            thing = None
        elif (thing := known.get(key)) is None:
            thing = known[key] = read.made_of(row, database)
        if read.relation is not None and things[read.owner] is not None:
            read.relation.set_cached_value(things[read.owner], thing)
        things.append(thing)
    return things


def _conversions(fields: Sequence[Any], part: SelectedModel) -> Any:
    """What Django does with a column's value on this database, for the columns where it does anything."""
    for each in fields:
        column = each.get_col(part.alias)
        for convert in (*connection.ops.get_db_converters(column), *each.get_db_converters(connection)):
            yield each.attname, convert, column


def _list(found: re.Match[str]) -> str:
    how, name, kind = found.groups()
    if connection.vendor == "postgresql":
        values = f"%({name})s::{kind}[]"
        return f"= ANY({values})" if how == "among" else f"(SELECT unnest({values}) AS id)"
    values = f"json_each(%({name})s)"
    return f"IN (SELECT value FROM {values})" if how == "among" else f"(SELECT value AS id FROM {values})"  # noqa: S608 - our own text


def _in_words_of_the_driver(text: str) -> str:
    """A statement with the driver's own placeholders."""
    text = _LIST.sub(_list, text)
    return text if connection.vendor == "postgresql" else text.replace("%(", ":").replace(")s", "")


def _answer(text: str, values: dict[str, Any], database: Any) -> list[Any]:
    if database.vendor != "postgresql":
        values = {name: json.dumps(value) if isinstance(value, list) else value for name, value in values.items()}
    return execute(text, values, database)


def answer(text: str, **values: Any) -> list[Any]:
    """The rows of a statement written like a `Prepared` one, as they come: for thousands, where objects would cost."""
    return _answer(_in_words_of_the_driver(text), values, database_at_work())


def database_at_work() -> Any:
    """This thread's connection itself: Django's proxy looks for it at every touch, a twentieth of a booking."""
    return connections[DEFAULT_DB_ALIAS]


def execute(sql: str, values: Any, database: Any, *, by_row: bool = False) -> list[Any]:
    """Run a named statement by the plain driver, whose placeholders it has; `by_row` once for each of some rows.

    PostgreSQL binds it on the server and prepares what comes often. It goes through Django's execute wrappers, so
    that whoever counts statements counts these.
    """
    if database.connection is None:
        database.ensure_connection()
    run: Callable[..., list[Any]] = _on_postgresql if database.vendor == "postgresql" else _on_sqlite
    for wrapper in reversed(database.execute_wrappers):
        run = _wrapped(wrapper, run)
    with database.wrap_database_errors:
        return run(sql, values, by_row, {"connection": database, "cursor": None})


def _on_postgresql(sql: str, values: Any, many: bool, context: Any) -> list[Any]:
    with psycopg.Cursor(context["connection"].connection) as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def _on_sqlite(sql: str, values: Any, many: bool, context: Any) -> list[Any]:
    driver = context["connection"].connection
    if many:
        driver.executemany(sql, values)
        return []
    rows: list[Any] = driver.execute(sql, values).fetchall()
    return rows


def _wrapped(wrapper: Any, run: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    return lambda sql, values, many, context: wrapper(run, sql, values, many, context)
