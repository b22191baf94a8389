"""The SQL of the hot path, every statement by name, a version for each database.

Each is set-based: the same statement serves one row or ten thousand, so the number of statements never grows with
the number of lines. PostgreSQL takes whole columns as binary arrays through psycopg's own server-side cursor,
because Django's binds on the client and is three times slower; SQLite takes rows, or keys as JSON.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model

from backflush.core.moves import StockKey
from backflush.db.queries import database_at_work, execute

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One named statement: `types` are PostgreSQL's for its columns, in order."""

    name: str
    types: tuple[str, ...]
    postgresql: str
    sqlite: str
    by_row: bool = False
    """On SQLite: run once for each row, by one call."""
    sqlite_one: str = ""
    """On SQLite, for one row alone, which needn't go through JSON then: a third of the time, and the usual case."""

    def for_postgresql(self) -> str:
        """The text with an array for each column."""
        arrays = ", ".join(f"%b::{type}[]" for type in self.types)
        return self.postgresql.replace("{columns}", f"unnest({arrays}) WITH ORDINALITY")


def adding(table: str, columns: Mapping[str, str]) -> Statement:
    """The statement that adds rows to a table and answers with their numbers, which rise in the order of the rows."""
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(f"value ->> {place}" for place in range(len(columns)))
    one = ", ".join("?" * len(columns))
    return Statement(
        f"add to {table}",
        tuple(columns.values()),
        f"INSERT INTO {table} ({names}) SELECT {names} FROM {{columns}} AS k({names}, ord) ORDER BY ord RETURNING id",
        f"INSERT INTO {table} ({names}) SELECT {values} FROM json_each(?) ORDER BY key RETURNING id",
        sqlite_one=f"INSERT INTO {table} ({names}) VALUES ({one}) RETURNING id",
    )


STOCK_KEY_TYPES = ("bigint", "bigint", "bigint", "text", "text", "text")
_STOCK_KEY_COLUMNS = "site_id, item_id, location_id, bin, batch, serial"
_KEYS = "k(site_id, item_id, location_id, bin, batch, serial, ord)"
_SAME_STOCK_KEY = " AND ".join(f"b.{column} = k.{column}" for column in _STOCK_KEY_COLUMNS.split(", "))
_HELD = "SELECT b.item_id, b.location_id, b.bin, b.batch, b.serial, b.quantity FROM ledger_balance b"
_JSON_STOCK_KEY = ", ".join(
    f"value ->> {index} AS {column}" for index, column in enumerate(_STOCK_KEY_COLUMNS.split(", "))
)

OPEN_BALANCES = Statement(
    "open balances",
    STOCK_KEY_TYPES,
    # Missing balances are opened at zero, in key order and before any is locked: see docs/decisions/0003.
    f"INSERT INTO ledger_balance ({_STOCK_KEY_COLUMNS}, quantity) SELECT {_STOCK_KEY_COLUMNS}, 0 "
    f"FROM {{columns}} AS {_KEYS} WHERE NOT EXISTS (SELECT FROM ledger_balance b WHERE {_SAME_STOCK_KEY}) "
    "ORDER BY ord ON CONFLICT DO NOTHING",
    f"INSERT INTO ledger_balance ({_STOCK_KEY_COLUMNS}, quantity) VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
    by_row=True,
)

LOCK_BALANCES = Statement(
    "lock balances",
    STOCK_KEY_TYPES,
    # Where one is missing, none is locked: it must be opened before any lock is taken. See docs/decisions/0003.
    f"WITH {_KEYS} AS MATERIALIZED (SELECT * FROM {{columns}}) {_HELD} JOIN k ON {_SAME_STOCK_KEY} WHERE NOT EXISTS "
    f"(SELECT FROM k WHERE NOT EXISTS (SELECT FROM ledger_balance b WHERE {_SAME_STOCK_KEY})) "
    "ORDER BY k.ord FOR UPDATE OF b",
    f"{_HELD} JOIN (SELECT {_JSON_STOCK_KEY} FROM json_each(?)) k ON {_SAME_STOCK_KEY}",
)

