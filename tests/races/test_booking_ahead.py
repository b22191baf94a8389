"""A stream that is booked one chunk ahead, on two connections, comes to what one chunk after the other would.

Each test is one for PostgreSQL; on SQLite, which has one writer, the same call books one chunk after the other.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection, transaction

from backflush.ahead import can_be_ahead
from backflush.backflushing.bulk import Booker, Line, Outcome
from backflush.backflushing.models import Booking
from backflush.ledger.models import Balance, Movement, Posting
from backflush.listening.lines import KINDS
from tests.cast import Plant
from tests.databases import Database
from tests.oracle import faults
from tests.races.processes import race


def booked(plant: Plant, reports: Sequence[Any], *, ahead: bool, chunk: int = 3) -> list[Outcome]:
    lines = (Line(number, report) for number, report in enumerate(reports, 1))
    return [*Booker(KINDS, plant.site, plant.storekeeper, "stream").book(lines, chunk=chunk, ahead=ahead)]


def one_at_a_time(plant: Plant, times: int) -> None:
    for _ in range(times):
        plant.books(1, "FRAME")


def in_order_of_recording() -> list[tuple[Any, ...]]:
    """Everything that moved or waits, with the balances left behind, as it was recorded."""
    rows = Movement.objects.order_by("pk").select_related("item", "source", "target")
    return [
        (row.item.code, row.quantity, row.due, row.status, row.source.path, row.source_after, row.target_after)
        for row in rows
    ]


def some_of_everything(plant: Plant) -> list[Any]:
    """Bookings that want the same short stock, receipts between them, one line at fault, and one key twice."""
    reports: list[Any] = []
    for turn in range(10):
        reports += [plant.booking(1, "BRACKET"), plant.booking(1, "FRAME"), plant.receipt(1, "PLATED")]
        reports += [plant.production(1, "PACK")] if turn % 2 else []
    reports[7] = plant.booking(0, "BRACKET")
    reports[11] = plant.booking(1, "BRACKET", key="once")
    reports[20] = plant.booking(1, "BRACKET", key="once")
    return reports


def stock(plant: Plant) -> None:
    for item in ("BRACKET", "FRAME"):
        plant.releases(1000, item)
    plant.buys(1000, "PLATED")
    plant.has(21, "BOLT")
    plant.has(5, "TUBE")
    plant.has(9, "LUG")


def test_what_is_posted_ahead_is_what_one_after_the_other_comes_to(
    committed_plant: Plant, committed_database: Database
) -> None:
    plant = committed_plant
    stock(plant)
    reports = some_of_everything(plant)
    with transaction.atomic():
        serial = booked(plant, reports, ahead=False)
        expected = in_order_of_recording()
        transaction.set_rollback(True)
    assert can_be_ahead() == (committed_database.vendor == "postgresql")
    assert [each.code for one in serial for each in one.refusals] == ["invalid_quantity"]
    outcomes = booked(plant, reports, ahead=True)
    assert in_order_of_recording() == expected
    assert [(one.repeated, [each.code for each in one.refusals]) for one in outcomes] == [
        (one.repeated, [each.code for each in one.refusals]) for one in serial
    ]
    assert sum(one.repeated for one in outcomes) == 1
    assert Booking.objects.count() == len(reports) - 2
    assert faults(plant.site) == []


def test_sent_again_it_posts_nothing(committed_plant: Plant) -> None:
    plant = committed_plant
    stock(plant)
    reports = some_of_everything(plant)
    booked(plant, reports, ahead=True)
    postings = Posting.objects.count()
    again = booked(plant, reports, ahead=True, chunk=7)
    assert {one.repeated for one in again if not one.refusals} == {True}
    assert Posting.objects.count() == postings


def test_others_may_book_the_same_items_meanwhile(committed_plant: Plant, committed_database: Database) -> None:
    plant = committed_plant
    stock(plant)
    results = race(committed_database, (streams, 40), (one_at_a_time, 15), (streams, 40))
    assert [result for result in results if isinstance(result, BaseException)] == []
    assert Booking.objects.count() == 40 + 15 + 40
    assert not Balance.objects.filter(quantity__lt=0).exists()
    assert faults(plant.site) == []


def streams(plant: Plant, count: int) -> None:
    reports = [plant.booking(1, ("BRACKET", "FRAME")[turn % 2]) for turn in range(count)]
    lines = (Line(number, report) for number, report in enumerate(reports, 1))
    for outcome in Booker(KINDS, plant.site, plant.storekeeper).book(lines, chunk=4, ahead=True):
        assert outcome.booking is not None


def test_within_a_transaction_nothing_is_ahead(plant: Plant) -> None:
    assert connection.in_atomic_block
    assert not can_be_ahead()


@pytest.mark.parametrize("committed_database", ["postgres"], indirect=True)
def test_a_connection_that_is_lost_loses_no_chunk_that_was_answered(
    committed_plant: Plant, committed_database: Database
) -> None:
    plant = committed_plant
    stock(plant)
    reports = some_of_everything(plant)
    lines = (Line(number, report) for number, report in enumerate(reports, 1))
    answers = Booker(KINDS, plant.site, plant.storekeeper, "stream").book(lines, chunk=3, ahead=True)
    answered = [next(answers) for _ in range(3)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(Exception, match=r"terminat|closed|lost"):
        list(answers)
    assert all(Booking.objects.filter(pk=one.booking.pk).exists() for one in answered if one.booking)
    assert faults(plant.site) == []
    # And the stream, sent again, is finished.
    booked(plant, reports, ahead=True)
    assert Booking.objects.count() == len(reports) - 2
    assert faults(plant.site) == []
