"""A ledger of any length: some real days of a plant, copied back in time.

Copies keep their references: orders with cost objects, bookings, movements and settlements. Idempotency keys, frozen
structures and balances are only those of the real days, so the verification fails here, but times are realistic.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from backflush.core.moves import Status
from backflush.handling.moves import OpeningIn, open_stock
from backflush.items.selectors import item_coded
from backflush.ledger.models import Movement
from backflush.people.rights import Role
from backflush.people.services import give_role
from backflush.works.services.booking import BookingIn, book_production_many
from backflush.works.services.transitions import complete_order
from tests.cast import YEARS_AGO
from tests.speed.shop import Shop

ITEMS, PARTS, COMPONENTS, BOOKINGS = 100, 100, 10, 1_000
SHORT_PARTS = 2
"""Components without stock, so that two lines of a hundred are unresolved."""
RARE = "BOLT"
"""An item with only a few movements in all those years; MAIN/RACK is such a location."""

COPIED = (
    "ledger_job",
    "works_worksorder",
    "ledger_posting",
    "ledger_movement",
    "backflushing_booking",
    "unresolved_settlement",
)
REFERENCES = {
    "id",
    "job_id",
    "posting_id",
    "reverses_id",
    "reversed_by_id",
    "undone_by_id",
    "movement_id",
    "resolves_id",
    "origin_id",
    "kept_id",
}
"""Columns that refer to a row of these tables."""
SECONDS_BACK, SECONDS_EACH = 12 * 3600, 20
"""The time between copies, and between postings: ten million movements span about fourteen months."""


def some_days(shop: Shop) -> None:
    """Run a plant for some days: bookings, unresolved lines, resolutions, cancellations, manual moves, reversals."""
    with connection.cursor() as cursor:
        # No need to wait for the disk: this isn't measured.
        cursor.execute(
            "SET synchronous_commit = off" if connection.vendor == "postgresql" else "PRAGMA synchronous = OFF"
        )
    shop.lay_in(items=ITEMS, components=COMPONENTS, shared=PARTS, stock=0)
    line, raw = shop.location("LINE"), shop.location("RAW")
    there = [item_coded(f"PART {n}") for n in range(PARTS - SHORT_PARTS)]
    stock = [OpeningIn(item=part, location=place, quantity=Decimal(10**8)) for part in there for place in (line, raw)]
    open_stock(stock, site=shop.site, by=shop.storekeeper, at=YEARS_AGO)
    shop.opens(
        [(f"W-{n}", f"ITEM {n % ITEMS}") for n in range(BOOKINGS)], quantity=1_000_000, start_date=just_now().date()
    )
    reports = [BookingIn(order=f"W-{n}", good=Decimal(2), at=just_now()) for n in range(BOOKINGS)]
    book_production_many(reports, site=shop.site, by=shop.storekeeper)
    for n in range(0, BOOKINGS, 2):
        complete_order(site=shop.site, number=f"W-{n}", by=shop.storekeeper)
    _work_the_queue(shop)
    for n in range(PARTS - SHORT_PARTS):
        shop.moves(5, f"PART {n}", "RAW", "LINE", at=just_now())
    give_role(user=shop.storekeeper, site=shop.site, role=Role.ADMINISTRATOR)


def _work_the_queue(shop: Shop) -> None:
    """Cancel a quarter of the unresolved movements, and resolve some with stock moved in by hand."""
    waiting = Movement.objects.filter(site=shop.site, status=Status.UNRESOLVED).order_by("pk")
    some = list(waiting.values_list("pk", "item__code")[: BOOKINGS // 20])
    for number, _ in some[::2]:
        shop.cancels(number, "counted, none is missing")
    for number, code in some[1::2]:
        shop.has(1, code, at="RAW")
        shop.resolves(number, 1, source="RAW")


def something_rare(shop: Shop) -> None:
    """Post a few movements of an otherwise unused item and location, at the very end."""
    shop.has(100, RARE, at="RAW")
    for _ in range(3):
        shop.moves(5, RARE, "RAW", "RACK", action="RACK UP", to_bin="R1", at=just_now())


class Past:
    """The real days, and the number of copies so far."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            self._have = _one(cursor, "SELECT count(*) FROM ledger_movement")
            self._shift = 10 ** len(str(max(_one(cursor, f"SELECT max(id) FROM {table}") for table in COPIED)))
            postings = _one(cursor, "SELECT max(id) FROM ledger_posting")
        self._copies = 0
        assert postings * SECONDS_EACH < SECONDS_BACK, "copies would overlap"

    def lengthen(self, length: int) -> None:
        """Copy them, each copy half a day further back, until there are about this many movements."""
        copies = length // self._have - 1
        if copies <= self._copies:
            return
        with connection.cursor() as cursor:
            _trusting(cursor, on=True)
            indexes = _without_indexes(cursor)
            for table in COPIED:
                cursor.execute(_copying(cursor, table, self._shift, first=self._copies + 1, last=copies))
            for statement in indexes:
                cursor.execute(statement)
            if connection.vendor == "postgresql":
                for table in COPIED:
                    cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
            _trusting(cursor, on=False)
        self._copies = copies
        settle_down()


