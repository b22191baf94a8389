"""A stream in any chunks, with valid, repeated and refused lines, has the same result as its lines one by one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import Report
from backflush.backflushing.stream import Booker, StreamLine
from backflush.booking_kinds import KINDS
from backflush.core.refusals import Refusal
from backflush.ledger.models import Balance, CostObject, Key, Movement
from backflush.subcontract.receipts import ReceiptIn, receive
from backflush.works.models import OrderChange, WorksOrder
from backflush.works.services.booking import BookingIn, book_production
from backflush.works.services.production_without_order import ProductionIn, produce
from tests.cast import Plant
from tests.hands import Hands
from tests.oracle import faults

ALONE: dict[type[Report], Callable[..., Booking]] = {
    BookingIn: book_production,
    ReceiptIn: receive,
    ProductionIn: produce,
}
CHUNKS = (1, 2, 3, 5, 1000)
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
QUICK = settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=CHECKS)
SOAK = settings(max_examples=1_000, deadline=None, suppress_health_check=CHECKS)


def ledger() -> dict[str, list[Any]]:
    """Return all rows that bookings create, without the keys that differ between runs."""
    bookings = list(Booking.objects.order_by("pk").values_list("posting", flat=True))
    turn = {posting: place for place, posting in enumerate(bookings)}
    facts = (
        "item__code",
        "source__path",
        "source_bin",
        "target__path",
        "target_bin",
        "batch",
        "serial",
        "quantity",
        "due",
        "reason",
        "status",
        "source_after",
        "target_after",
        "charged",
        "rule",
        "line__path",
        "cost",
        "at",
    )
    movements = Movement.objects.filter(posting__in=bookings).order_by("pk").values_list("posting", *facts)
    return {
        "bookings": list(
            Booking.objects.order_by("pk").values_list(
                "cost_object__number", "item__code", "good", "scrap", "produced", "scrap_reason", "assumed",
                "posting__at",
                "posting__process", "posting__key__key", "structure__digest",
            )
        ),
        "movements": [(turn[posting], *rest) for posting, *rest in movements],
        "balances": sorted(
            Balance.objects.values_list("item__code", "location__path", "bin", "batch", "serial", "quantity")
        ),
        "keys": sorted(Key.objects.values_list("key", "operation", "digest")),
        "cost_objects": list(
            CostObject.objects.order_by("pk").values_list(
                "number", "good", "scrap", "produced", "needs_replay", "structure__digest"
            )
        ),
        "orders": list(WorksOrder.objects.order_by("pk").values_list("number", "status")),
        "changes": list(OrderChange.objects.order_by("pk").values_list("order__number", "what", "after")),
    }  # fmt: skip


def one_by_one(plant: Plant, reports: Sequence[Report]) -> list[str]:
    """Book each report in a call of its own, and return the outcomes."""
    told = []
    for report in reports:
        before = Booking.objects.count()
        try:
            ALONE[type(report)](report, site=plant.site, by=plant.storekeeper)
        except Refusal as refusal:
            told.append(refusal.code)
        else:
            told.append("booked" if Booking.objects.count() > before else "repeated")
    return told


def in_bulk(plant: Plant, reports: Sequence[Report], chunk: int) -> list[str]:
    """Book all reports as a stream, and return the outcomes."""
    lines = (StreamLine(number, report) for number, report in enumerate(reports, 1))
    return [
        outcome.refusals[0].code if outcome.refusals else "repeated" if outcome.repeated else "booked"
        for outcome in Booker(KINDS, plant.site, plant.storekeeper).book(lines, chunk=chunk)
    ]


def left_by(plant: Plant, does: Callable[[], list[str]]) -> tuple[list[str], dict[str, list[Any]]]:
    """Return the outcomes and the rows, and roll everything back."""
    with transaction.atomic():
        left = does(), ledger()
        assert faults(plant.site) == []
        transaction.set_rollback(True)
    return left


WRONG: dict[str, dict[str, Any]] = {
    "as it is": {},
    "of nothing": {"order": "P-NONE", "item": "NONE"},
    "of half a piece": {"good": Decimal("0.5"), "accepted": Decimal("0.5")},
    "in the future": {"at": date(2999, 1, 1)},
    "with a batch": {"batch": "B1"},
}


@st.composite
def streams(draw: st.DrawFn, plant: Plant) -> list[Report]:
    """Draw reports of all kinds; some are invalid, and some have a key that was used before."""
    hands = Hands(plant, lambda some: draw(st.sampled_from(list(some))))
    reports = []
    for _ in range(draw(st.integers(1, 12))):
        report = hands.reported().report(plant)
        wrong = WRONG[draw(st.sampled_from(["as it is"] * 6 + list(WRONG)))]
        fields = {name: value for name, value in wrong.items() if hasattr(report, name)}
        reports.append(replace(report, key=draw(st.sampled_from(["", "", "K1", "K2", "K3"])), **fields))
    again = draw(st.lists(st.sampled_from(reports), max_size=3))
    return [*reports, *again]


def compare(plant: Plant, how: settings, *, full: bool) -> None:
    if full:
        plant.completes_when_full()
    Hands(plant, lambda some: some[0]).start()
    if full:
        WorksOrder.objects.update(quantity=6)

    @how
    @given(data=st.data(), chunk=st.sampled_from(CHUNKS))
    def same(data: st.DataObject, chunk: int) -> None:
        reports = data.draw(streams(plant))
        plant.site.refresh_from_db()
        alone = left_by(plant, lambda: one_by_one(plant, reports))
        together = left_by(plant, lambda: in_bulk(plant, reports, chunk))
        assert together == alone

    same()


@pytest.mark.slow
@pytest.mark.parametrize("full", [False, True], ids=["orders stay open", "full orders complete themselves"])
def test_a_stream_has_the_same_result_as_its_lines_one_by_one(plant: Plant, full: bool) -> None:
    compare(plant, QUICK, full=full)


@pytest.mark.soak
@pytest.mark.parametrize("full", [False, True], ids=["orders stay open", "full orders complete themselves"])
def test_a_stream_has_the_same_result_as_its_lines_one_by_one_in_a_long_run(plant: Plant, full: bool) -> None:
    compare(plant, SOAK, full=full)