READ_BALANCES = Statement(
    "read balances",
    STOCK_KEY_TYPES,
    f"{_HELD} JOIN {{columns}} AS {_KEYS} ON {_SAME_STOCK_KEY}",
    LOCK_BALANCES.sqlite,
)

CHANGE_BALANCES = Statement(
    "change balances",
    ("bigint", *STOCK_KEY_TYPES),
    "UPDATE ledger_balance b SET quantity = b.quantity + k.change "
    f"FROM {{columns}} AS {_KEYS.replace('k(', 'k(change, ')} WHERE {_SAME_STOCK_KEY}",
    "UPDATE ledger_balance SET quantity = quantity + ? WHERE "
    + " AND ".join(f"{column} = ?" for column in _STOCK_KEY_COLUMNS.split(", ")),
    by_row=True,
)

MOVEMENT_COLUMNS = {
    "site_id": "bigint",
    "posting_id": "bigint",
    "job_id": "bigint",
    "at": "timestamptz",
    "item_id": "bigint",
    "quantity": "bigint",
    "source_id": "bigint",
    "source_bin": "text",
    "target_id": "bigint",
    "target_bin": "text",
    "batch": "text",
    "serial": "text",
    "status": "text",
    "due": "bigint",
    "reason": "text",
    "charged": "smallint",
    "source_after": "bigint",
    "target_after": "bigint",
    "rule_id": "bigint",
    "line_id": "bigint",
    "cost_id": "bigint",
    "resolves_id": "bigint",
    "reverses_id": "bigint",
    "origin_id": "bigint",
    "remarks": "text",
}
_MOVEMENT_NAMES = ", ".join(f'"{name}"' for name in MOVEMENT_COLUMNS)

ADD_MOVEMENTS = Statement(
    "add movements",
    tuple(MOVEMENT_COLUMNS.values()),
    f"INSERT INTO ledger_movement ({_MOVEMENT_NAMES}) SELECT {_MOVEMENT_NAMES} "
    f"FROM {{columns}} AS k({_MOVEMENT_NAMES}, ord) ORDER BY ord",
    f"INSERT INTO ledger_movement ({_MOVEMENT_NAMES}) VALUES ({', '.join(['?'] * len(MOVEMENT_COLUMNS))})",
    by_row=True,
)

POSTING_COLUMNS = {
    "site_id": "bigint",
    "process": "text",
    "at": "timestamptz",
    "recorded_at": "timestamptz",
    "by_id": "bigint",
    "key_id": "bigint",
    "job_id": "bigint",
    "reverses_id": "bigint",
    "remarks": "text",
}
_POSTING_NAMES = ", ".join(POSTING_COLUMNS)
_POSTING_VALUES = ", ".join(f"value ->> {place}" for place in range(len(POSTING_COLUMNS)))

ADD_POSTINGS = Statement(
    "add postings",
    (*POSTING_COLUMNS.values(), "date"),
    # Each row ends with the site's day of its event, and one on a closed day is left out: answers with the numbers of
    # those that were added. Whoever closes days holds the site's row alone, so a booking that looked before waits here
    # for the closing, sees it, and is left out; and the closing waits for every booking that came further than this.
    f"INSERT INTO ledger_posting ({_POSTING_NAMES}) SELECT {_POSTING_NAMES} "
    f"FROM {{columns}} AS k({_POSTING_NAMES}, day, ord) JOIN stockmap_site s ON s.id = k.site_id "
    "AND (s.closed_through IS NULL OR s.closed_through < k.day) ORDER BY ord FOR KEY SHARE OF s RETURNING id",
    f"INSERT INTO ledger_posting ({_POSTING_NAMES}) SELECT {_POSTING_VALUES} FROM json_each(?) "
    "WHERE NOT EXISTS (SELECT 1 FROM stockmap_site s WHERE s.id = value ->> 0 "
    f"AND s.closed_through >= value ->> {len(POSTING_COLUMNS)}) ORDER BY key RETURNING id",
    sqlite_one=f"INSERT INTO ledger_posting ({_POSTING_NAMES}) "
    f"SELECT {', '.join(f'?{place + 1}' for place in range(len(POSTING_COLUMNS)))} "
    "WHERE NOT EXISTS (SELECT 1 FROM stockmap_site s WHERE s.id = ?1 "
    f"AND s.closed_through >= ?{len(POSTING_COLUMNS) + 1}) RETURNING id",
)

