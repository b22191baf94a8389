"""Read model instances by a statement of an `.sql` file, past Django's query compiler.

**Why.** Django writes the SQL of a query anew each time it is run. For the four queries that every booking makes, this
took 6 of its 9 ms on SQLite; and PostgreSQL planned each of them anew (docs/decisions/0008).

**How.** The statement names its columns, table by table. A `FastRead` says which model each table alias stands for, and
to which field of which other alias its instances belong:

    FastRead(SQL["orders"], [Part("o", WorksOrder), Part("cost_object", CostObject, of="o.cost_object")], instead=...)

`rows(site_id=1, numbers=["W-1"])` returns for each row of the answer one instance for each part. Where an outer join
found nothing, the part is None. A row that comes twice is one instance. Values are converted as Django converts them,
by the fields of the models.

**What it costs.** Instances are made without their constructor, as Django unpickles them, and some of what that needs
isn't documented by Django: `Model.__new__`, `ModelState`, `Field.set_cached_value`, `Field.get_col` and the converters
of fields and database. `tests/rooms/test_fast_reads.py` holds each of these, so a release of Django that changes one
fails there with a sentence. Use a `FastRead` for what each booking reads; pages and reports use querysets.

**The way back.** With FAST_READS=off in the environment each `FastRead` calls its `instead`, which reads the same by
querysets. A booking then takes about twice as long on SQLite, and everything else stays the same.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.base import ModelState

from backflush.db.fields import from_column
from backflush.db.statements import Statement, connection_in_use

Convert = Callable[[Any, Any, Any], Any]
"""A field's or database's converter: takes a column's value, the column, and the connection."""
Instances = list[Any]
"""One row of an answer: an instance, or None, for each part."""

READS: "list[FastRead]" = []
"""Every `FastRead` there is, for the check at start and the tests."""


@dataclass(frozen=True)
class Part:
    """A table alias in a statement, and the model whose instances its columns become.

    `of` "o.cost_object" makes it the cost object of the part o. The fields in `without` aren't read: as after Django's
    `defer`, the first use of one reads it.
    """

    alias: str
    model: type[Model]
    of: str = ""
    without: frozenset[str] = frozenset()

    @property
    def fields(self) -> list[Any]:
        """The fields that are read, in the order of their columns in the statement."""
        return [one for one in _meta(self.model).concrete_fields if one.name not in self.without]


@dataclass(frozen=True)
class _Reader:
    """How the instances of one part are made of the rows of the answer."""

    model: type[Model]
    names: list[str]
    begin: int
    end: int
    own_conversions: list[tuple[str, Callable[[Any], Any]]]
    conversions: list[tuple[str, Convert, Any]]
    owner: int
    relation: Any

    def instance(self, row: Sequence[Any], database: Any) -> Model:
        """Make an instance as Django unpickles one: the constructor would look at each field once more."""
        made = self.model.__new__(self.model)
        attributes = made.__dict__
        attributes["_state"] = state = ModelState()
        state.adding, state.db = False, database.alias
        attributes.update(zip(self.names, row[self.begin : self.end], strict=True))
        for name, read in self.own_conversions:
            if attributes[name] is not None:
                attributes[name] = read(attributes[name])
        for name, convert, column in self.conversions:
            attributes[name] = convert(attributes[name], column, database)
        return made


@dataclass(frozen=True, eq=False)
class FastRead:
    """A statement that reads instances of some models; `instead` reads the same by querysets."""

    statement: Statement
    parts: Sequence[Part]
    instead: Callable[..., list[Instances]]
    _readers: dict[str, list[_Reader]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        READS.append(self)

    def rows(self, **values: Any) -> list[Instances]:
        """Return for each row of the answer an instance, or None, for each part."""
        if not settings.FAST_READS:
            return self.instead(**values)
        database = connection_in_use()
        readers = self._readers.get(database.vendor) or self._compile(database.vendor)
        shared: list[tuple[_Reader, dict[int, Model]]] = [(reader, {}) for reader in readers]
        return [_instances(shared, row, database) for row in self.statement.fetch(**values)]

    def faults(self) -> list[str]:
        """Say where the columns of the statement aren't those of the models, in their order."""
        wanted = [(part.alias, str(one.column)) for part in self.parts for one in part.fields]
        return [
            f"It selects other columns than the models have; write {', '.join(f'{a}.{c}' for a, c in wanted)}"
            for sql in self.statement.texts.values()
            if sql.results != wanted
        ]

    def _compile(self, vendor: str) -> list[_Reader]:
        columns = [alias for alias, _ in self.statement.texts[vendor].results]
        counts = {alias: len([*some]) for alias, some in groupby(columns)}
        places = {part.alias: place for place, part in enumerate(self.parts)}
        readers: list[_Reader] = []
        end = 0
        for part in self.parts:
            begin, end = end, end + counts[part.alias]
            owner, _, relation = part.of.partition(".")
            readers.append(
                _Reader(
                    model=part.model,
                    names=[one.attname for one in part.fields],
                    begin=begin,
                    end=end,
                    own_conversions=[(one.attname, read) for one in part.fields if (read := from_column(one))],
                    conversions=[*_conversions(part)],
                    owner=places[owner] if owner else -1,
                    relation=_meta(self.parts[places[owner]].model).get_field(relation) if owner else None,
                )
            )
        self._readers[vendor] = readers
        return readers


def _instances(shared: Sequence[tuple[_Reader, dict[int, Model]]], row: Sequence[Any], database: Any) -> Instances:
    """Make the instances of one row and join them; an instance that an earlier row made is used again."""
    instances: Instances = []
    for reader, known in shared:
        key = row[reader.begin]
        if key is None:
            made = None
        elif (made := known.get(key)) is None:
            made = known[key] = reader.instance(row, database)
        if reader.relation is not None and instances[reader.owner] is not None:
            reader.relation.set_cached_value(instances[reader.owner], made)
        instances.append(made)
    return instances


def _conversions(part: Part) -> Iterable[tuple[str, Convert, Any]]:
    """Yield what Django does with a column's value on this database, for the columns where it does anything.

    Our own fields say themselves how a value is read (`from_column`), which saves two calls for each value.
    """
    for one in part.fields:
        column = one.get_col(part.alias)
        if from_column(one) is None:
            for convert in (*connection.ops.get_db_converters(column), *one.get_db_converters(connection)):
                yield one.attname, convert, column


def rows_of(found: "QuerySet[Any]", *relations: str) -> list[Instances]:
    """Return each instance that a queryset finds with those that it refers to: the rows of a `FastRead`'s `instead`."""
    return [[one, *(reduce(_follow, path.split("."), one) for path in relations)] for one in found]


def _follow(one: Model | None, relation: str) -> Any:
    return None if one is None else getattr(one, relation)


def _meta(model: type[Model]) -> Any:
    return model._meta  # noqa: SLF001 - Django documents it under this name