def settle_down() -> None:
    """Refresh the statistics, and tidy up as the engine does overnight."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("ANALYZE")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def just_now() -> datetime:
    """Return a recent moment, because nothing can be booked in the future."""
    return datetime.now(UTC) - timedelta(minutes=5)


def _copying(cursor: Any, table: str, shift: int, first: int, last: int) -> str:
    columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
    names, chosen = (
        ", ".join(f'"{name}"' for name in columns),
        ", ".join(_moved(name, table, shift) for name in columns),
    )
    # Start with the oldest copy, so that keys and rows are in the order of time.
    return (
        f"WITH RECURSIVE copies(n, place) AS "
        f"(SELECT {last}, {first} UNION ALL SELECT n - 1, place + 1 FROM copies WHERE n > {first}) "
        f"INSERT INTO {table} ({names}) SELECT {chosen} FROM copies CROSS JOIN {table} t WHERE t.id < {shift}"
    )


def _moved(column: str, table: str, shift: int) -> str:
    if column in REFERENCES:
        return f't."{column}" + place * {shift}'
    if column == "key_id":
        return "NULL"
    if column == "number":
        return "t.\"number\" || '-' || n"
    if column in {"at", "recorded_at"}:
        posting = "t.id" if table == "ledger_posting" else "t.posting_id"
        return _earlier(f't."{column}"', f"n * {SECONDS_BACK} - {posting} * {SECONDS_EACH}")
    if column in {"start_date", "due_date"}:
        return _days_earlier(f't."{column}"', f"n * {SECONDS_BACK} / 86400")
    return f't."{column}"'


def _days_earlier(on: str, days: str) -> str:
    return f"{on} - {days}" if connection.vendor == "postgresql" else f"date({on}, (-({days})) || ' days')"


def _earlier(at: str, seconds: str) -> str:
    if connection.vendor == "postgresql":
        return f"{at} - ({seconds}) * interval '1 second'"
    return f"strftime('%Y-%m-%d %H:%M:%S', {at}, (-({seconds})) || ' seconds') || '.000001'"


def _trusting(cursor: Any, *, on: bool) -> None:
    """Skip foreign key checks while rows are copied; they would take most of the time."""
    if connection.vendor == "postgresql":
        cursor.execute(f"SET session_replication_role = {'replica' if on else 'origin'}")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(f"SET synchronous_commit = {'off' if on else 'on'}")
    else:
        cursor.execute(f"PRAGMA foreign_keys = {'OFF' if on else 'ON'}")
        cursor.execute(f"PRAGMA synchronous = {'OFF' if on else 'FULL'}")


def _without_indexes(cursor: Any) -> Sequence[str]:
    """Drop the indexes while rows are copied, and return the statements to create them again."""
    tables = ", ".join(f"'{table}'" for table in COPIED)
    if connection.vendor == "postgresql":
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
            f"AND tablename IN ({tables}) AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        )
    else:
        cursor.execute(
            f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({tables})"
        )
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f'DROP INDEX "{name}"')
    return [definition for _, definition in found]


def _one(cursor: Any, sql: str) -> int:
    cursor.execute(sql)
    return int(cursor.fetchone()[0])