OPEN_COST_OBJECTS = adding(
    "ledger_job",
    {
        "site_id": "bigint",
        "kind": "text",
        "number": "text",
        "item_id": "bigint",
        "good": "bigint",
        "scrap": "bigint",
        "produced": "bigint",
        "uneven": "boolean",
    },
)

# What is changed by its number is found by that: a plus sign keeps its site out of the choice of an index. With
# statistics from when little was there, both databases went through everything of the site for each number.

SET_STATUS = Statement(
    "set status",
    ("bigint", "bigint", "text", "text"),
    "UPDATE ledger_movement m SET status = k.after FROM {columns} AS k(id, site_id, before, after, ord) "
    "WHERE m.id = k.id AND +m.site_id = k.site_id AND m.status = k.before RETURNING m.id",
    "UPDATE ledger_movement SET status = k.after "
    "FROM (SELECT value ->> 0 AS id, value ->> 1 AS site_id, value ->> 2 AS before, value ->> 3 AS after "
    "FROM json_each(?)) k WHERE ledger_movement.id = k.id AND +ledger_movement.site_id = k.site_id "
    "AND +status = k.before RETURNING ledger_movement.id",
)

CLAIM_KEYS = Statement(
    "claim keys",
    ("bigint", "text", "text", "text"),
    "INSERT INTO ledger_key (site_id, key, operation, digest) SELECT site_id, key, operation, digest "
    "FROM {columns} AS k(site_id, key, operation, digest, ord) ORDER BY ord ON CONFLICT DO NOTHING RETURNING key, id",
    "INSERT INTO ledger_key (site_id, key, operation, digest) "
    "SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true "
    "ON CONFLICT DO NOTHING RETURNING key, id",
    sqlite_one="INSERT INTO ledger_key (site_id, key, operation, digest) VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO NOTHING RETURNING key, id",
)

ADVANCE_COST_OBJECTS = Statement(
    "advance jobs",
    ("bigint", "bigint", "bigint", "bigint", "boolean", "bigint", "bigint"),
    "UPDATE ledger_job j SET good = k.good, scrap = k.scrap, produced = k.produced, structure_id = k.structure_id, "
    "uneven = k.uneven FROM {columns} AS k(good, scrap, produced, structure_id, uneven, id, site_id, ord) "
    "WHERE j.id = k.id AND +j.site_id = k.site_id",
    "UPDATE ledger_job SET good = ?, scrap = ?, produced = ?, structure_id = ?, uneven = ? "
    "WHERE id = ? AND site_id = ?",
    by_row=True,
)


def run(statement: Statement, rows: Sequence[Row]) -> list[Row]:
    """Run a named statement for some rows; answers with what it returns, if anything."""
    if not rows:
        return []
    database = database_at_work()
    if database.vendor == "postgresql":
        return execute(statement.for_postgresql(), [*map(list, zip(*rows, strict=True))], database)
    if statement.by_row:
        return execute(statement.sqlite, rows, database, by_row=True)
    if statement.sqlite_one and len(rows) == 1:
        return execute(statement.sqlite_one, rows[0], database)
    return execute(statement.sqlite, [json.dumps(rows)], database)


def add(statement: Statement, objects: Sequence[Model], rows: Sequence[Row]) -> bool:
    """Add the rows of some objects, and tell these that they are in the database now, and under which numbers.

    Answers with whether all of them are: where the statement left one out, the objects are told nothing.
    """
    numbers = sorted(number for (number,) in run(statement, rows))
    if len(numbers) < len(objects):
        return False
    for thing, number in zip(objects, numbers, strict=True):
        thing.pk = number
        thing._state.adding, thing._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001 - how Django marks it too
    return True


def driver_time(at: datetime) -> object:
    """A moment as the plain driver of the database takes it."""
    database = database_at_work()
    return at if database.vendor == "postgresql" else database.ops.adapt_datetimefield_value(at)


def driver_date(on: date | None) -> object:
    """A day as the plain driver of the database takes it."""
    database = database_at_work()
    return on if on is None or database.vendor == "postgresql" else database.ops.adapt_datefield_value(on)


