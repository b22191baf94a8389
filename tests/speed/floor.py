"""The floor: the same rows and balance changes by raw SQL through the plain driver, without decisions.

It uses the fastest way of each driver: on PostgreSQL arrays of whole columns in one statement per table, on SQLite
`executemany`. It commits once per posting, or once for all.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import psycopg

Row = tuple[Any, ...]

TABLES = {
    "ledger_key": "site_id key operation digest",
    "ledger_posting": "site_id process at recorded_at by_id key_id job_id reverses_id remarks",
    "ledger_movement": "site_id posting_id job_id at item_id quantity source_id source_bin target_id target_bin batch "
    "serial status due reason charged source_after target_after rule_id line_id cost_id resolves_id reverses_id "
    "origin_id remarks",
    "backflushing_booking": "site_id posting_id job_id item_id good scrap quantity scrap_reason structure_id assumed "
    "type_code_id rule_id",
    "unresolved_settlement": "site_id movement_id posting_id outcome moved dropped kept_id remarks undone_by_id",
}
COST = ["id", "item_id", "since"] + [
    f"{kind}_{element}" for kind in ("standard", "latest") for element in ("material", "labour", "outside", "overhead")
]
STOCK_KEY = ("site_id", "item_id", "location_id", "bin", "batch", "serial")


@dataclass(frozen=True)
class Written:
    """The rows written by some operations, by table, and the changes of balances, cost objects and orders.

    `settled` are the unresolved movements whose status changed.
    """

    tables: dict[str, tuple[list[str], list[Row]]]
    changes: list[Row]
    cost_objects: list[Row]
    orders: list[Row]
    settled: list[Row]

    @property
    def lines(self) -> int:
        """The number of movements."""
        return len(self.tables["ledger_movement"][1])

    def in_parts(self, postings: int) -> "Iterator[Written]":
        """Yield the rows in parts of some postings, each with its share of the changes."""
        of = {
            name: columns.index("posting_id") for name, (columns, _) in self.tables.items() if "posting_id" in columns
        }
        # With several concurrent writers, keys don't rise from posting to posting.
        ordered = {
            name: sorted(part, key=itemgetter(of[name])) if name in of else part
            for name, (_, part) in self.tables.items()
        }
        columns, rows = self.tables["ledger_posting"]
        key = columns.index("key_id")
        cost_object = {row[-1]: row for row in self.cost_objects}
        for begin in range(0, len(rows), postings):
            some = rows[begin : begin + postings]
            first, last = some[0][0], some[-1][0]
            keys = {row[key] for row in some}
            tables = {
                name: (
                    names,
                    list(_between(ordered[name], of[name], first, last))
                    if name in of
                    else some
                    if name == "ledger_posting"
                    else [row for row in part if row[0] in keys],
                )
                for name, (names, part) in self.tables.items()
            }
            names, movements = tables["ledger_movement"]
            touched = {row[names.index("job_id")] for row in movements} - {None}
            cost_objects = [cost_object[one] for one in sorted(touched)]
            yield Written(tables, _changes(names, movements), cost_objects, [], [])


def _between(rows: Sequence[Row], place: int, first: int, last: int) -> Sequence[Row]:
    """Return the rows of some postings; rows are in the order of their postings."""
    begin = bisect_left(rows, first, key=lambda row: row[place])
    return rows[begin : bisect_right(rows, last, key=lambda row: row[place])]


class Writings:
    """Compares a database before and after, and returns the rows written in between."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.marks = {table: self._one(f"SELECT coalesce(max(id), 0) FROM {table}") for table in TABLES}

    def _one(self, sql: str) -> int:
        return int(self.raw.execute(sql).fetchone()[0])

    def written(self) -> Written:
        """Return all rows written since."""
        tables = {}
        for table, named in TABLES.items():
            columns = ["id", *named.split()]
            names = ", ".join(f'"{column}"' for column in columns)
            beyond = f"SELECT {names} FROM {table} WHERE id > {self.marks[table]} ORDER BY id"
            tables[table] = (columns, [tuple(row) for row in self.raw.execute(beyond).fetchall()])
        columns, movements = tables["ledger_movement"]
        touched = sorted({row[columns.index("job_id")] for row in movements} - {None})
        cost_objects = self._some(
            "SELECT good, scrap, produced, structure_id, uneven, id FROM ledger_job WHERE id", touched
        )
        orders = self._some("SELECT status, id FROM works_worksorder WHERE job_id", touched)
        said, settlements = tables["unresolved_settlement"]
        settled = [(row[said.index("outcome")], row[said.index("movement_id")]) for row in settlements]
        self.raw.rollback()
        return Written(tables, _changes(columns, movements), cost_objects, orders, settled)

    def _some(self, what: str, keys: Sequence[int]) -> list[Row]:
        rows: list[Row] = []
        for begin in range(0, len(keys), 10_000):
            listed = ", ".join(map(str, keys[begin : begin + 10_000]))
            rows += [tuple(row) for row in self.raw.execute(f"{what} IN ({listed})").fetchall()]
        return rows


