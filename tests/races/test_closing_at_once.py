"""A period is closed while users book into it: each booking is complete before the closing, or refused after it."""

import time
from datetime import date
from typing import Final

from django.db import transaction

from backflush.backflushing.models import Booking
from backflush.core.refusals import PeriodClosed
from backflush.ledger import periods
from backflush.ledger.models import PeriodBalance
from backflush.stockmap.models import Site
from tests.cast import DAY, Plant
from tests.databases import Database
from tests.oracle import faults
from tests.races.processes import Outcome, Worker, all_went_through, race

MARCH: Final = date(2026, 3, 31)
A_WHILE: Final = 1.0


def closes(plant: Plant) -> int:
    return periods.close_period(site=plant.site, through=MARCH, by=plant.storekeeper, known_unresolved=None).pk


def closes_in_the_middle(plant: Plant, bookings: int) -> int:
    while Booking.objects.count() < bookings:
        time.sleep(0.01)
    return closes(plant)


def closes_slowly(plant: Plant) -> None:
    """Close the period after another user has read the site and before that user posts."""
    with transaction.atomic():
        periods._close(plant.site, MARCH, plant.storekeeper, "", None)
        time.sleep(A_WHILE)
    periods.count_balances(plant.site)


def books_until_closed(plant: Plant, item: str, most: int) -> int:
    """Book into the period until it is closed, and return the number of bookings."""
    for turn in range(most):
        try:
            plant.books(1, item, at=DAY)
        except PeriodClosed:
            return turn
    return most


def books_after_looking(plant: Plant) -> None:
    """Book with the site as it was read before the closing, which is running by now."""
    assert plant.site.closed_through is None
    time.sleep(A_WHILE / 2)
    plant.books(1, "BRACKET", at=DAY)


def books_slowly(plant: Plant) -> None:
    with transaction.atomic():
        plant.books(1, "BRACKET", at=DAY)
        time.sleep(A_WHILE)


def ready(plant: Plant) -> Plant:
    plant.has(1000, "BOLT")
    plant.has(1000, "TUBE")
    for item in ("BRACKET", "FRAME"):
        plant.releases(1000, item)
    return plant


def test_people_book_into_a_period_until_it_is_closed(committed_plant: Plant, committed_database: Database) -> None:
    plant = ready(committed_plant)
    booking = [(books_until_closed, item, 40) for item in ("BRACKET", "FRAME")] * 3
    *booked, closed = race(committed_database, *booking, (closes_in_the_middle, 20))
    assert all_went_through([*booked, closed])
    total = sum(one.answer for one in booked)
    assert 20 <= total < 240, "closed in the middle"
    assert Booking.objects.count() == total
    made = PeriodBalance.objects.filter(location__path="MAIN/FG", item__code__in=("BRACKET", "FRAME"))
    assert sum(made.values_list("quantity", flat=True)) == total
    assert faults(plant.site) == []


def test_a_closing_waits_for_the_booking_that_is_being_posted(
    committed_plant: Plant, committed_database: Database
) -> None:
    plant = ready(committed_plant)
    slow = Worker(committed_database, books_slowly)
    time.sleep(A_WHILE / 2)
    closing = Worker(committed_database, closes).outcome()
    assert all_went_through([slow.outcome(), closing])
    assert PeriodBalance.objects.get(closing=closing.answer, item__code="BRACKET").quantity == 1
    assert faults(plant.site) == []


def test_a_booking_that_read_the_site_before_the_closing_waits_and_is_refused(
    committed_plant: Plant, committed_database: Database
) -> None:
    plant = ready(committed_plant)
    outcomes = race(committed_database, (closes_slowly,), *[(books_after_looking,)] * 3)
    assert outcomes == [Outcome(), *[Outcome(refusal="period_closed")] * 3]
    assert not Booking.objects.exists()
    assert Site.objects.get(pk=plant.site.pk).closed_through == MARCH
    assert faults(plant.site) == []
