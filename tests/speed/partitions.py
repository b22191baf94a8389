"""(p) Compare one table with monthly partitions: would the ledger be faster?

PostgreSQL only. Both tables have the columns, checks and indexes of the real one. With partitions every unique
constraint must include the event time: the key becomes (id, at), and "reversed once" holds only within a month.
docs/decisions/0010 has the result.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tests.speed.copies import Places
from tests.speed.figures import Figure, Watch

ROWS: Final = 10_000_000 if os.environ.get("LONG") else 1_000_000
MONTHS, ITEMS, LINES, AT_ONCE = 24, 200, 11, 50_000
BOOKINGS, ASKED = 200, 30
WHOLE, PARTS = "one_table", "by_month"
FIRST: Final = "timestamptz '2025-01-01 00:00+00'"

ROW: Final = f"""
INSERT INTO {{table}} (id, site_id, posting_id, job_id, at, item_id, quantity, source_id, source_bin, target_id,
    target_bin, batch, serial, status, due, reason, charged, source_after, target_after, rule_id, line_id, cost_id,
    remarks)
SELECT n, 1, n / {LINES}, n / {LINES * 7}, {FIRST} + n * (interval '{MONTHS * 30} days' / {ROWS}),
    n * 7919 % {ITEMS} + 1, CASE WHEN waits THEN 0 ELSE 5000000 END, 1, '', 2, '', '', '',
    CASE WHEN waits THEN 'unresolved' ELSE 'ok' END, CASE WHEN waits THEN 5000000 END,
    CASE WHEN waits THEN 'short' ELSE '' END, 1, 1000000, NULL, 1, n % 1000, n * 7919 % {ITEMS} + 1, ''