def _changes(columns: list[str], movements: Sequence[Row]) -> list[Row]:
    """Return the balance changes by some movements: amount and stock key, sorted by stock key."""
    at = {name: columns.index(name) for name in columns}
    sums: dict[Row, int] = {}
    for row in movements:
        for end, sign in (("source", -1), ("target", 1)):
            if row[at[f"{end}_after"]] is not None:
                stock_key = (
                    row[at["site_id"]], row[at["item_id"]], row[at[f"{end}_id"]],
                    row[at[f"{end}_bin"]], row[at["batch"]], row[at["serial"]],
                )  # fmt: skip
                sums[stock_key] = sums.get(stock_key, 0) + sign * row[at["quantity"]]
    return [(change, *stock_key) for stock_key, change in sorted(sums.items())]


class Floor:
    """Writes the same rows into another database."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.postgresql = isinstance(raw, psycopg.Connection)
        self.types = self._types() if self.postgresql else {}

    def _types(self) -> dict[tuple[str, str], str]:
        rows = self.raw.execute(
            "SELECT table_name, column_name, udt_name FROM information_schema.columns WHERE table_schema = 'public'"
        ).fetchall()
        self.raw.commit()
        return {(table, column): kind for table, column, kind in rows}

    def write(self, written: Written) -> None:
        """Write the rows in one durable transaction."""
        self.raw.execute("BEGIN") if self.postgresql else self.raw.execute("BEGIN IMMEDIATE")
        for table, (columns, rows) in written.tables.items():
            self._add(table, columns, rows)
        self._change(
            "ledger_balance", "quantity = quantity + change", ["change", *STOCK_KEY], written.changes, key=STOCK_KEY
        )
        names = ["good", "scrap", "produced", "structure_id", "uneven"]
        self._change(
            "ledger_job", ", ".join(f"{name} = new_{name}" for name in names), [*names, "id"], written.cost_objects
        )
        self._change("works_worksorder", "status = new_status", ["status", "id"], written.orders)
        self._change("ledger_movement", "status = new_status", ["status", "id"], written.settled)
        self.raw.execute("COMMIT")

    def catch_up(self, other: Any) -> None:
        """Copy balances (at zero) and unit costs that exist only in the other database."""
        for table, columns in (("ledger_balance", ["id", *STOCK_KEY]), ("items_itemcost", COST)):
            names = ", ".join(columns)
            here = {row[0] for row in self.raw.execute(f"SELECT id FROM {table}").fetchall()}
            rows = [tuple(row) for row in other.execute(f"SELECT {names} FROM {table}").fetchall()]
            empty = ["quantity"] if table == "ledger_balance" else []
            self._add(table, [*columns, *empty], [(*row, *(0 for _ in empty)) for row in rows if row[0] not in here])
        other.rollback()
        self.raw.commit()

    def _add(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        if not rows:
            return
        names = ", ".join(f'"{column}"' for column in columns)
        if self.postgresql:
            arrays = ", ".join(f"%b::{self.types[table, column]}[]" for column in columns)
            how = f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})"
            self.raw.execute(how, [list(column) for column in zip(*rows, strict=True)])
        else:
            self.raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})", rows)

    def _change(
        self, table: str, what: str, columns: Sequence[str], rows: Sequence[Row], *, key: Sequence[str] = ("id",)
    ) -> None:
        if not rows:
            return
        values = [column for column in columns if column not in key]
        if self.postgresql:
            arrays = ", ".join(f"%b::{self._type(table, column)}[]" for column in columns)
            names = ", ".join(f"new_{column}" for column in columns)
            what = what.replace("= quantity + change", "= t.quantity + new_change")
            same = " AND ".join(f"t.{column} = k.new_{column}" for column in key)
            how = f"UPDATE {table} t SET {what} FROM unnest({arrays}) AS k({names}) WHERE {same}"
            self.raw.execute(how, [list(column) for column in zip(*rows, strict=True)])
            return
        for value in values:
            what = what.replace(f"new_{value}", "?").replace("+ change", "+ ?")
        same = " AND ".join(f"{column} = ?" for column in key)
        self.raw.executemany(f"UPDATE {table} SET {what} WHERE {same}", rows)

    def _type(self, table: str, column: str) -> str:
        return self.types.get((table, column), "int8")
