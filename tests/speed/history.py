"""(h) The pages and (i) a booking, with a long history behind them."""

import os
import re
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.test import Client

from backflush.people.rights import Role
from backflush.people.services import give_role
from backflush.works.services import book_production, book_production_many
from tests.speed.copies import Places, with_all_in
from tests.speed.figures import Figure, Watch, counted
from tests.speed.shop import Shop

LENGTHS = (0, 1_000_000, 10_000_000) if os.environ.get("LONG") else (0, 1_000_000)
BOOKINGS, ITEMS, COMPONENTS, TIMES, VISITS = 1_000, 100, 10, 200, 5
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
PAGES = (
    ("home's blocks", "/"),
    ("unresolved", "/unresolved/"),
    ("unresolved of an item", "/unresolved/?item=PART 7"),
    ("stock transactions", "/stock/"),
    ("stock transactions of an item", "/stock/?item=PART 7"),
    ("stock transactions of a place", "/stock/?location=MAIN/LINE"),
    ("stock transactions of an order", "/stock/?order=W-5"),
    ("stock transactions, unresolved", "/stock/?status=unresolved"),
    ("bin card", "/stock/bin-card/?item=PART 7&location=MAIN/LINE"),
    ("balances", "/stock/balances/"),
    ("works orders", "/orders/"),
    ("a works order's bookings", "/orders/bookings/W-5/"),
    ("items", "/items/"),
)


def long_history(places: Places) -> list[Figure]:
    """The ledger is a thousand real bookings, copied back in time until it is as long as it should be."""

    def fill() -> None:
        shop = Shop.build()
        shop.lay_in(items=ITEMS, components=COMPONENTS)
        shop.opens([(f"W-{n}", f"ITEM {n % ITEMS}") for n in range(BOOKINGS)], quantity=1_000_000)
        reports = [shop.report(f"W-{n}") for n in range(BOOKINGS)]
        book_production_many(reports, site=shop.site, by=shop.storekeeper)
        give_role(user=shop.storekeeper, site=shop.site, role=Role.ADMINISTRATOR)

    with_all_in(places, "h", fill)
    figures: list[Figure] = []
    for length in LENGTHS:
        _lengthen(length)
        figures.append(_booking(places, length))
    return figures + list(_pages(places, LENGTHS[-1]))


def _booking(places: Places, length: int) -> Figure:
    shop, watch = Shop(), Watch()
    for n in range(TIMES + 20):
        with watch.timed():
            book_production(shop.report(f"W-{n % BOOKINGS}"), site=shop.site, by=shop.storekeeper)
    watch.seconds = watch.seconds[20:]
    return Figure(
        "i", places.engine, f"one booking after {length:,} movements", "bookings", TIMES / watch.total, None,
        watch.median_ms, watch.p99_ms,
    )  # fmt: skip


def _pages(places: Places, length: int) -> Iterator[Figure]:
    shop, client = Shop(), Client(headers={"host": "localhost"})
    client.force_login(shop.storekeeper, backend=MODEL_BACKEND)
    for name, address in (*PAGES, *_far_back(client)):
        with counted() as statements:
            answer = client.get(address)
        assert answer.status_code == 200, f"{address}: {answer.status_code}"
        watch = Watch()
        for _ in range(VISITS):
            with watch.timed():
                client.get(address)
        yield Figure(
            "h", places.engine, f"page: {name}, {length:,} movements", "pages", 1 / (watch.median_ms / 1000), None,
            watch.median_ms, max(watch.seconds) * 1000, statements=len(statements),
        )  # fmt: skip


def _far_back(client: Client) -> Iterator[tuple[str, str]]:
    """A page that is far back in the list, by its key."""
    page = client.get("/stock/").content.decode()
    older = re.search(r'href="(\?[^"]*before=[^"]*)"', page)
    if older:
        yield "stock transactions, next page", "/stock/" + older.group(1).replace("&amp;", "&")


def _lengthen(length: int) -> None:
    """Copy the postings with their movements and bookings, each copy an hour further back."""
    with connection.cursor() as cursor:
        have = _one(cursor, "SELECT count(*) FROM ledger_movement")
        if length <= have:
            return
        indexes = _without_indexes(cursor)
        last = _one(cursor, "SELECT max(id) FROM ledger_posting")
        shift, copies = 10 ** len(str(_one(cursor, "SELECT max(id) FROM ledger_movement"))), length // have
        earlier = (
            "at - n * interval '1 hour'" if connection.vendor == "postgresql" else "datetime(at, '-' || n || ' hours')"
        )
        for table in ("ledger_posting", "ledger_movement", "backflushing_booking"):
            columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
            chosen = [_moved(column, table, shift, earlier) for column in columns]
            names = ", ".join(f'"{column}"' for column in columns)
            cursor.execute(
                f"WITH RECURSIVE copies(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < {copies}) "
                f"INSERT INTO {table} ({names}) SELECT {', '.join(chosen)} FROM copies, {table} t "
                f"WHERE t.id <= {shift}"
            )
        for statement in indexes:
            cursor.execute(statement)
        if connection.vendor == "postgresql":
            for table in ("ledger_posting", "ledger_movement", "backflushing_booking"):
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        cursor.execute("ANALYZE")
        assert last, "there is something to copy"


def _moved(column: str, table: str, shift: int, earlier: str) -> str:
    own = column == "id" or (column == "posting_id" and table != "ledger_posting")
    if own:
        return f't."{column}" + n * {shift}'
    if column in {"key_id", "reverses_id", "reversed_by_id"}:
        return "NULL"
    return earlier.replace("at ", "t.at ").replace("(at,", "(t.at,") if column == "at" else f't."{column}"'


def _without_indexes(cursor: Any) -> list[str]:
    """Take the indexes away while rows are copied; answers with how to make them again."""
    tables = "('ledger_posting', 'ledger_movement', 'backflushing_booking')"
    if connection.vendor == "postgresql":
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
            f"AND tablename IN {tables} AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        )
    else:
        cursor.execute(
            f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN {tables}"
        )
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f'DROP INDEX "{name}"')
    return [definition for _, definition in found]


def _one(cursor: Any, sql: str) -> int:
    cursor.execute(sql)
    return int(cursor.fetchone()[0])
