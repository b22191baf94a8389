"""Prepare a database for Citus: PostgreSQL on many servers, each with the stock of some sites.

Tables that every site reads become reference tables, copied to each server. Tables that grow with bookings are
distributed by site: their primary key becomes (id, site), and references to them become (site, id), so a row and
everything that belongs to it are on one server, and no constraint involves another. For Django the key is still the id,
from one sequence for all sites.

The names of constraints are read from the database; everything else follows from the models.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction

from backflush.core.refusals import InvalidValue
from backflush.operations.portable import tables
from backflush.operations.tables import stock_models

SITE: Final = "site_id"
TOGETHER: Final = "ledger_job"
"""The stock table with which the others are co-located: the rows of a site are on one server in all of them."""

_CONSTRAINTS: Final = """
    SELECT c.conname, c.contype::text, t.relname, r.relname, pg_get_constraintdef(c.oid),
           ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(n, o)
                 JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY o),
           ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k(n, o)
                 JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY o)
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid LEFT JOIN pg_class r ON r.oid = c.confrelid
    WHERE c.connamespace = current_schema()::regnamespace AND c.contype IN ('f', 'p') ORDER BY t.relname, c.conname
"""


@dataclass(frozen=True, slots=True)
class Constraint:
    """A key or foreign key as defined in the database."""

    name: str
    kind: str
    table: str
    target: str | None
    definition: str
    columns: tuple[str, ...]
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The placement of tables: `divided` by site, or `shared` by every server. Others stay on the coordinator."""

    divided: tuple[str, ...]
    shared: tuple[str, ...]


def layout() -> Layout:
    """Return the placement: growing tables are distributed; tables that they refer to, or that refer to these, are
    shared."""
    divided = tuple(model._meta.db_table for model in stock_models())
    linked = {name for one in constraints() if one.kind == "f" and one.target for name in (one.table, one.target)}
    shared = tuple(table.name for table in tables() if table.name in linked and table.name not in divided)
    return Layout(divided, shared)


def constraints() -> list[Constraint]:
    """Return the keys and foreign keys of this database."""
    with connection.cursor() as cursor:
        cursor.execute(_CONSTRAINTS)
        return [
            Constraint(name, kind, table, target, definition, tuple(columns), tuple(theirs))
            for name, kind, table, target, definition, columns, theirs in cursor.fetchall()
        ]


def preparation(*, keys_only: bool = False) -> list[str]:
    """Return the statements in order; with `keys_only`, those that plain PostgreSQL accepts too."""
    if connection.vendor != "postgresql":
        raise InvalidValue(
            "Citus needs PostgreSQL, and this is another database. Name one with --database.", field="database"
        )
    if is_prepared():
        return []
    place, found = layout(), constraints()
    concerned = {*place.divided, *place.shared}
    references = [one for one in found if one.kind == "f" and one.table in concerned]
    return [
        *(f'ALTER TABLE "{one.table}" DROP CONSTRAINT "{one.name}"' for one in references),
        *_swapped_keys(found, place),
        *(() if keys_only else _placed(place)),
        *(_reference(one, place) for one in references),
    ]


def is_prepared() -> bool:
    """Return whether the keys were swapped before."""
    return any(one.kind == "p" and one.table == TOGETHER and SITE in one.columns for one in constraints())


def _swapped_keys(found: Sequence[Constraint], place: Layout) -> Iterator[str]:
    for key in found:
        if key.kind == "p" and key.table in place.divided:
            # The id comes first, so that one index serves searches by id, and by id and site.
            columns = ", ".join(f'"{column}"' for column in (*key.columns, SITE))
            yield f'ALTER TABLE "{key.table}" DROP CONSTRAINT "{key.name}", ADD PRIMARY KEY ({columns})'


def _placed(place: Layout) -> Iterator[str]:
    yield "CREATE EXTENSION IF NOT EXISTS citus"
    for name in place.shared:
        yield f"SELECT create_reference_table('{name}')"
    for name in sorted(place.divided, key=lambda name: name != TOGETHER):
        beside = "" if name == TOGETHER else f", colocate_with => '{TOGETHER}'"
        yield f"SELECT create_distributed_table('{name}', '{SITE}'{beside})"


def _reference(one: Constraint, place: Layout) -> str:
    if one.target not in place.divided:
        return f'ALTER TABLE "{one.table}" ADD CONSTRAINT "{one.name}" {one.definition}'
    assert one.table in place.divided, "set-up refers to no stock"
    columns, theirs = (", ".join(f'"{name}"' for name in (SITE, *names)) for names in (one.columns, one.target_columns))
    return (
        f'ALTER TABLE "{one.table}" ADD CONSTRAINT "{one.name}" FOREIGN KEY ({columns}) '
        f'REFERENCES "{one.target}" ({theirs}) DEFERRABLE INITIALLY DEFERRED'
    )


def prepare(*, keys_only: bool = False) -> int:
    """Run the statements in one transaction, and return how many there were. No one may be working at the same time."""
    statements = preparation(keys_only=keys_only)
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    return len(statements)