FROM (SELECT n, n % 97 = 0 AS waits FROM generate_series({{first}}::bigint, {{last}}::bigint) n) rows
"""

QUESTIONS: Final[dict[str, str]] = {
    "one movement by its number": "SELECT * FROM {table} WHERE id = {id}",
    "eleven movements by their numbers": "SELECT * FROM {table} WHERE id BETWEEN {id} AND {id} + 10",
    "what one posting moved": "SELECT * FROM {table} WHERE posting_id = {id} / 11",
    "what one order had": "SELECT item_id, sum(quantity * charged) FROM {table} WHERE job_id = {id} / 77 GROUP BY 1",
    "the queue's first page": (
        "SELECT * FROM {table} WHERE site_id = 1 AND status = 'unresolved' "
        "ORDER BY at, COALESCE(origin_id, id), id LIMIT 51"
    ),
    "transactions, the newest page": "SELECT * FROM {table} WHERE site_id = 1 ORDER BY at DESC, id DESC LIMIT 51",
    "transactions, a page far back": (
        "SELECT * FROM {table} WHERE site_id = 1 AND at <= {at} ORDER BY at DESC, id DESC LIMIT 51"
    ),
    "a bin card's newest page": (
        "SELECT * FROM {table} WHERE site_id = 1 AND item_id = 7 AND status = 'ok' "
        "AND (source_id = 1 OR target_id = 1) ORDER BY at DESC, id DESC LIMIT 51"
    ),
    "consumption of the last week by day": (
        "SELECT date_trunc('day', at), sum(quantity) FROM {table} WHERE site_id = 1 AND at >= {week_ago} GROUP BY 1"
    ),
}


@dataclass
class Pair:
    """The times of one query on the single table and on the partitions, in turn."""

    one: Watch = field(default_factory=Watch)
    parts: Watch = field(default_factory=Watch)

    def turn(self, ask: Callable[[str], Any], times: int) -> "Pair":
        """Run both a number of times, in turn."""
        for _ in range(times):
            for table, watch in ((WHOLE, self.one), (PARTS, self.parts)):
                with watch.timed():
                    ask(table)
        return self


def partitions(places: Places) -> list[Figure]:
    """Create both, run the same queries on both, and delete a month from both."""
    if places.engine != "postgresql":
        print("(p) is left out: SQLite has no partitions.")
        return []
    places.create("p")
    raw = places.connect("p")
    raw.autocommit = True
    _lay_out(raw)
    return list(_figures(raw))


def _figures(raw: Any) -> Iterator[Figure]:
    yield _figure(f"{ROWS:,} rows in, {AT_ONCE:,} at once, seconds", _fill(raw), total=True)
    raw.execute("VACUUM ANALYZE")
    for what, watch in (
        ("megabytes, table and indexes", _sizes(raw)),
        ("megabytes of indexes", _sizes(raw, "indexes")),
    ):
        print(f"{what}: {watch[WHOLE]:,.0f} in one table, {watch[PARTS]:,.0f} by month")
    yield _figure(f"one booking of {LINES} lines, committed", _bookings(raw))
    for what, question in QUESTIONS.items():
        yield _figure(what, _ask(raw, question))
    yield _figure("the oldest month gone, seconds", _drop(raw), total=True)
    yield _figure(
        "VACUUM afterwards, seconds", Pair().turn(lambda table: raw.execute(f"VACUUM {table}"), 1), total=True
    )


def _figure(what: str, pair: Pair, *, total: bool = False) -> Figure:
    """Return the best time of the partitions, with that of the single table as the floor."""
    one, parts = ((1000 * (sum if total else min)(watch.seconds)) for watch in (pair.one, pair.parts))
    return Figure(
        "p", "postgresql", f"by month against one table: {what}", "times", 1000 / parts, 1000 / one, parts,
        None, one,
    )  # fmt: skip


# Both tables


def _lay_out(raw: Any) -> None:
    """Create a table like the real one, and the same with partitions, each with its indexes."""
    raw.execute(f"CREATE TABLE {WHOLE} (LIKE ledger_movement INCLUDING ALL)")
    raw.execute(
        f"CREATE TABLE {PARTS} (LIKE ledger_movement INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (at)"
    )
    for month in range(-1, MONTHS + 1):
        begin, end = (f"({FIRST} + interval '{30 * place} days')" for place in (month, month + 1))
        bounds = raw.execute(f"SELECT {begin}::text, {end}::text").fetchone()
        raw.execute(
            f"CREATE TABLE {PARTS}_{month + 1} PARTITION OF {PARTS} FOR VALUES FROM ('{bounds[0]}') TO ('{bounds[1]}')"
        )
    raw.execute(f"ALTER TABLE {PARTS} ADD PRIMARY KEY (id, at)")
    found = raw.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'ledger_movement'").fetchall()
    for name, definition in found:
        if name != "ledger_movement_pkey":
            raw.execute(_for_parts(name, definition))


def _for_parts(name: str, definition: str) -> str:
    made = definition.replace(f"INDEX {name} ", "INDEX ").replace("public.ledger_movement ", f"{PARTS} ")
    return re.sub(r"(UNIQUE .*?\([^)]*)\)", r"\1, at)", made, count=1)


def _fill(raw: Any) -> Pair:
    pair = Pair()
    for first in range(1, ROWS, AT_ONCE):
        rows = ROW.replace("{first}", str(first)).replace("{last}", str(min(first + AT_ONCE, ROWS + 1) - 1))
        pair.turn(lambda table, rows=rows: raw.execute(rows.replace("{table}", table)), 1)  # type: ignore[misc]
    return pair


def _sizes(raw: Any, of: str = "total_relation") -> dict[str, float]:
    ask = f"SELECT sum(pg_{of}_size(c)) / 2 ^ 20 FROM (SELECT %s::regclass UNION SELECT inhrelid FROM pg_inherits "
    ask += "WHERE inhparent = %s::regclass) tables(c)"
    return {table: float(raw.execute(ask, [table, table]).fetchone()[0]) for table in (WHOLE, PARTS)}


def _bookings(raw: Any) -> Pair:
    """Insert eleven rows at a time into the newest month, each in its own transaction."""
    latest = {WHOLE: ROWS, PARTS: ROWS}

    def book(table: str) -> None:
        latest[table] += LINES
        rows = ROW.replace("{first}", str(latest[table] - LINES + 1)).replace("{last}", str(latest[table]))
        raw.execute(rows.replace("{table}", table))

    return Pair().turn(book, BOOKINGS)


def _ask(raw: Any, question: str) -> Pair:
    """Run the same query for another row each time; the first runs don't count."""
    asked = iter(range(1_000_003))

    def ask(table: str) -> None:
        number = next(asked) // 2 * 7_368_787 % ROWS + 1
        when = f"({FIRST} + {number} * (interval '{MONTHS * 30} days' / {ROWS}))"
        last_week = f"({FIRST} + interval '{MONTHS * 30 - 7} days')"
        words = {"table": table, "id": number, "at": when, "week_ago": last_week}
        raw.execute(question.format(**words)).fetchall()

    Pair().turn(ask, 5)
    return Pair().turn(ask, ASKED)


def _drop(raw: Any) -> Pair:
    pair = Pair()
    with pair.one.timed():
        raw.execute(f"DELETE FROM {WHOLE} WHERE at < {FIRST} + interval '30 days'")
    with pair.parts.timed():
        raw.execute(f"ALTER TABLE {PARTS} DETACH PARTITION {PARTS}_1")
        raw.execute(f"DROP TABLE {PARTS}_1")
    return pair
