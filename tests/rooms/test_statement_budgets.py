"""The number of statements never grows with lines, bookings or rows, so large plants stay fast.

Every statement is counted except BEGIN, COMMIT and savepoints. SQLite takes at most a thousand parameters per statement
from Django, so long lists are written in parts; counts there may rise by a few, but never per row.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import connection

from backflush.handling.moves import OpeningIn, open_stock
from backflush.items.models import Item
from backflush.items.services import ItemIn, add_items
from backflush.structures.services import LineIn
from backflush.unresolved.retry import preview_retry
from backflush.works.services.booking import book_production_many
from backflush.works.services.orders import OrderIn, create_orders
from backflush.works.services.transitions import release_order, release_orders
from tests.cast import DAY, Plant

MOST = {
    "release": 8,
    "book": 9,
    "preview": 5,
    "produce": 12,
    "receive": 15,
    "reverse a booking": 14,
    "reverse a production": 11,
    "reverse a receipt": 14,
    "retry": 10,
    "undo": 17,
    "resolve": 12,
}
"""The limits; these numbers may fall and never rise."""
FIRST_BOOKING = 5
"""For claiming a key, creating and reading balances, opening the order, and the record of who opened it."""
MANY_LINES = 40
MANY_BOOKINGS = 50
MANY_WAITING = 200
FRAME_OF_A_TRANSACTION = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")


@contextmanager
def counted() -> Iterator[list[str]]:
    """Return the statements run inside the block."""
    statements: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(FRAME_OF_A_TRANSACTION):
            statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield statements


def statements_of(does: Callable[[], object]) -> int:
    with counted() as statements:
        does()
    return len(statements)


def of_many_lines(plant: Plant, item: str) -> None:
    """Give an item forty components with stock."""
    bolt = Item.objects.select_related("type_code", "stock_unit").get(code="BOLT")
    parts = add_items(
        [
            ItemIn(code=f"{item} PART {n}", component_class="B", type_code=bolt.type_code, stock_unit=bolt.stock_unit)
            for n in range(1, MANY_LINES)
        ]
    )
    lines = [
        LineIn(number=10 * n, component=part, quantity=Decimal(1), unit=bolt.stock_unit)
        for n, part in enumerate(parts, 1)
    ]
    plant.consists(item, *lines, plant.line(9000, "BOLT", 4))
    openings = [
        OpeningIn(item=part, location=plant.location(at), quantity=Decimal(1000))
        for at in ("LINE", "ACME/STOCK")
        for part in parts
    ]
    open_stock(openings, site=plant.site, by=plant.storekeeper, at=DAY)


def test_one_line_or_forty_take_the_same_statements(plant: Plant) -> None:
    for item in ("BOLT", "LUG"):
        plant.has(1_000_000, item)
        plant.has(1_000_000, item, at="ACME/STOCK")
    for item, kind, code in (("GATE", "M", "MADE"), ("SET", "K", "MADE"), ("COATED", "S", "SUBCON")):
        plant.stocks(item, kind, code)
        of_many_lines(plant, item)
    few, many = ("BRACKET", "PACK", "PLATED"), ("GATE", "SET", "COATED")
    found = [costs_of(plant, *items) for items in (few, many)]
    assert found[1] == found[0], "with 40 components against 1"
    assert {name: count for name, count in found[0].items() if count > MOST[name]} == {}


def costs_of(plant: Plant, made: str, kit: str, bought: str) -> dict[str, int]:
    """Return the statements of each operation, on its second run, when nothing is opened or frozen any more."""
    plant.orders(100, made)
    costs = {
        "release": statements_of(
            lambda: release_order(site=plant.site, number=plant.order_number(made), by=plant.storekeeper)
        )
    }
    plant.buys(100, bought)
    bookings, productions, receipts = (
        [plant.books(1, made) for _ in range(2)],
        [plant.produces(1, kit) for _ in range(2)],
        [plant.receives(1, bought) for _ in range(2)],
    )
    booking = plant.booking(1, made)
    costs["book"] = statements_of(lambda: book_production_many([booking], site=plant.site, by=plant.storekeeper))
    costs["preview"] = statements_of(lambda: plant.foresees(1, made)) - 1  # the test helper reads the order
    costs["produce"] = statements_of(lambda: plant.produces(1, kit))
    costs["receive"] = statements_of(lambda: plant.receives(1, bought))
    for name, posted in (("booking", bookings), ("production", productions), ("receipt", receipts)):
        costs[f"reverse a {name}"] = statements_of(partial(plant.reverses, posted[0]))
    return costs


def test_the_first_booking_adds_only_the_statements_of_its_key_and_order(plant: Plant) -> None:
    plant.releases(10, "FRAME")
    booking = plant.booking(1, "FRAME", key="scan 1")
    with counted() as statements:
        book_production_many([booking], site=plant.site, by=plant.storekeeper)
    assert len(statements) <= MOST["book"] + FIRST_BOOKING


def test_one_booking_or_fifty_in_one_call_take_the_same_statements(plant: Plant) -> None:
    plant.has(1_000_000, "BOLT")
    plant.books(1, "BRACKET")
    numbers = [f"W-{number}" for number in range(MANY_BOOKINGS + 1)]
    orders = [OrderIn(number=number, item="BRACKET", quantity=Decimal(10), start_date=DAY) for number in numbers]
    create_orders(orders, site=plant.site, by=plant.storekeeper)
    release_orders(site=plant.site, numbers=numbers, by=plant.storekeeper)
    calls = [[0], [*range(1, MANY_BOOKINGS + 1)]]
    found = []
    for call in calls:
        bookings = [plant.booking(1, f"W-{number}", key=f"k{number}") for number in call]
        found.append(statements_of(partial(book_production_many, bookings, site=plant.site, by=plant.storekeeper)))
    assert found[1] <= found[0], f"{found[1]} for 50 against {found[0]} for 1"


def test_one_or_two_hundred_unresolved_movements_take_the_same_statements(plant: Plant) -> None:
    counts: list[dict[str, int]] = []
    for rows in (1, MANY_WAITING):
        bookings = [plant.booking(1, "BRACKET") for _ in range(rows)]
        book_production_many(bookings, site=plant.site, by=plant.storekeeper)
        plant.has(4 * rows, "BOLT", at="LINE")
        assert len(plant.queue()) == rows
        found = {"preview of a retry": statements_of(lambda: preview_retry(site=plant.site))}
        with counted() as statements:
            settled = plant.retries()
        assert len(settled) == rows
        found["retry"] = len(statements)
        found["undo"] = statements_of(partial(plant.reverses, settled[0]))
        plant.retries()
        counts.append(found)
    in_parts = 4 if connection.vendor == "sqlite" else 0
    assert {name: count for name, count in counts[0].items() if count > MOST.get(name, count)} == {}
    for name, few in counts[0].items():
        assert counts[1][name] <= few + in_parts, f"{name}: {counts[1][name]} for 200 rows against {few} for one"


def test_undo_of_a_retry_takes_the_same_for_one_order_or_fifty(plant: Plant) -> None:
    numbers = [f"W-{number}" for number in range(MANY_BOOKINGS)]
    orders = [OrderIn(number=number, item="BRACKET", quantity=Decimal(10), start_date=DAY) for number in numbers]
    create_orders(orders, site=plant.site, by=plant.storekeeper)
    release_orders(site=plant.site, numbers=numbers, by=plant.storekeeper)
    found = []
    for call in (numbers[:1], numbers):
        bookings = [plant.booking(1, number) for number in call]
        book_production_many(bookings, site=plant.site, by=plant.storekeeper)
        plant.has(4 * len(call), "BOLT")
        settled = plant.retries()
        assert len(settled) == len(call)
        found.append(statements_of(partial(plant.reverses, settled[0])))
    assert found[1] <= found[0] <= MOST["undo"], f"{found[1]} for 50 orders against {found[0]} for one"


def test_resolving_takes_the_same_however_many_wait(plant: Plant) -> None:
    plant.has(1_000_000, "BOLT", at="RAW")
    found = []
    for rows in (1, MANY_WAITING):
        bookings = [plant.booking(1, "BRACKET") for _ in range(rows)]
        book_production_many(bookings, site=plant.site, by=plant.storekeeper)
        first = plant.queue()[0].pk
        found.append(statements_of(partial(plant.resolves, first, source="RAW")))
    assert found[1] == found[0] <= MOST["resolve"]
