"""A preview equals the posting, and writes nothing (B7)."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backflush.backflushing.models import Booking
from backflush.backflushing.selectors import Preview
from backflush.core.moves import Reason
from backflush.ledger.models import Movement
from tests.cast import Plant
from tests.databases import rolled_back
from tests.oracle import refused, snapshot

Line = tuple[str, Decimal, Decimal, str]


def lines_of(preview: Preview) -> list[Line]:
    """Return the posted and unresolved quantity of each previewed line that isn't zero, with the reason."""
    return [
        (line.component, line.moves, line.waits, line.reason.value if line.reason else "")
        for line in preview.lines
        if line.assumed
    ]


def done(booking: Booking) -> list[Line]:
    """Return the same of a posting; a line in two parts is one."""
    lines: dict[int | None, Line] = {}
    rows = Movement.objects.filter(posting=booking.posting_id, line__isnull=False).select_related("item").order_by("pk")
    for row in rows:
        code, moved, waits, reason = lines.get(row.line_id, (row.item.code, Decimal(0), Decimal(0), ""))
        lines[row.line_id] = (code, moved + row.quantity, waits + (row.due or 0), reason or row.reason)
    return list(lines.values())


Foresees = Callable[[Plant], Preview]
Does = Callable[[Plant], Booking]
WAYS: dict[str, tuple[Foresees, Does]] = {
    "order": (lambda plant: plant.foresees(3, "CABINET", 1), lambda plant: plant.books(3, "CABINET", 1)),
    "parts": (lambda plant: plant.foresees(3, "TRAY"), lambda plant: plant.books(3, "TRAY")),
    "rack": (lambda plant: plant.foresees(3, "CRATE"), lambda plant: plant.books(3, "CRATE")),
    "production": (
        lambda plant: plant.foresees_production(3, "PACK", 1),
        lambda plant: plant.produces(3, "PACK", 1),
    ),
    "receipt": (lambda plant: plant.foresees_receipt(3, "PLATED", 1), lambda plant: plant.receives(3, "PLATED", 1)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_preview_equals_the_posting_and_writes_nothing(plant: Plant, way: str) -> None:
    for item in ("CABINET", "TRAY", "CRATE"):
        plant.releases(100, item)
    plant.buys(100, "PLATED")
    for item in ("LUG", "BOLT", "SHEET"):
        plant.has(17, item)
    plant.has(17, "LUG", at="ACME/STOCK")
    foresees, does = WAYS[way]
    for _ in range(2):
        before = snapshot()
        preview = foresees(plant)
        assert snapshot() == before
        assert lines_of(preview) == done(does(plant))


def test_a_preview_shows_the_stock_and_separates_lines_that_need_a_choice(plant: Plant) -> None:
    plant.has(9, "SHEET")
    plant.has(20, "BOLT")
    plant.has(2, "RESIN", batch="B1")
    plant.has(3, "RESIN", batch="B2")
    preview = plant.foresees(2, "CABINET")
    assert [(line.path, line.component, line.assumed, line.there) for line in preview.lines] == [
        ("10/10", "SHEET", 8, 9),
        ("10/20", "BOLT", 24, 20),
        ("20", "MOTOR", 2, 0),
        ("30", "RESIN", 1, 5),
    ]
    assert [line.component for line in preview.short] == ["BOLT"]
    assert [(line.component, line.reason) for line in preview.needing_choice] == [
        ("MOTOR", Reason.SERIAL),
        ("RESIN", Reason.BATCH),
    ]
    # Twelve bolts each, of twenty: lines that need a choice set no limit.
    assert preview.largest == 1


def test_a_location_without_balances_shows_no_stock_and_sets_no_limit(plant: Plant) -> None:
    plant.type_code("OUTSIDE", completion="COMPLETE", backflush=plant.action("OUT", "backflush", "BOUGHT", "WIP"))
    plant.stocks("TANK", "M", "OUTSIDE")
    plant.consists("TANK", plant.line(10, "BOLT", 7))
    preview = plant.foresees(2, "TANK")
    assert (preview.lines[0].there, preview.lines[0].moves, preview.largest) == (None, 14, None)


def test_without_a_backflush_action_the_preview_is_empty(plant: Plant) -> None:
    plant.stocks("SPRING", "M", "BYHAND")
    plant.consists("SPRING", plant.line(10, "BOLT", 7))
    preview = plant.foresees(2, "SPRING")
    assert (preview.lines, preview.largest) == ((), None)


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    lugs=st.integers(0, 60),
    paint=st.integers(0, 900).map(lambda grams: Decimal(grams).scaleb(-3)),
    booked=st.integers(0, 3),
    scrap=st.integers(0, 2),
    boxes=st.booleans(),
)
def test_the_largest_quantity_leaves_nothing_short_and_the_next_larger_one_does(
    plant: Plant, lugs: int, paint: Decimal, booked: int, scrap: int, boxes: bool
) -> None:
    with rolled_back():
        plant.has(1000, "TUBE")
        for some, item in ((lugs, "LUG"), (paint, "PAINT")):
            if some:
                plant.has(some, item)
        plant.boxes("FRAME", of=4)
        plant.releases(100, "FRAME", unit="BOX" if boxes else "")
        step = Decimal("0.25") if boxes else Decimal(1)
        if booked:
            plant.books(booked * step, "FRAME")
        largest = plant.foresees(step, "FRAME", scrap * step).largest
        assert largest is not None
        if largest:
            assert not plant.foresees(largest, "FRAME", scrap * step).short
        assert plant.foresees(largest + step, "FRAME", scrap * step).short


def test_the_preview_refuses_what_the_booking_would_refuse(plant: Plant) -> None:
    plant.orders(10, "BRACKET")
    with refused("order_not_open"):
        plant.foresees(1, "BRACKET")
    attempts: list[tuple[str, Callable[[], object]]] = [
        ("invalid_quantity", lambda: plant.foresees_production("1.5", "PACK")),
        ("wrong_class", lambda: plant.foresees_production(1, "BOLT")),
        ("not_found", lambda: plant.foresees_receipt(1, "P-404")),
    ]
    for code, attempt in attempts:
        with refused(code):
            attempt()


def test_a_preview_needs_no_batch_of_the_goods(plant: Plant) -> None:
    """A preview is about the components; the batch is required on booking."""
    plant.stocks("MIX", "M", "MADE", "KG", 3, tracking="batch")
    plant.releases(10, "MIX")
    assert plant.foresees(1, "MIX").lines == ()
    assert plant.foresees(1, "MIX", batch="B1").lines == ()