def stock_key_row(site: int, stock_key: StockKey) -> Row:
    """A pot as the columns that the statements on balances take."""
    return (site, *stock_key)


def _stock(only: str = "") -> str:
    # As a bigint, which the index can be asked with: PostgreSQL adds them up to a numeric.
    return (
        "(SELECT item_id, location_id, CAST(SUM(quantity) AS bigint) AS there FROM ledger_balance WHERE site_id = %s "
        f"{only}GROUP BY item_id, location_id HAVING SUM(quantity) > 0) t"
    )


_STOCK = _stock()
_BROUGHT = (
    "AND (item_id, location_id) IN (SELECT item_id, target_id FROM ledger_movement "
    "WHERE site_id = %s AND posting_id = %s AND status = 'ok') "
)
_WAITING = "m.site_id = %s AND m.status = 'unresolved' AND m.source_id = t.location_id AND m.item_id = t.item_id"

# Both begin with the stock, and look once for each pot into the index of what waits: the other way round they would
# read everything that waits. SQLite keeps to the order of a cross join, PostgreSQL to that of a lateral one.
_FITTING = {
    "sqlite": f"SELECT m.id FROM {_STOCK} CROSS JOIN ledger_movement m ON {_WAITING} AND m.reason = 'short' "
    "AND m.due <= t.there LIMIT %s",
    "postgresql": f"SELECT f.id FROM {_STOCK} CROSS JOIN LATERAL (SELECT m.id FROM ledger_movement m WHERE {_WAITING} "
    "AND m.reason = 'short' AND m.due <= t.there LIMIT %s) f LIMIT %s",
}
_WITH_STOCK = {
    "sqlite": f"SELECT t.item_id, t.location_id FROM {_STOCK} "
    f"WHERE EXISTS (SELECT 1 FROM ledger_movement m WHERE {_WAITING})",
    "postgresql": f"SELECT t.item_id, t.location_id FROM {_STOCK} CROSS JOIN LATERAL "
    f"(SELECT 1 FROM ledger_movement m WHERE {_WAITING} LIMIT 1) f",
}


# What waits under actions of one retry rule, oldest first. Of an action that posts in part any stock will do.
_UNDER_A_RULE = (
    "SELECT m.item_id, m.source_id, m.id FROM {stock} CROSS JOIN ledger_movement m "
    "JOIN stockmap_transferrule r ON r.id = m.rule_id JOIN stockmap_action a ON a.id = r.action_id "
    f"WHERE {_WAITING} AND m.reason = 'short' AND a.retry = %s AND {{enough}} "
    "ORDER BY m.at, COALESCE(m.origin_id, m.id), m.id LIMIT %s"
)


def fitting_movements(site: int, most: int) -> list[int]:
    """Which unresolved movements wait for stock that is there now, each by itself; so many at most."""
    limits = [most] if connection.vendor == "sqlite" else [most, most]
    with connection.cursor() as cursor:
        cursor.execute(_FITTING[connection.vendor], [site, site, *limits])
        return [number for (number,) in cursor.fetchall()]


def waiting_with_stock(site: int) -> list[tuple[int, int]]:
    """The items and places of which something is there while something waits for it."""
    with connection.cursor() as cursor:
        cursor.execute(_WITH_STOCK[connection.vendor], [site, site])
        return [(item, place) for item, place in cursor.fetchall()]


def waiting_under_rule(
    site: int, rule: str, *, in_part: bool, most: int, brought_by: int | None = None
) -> list[tuple[int, int, int]]:
    """Item, place and number of what waits for stock that is there now, under actions of one retry rule (U7).

    `brought_by` names a posting: then only what waits where that brought something. `in_part` asks for those too whose
    action posts in part: it reads all that waits for an item that is there.
    """
    enough = "(m.due <= t.there OR a.short = 'part')" if in_part else "m.due <= t.there"
    stock, brought = (_STOCK, []) if brought_by is None else (_stock(_BROUGHT), [site, brought_by])
    with connection.cursor() as cursor:
        cursor.execute(_UNDER_A_RULE.format(stock=stock, enough=enough), [site, *brought, site, rule, most])
        return [(item, place, number) for item, place, number in cursor.fetchall()]
