"""An internal error in one line of a stream refuses that line alone; the keys of lines are no caller's."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection

from backflush.backflushing.models import Booking
from backflush.backflushing.report_kinds import Subject
from backflush.backflushing.stream import Booker, StreamLine
from backflush.booking_kinds import KINDS
from backflush.core.refusals import InvalidValue
from backflush.ledger.idempotency import STREAM_MARK, require_own_key
from backflush.ledger.models import Key
from backflush.stockmap.models import Site
from backflush.works.selectors import orders_found
from backflush.works.services.booking import BookableOrders, BookingIn, ProductionOnOrders, book_production
from tests.cast import DAY, Plant


class BrokenOrders(BookableOrders):
    """Orders of which one divides by zero."""

    def subject(self, report: BookingIn) -> Subject:
        """Fail for the scrap reason that says so."""
        if report.scrap_reason == "broken":
            raise ZeroDivisionError
        return super().subject(report)


class BrokenKind(ProductionOnOrders):
    """Bookings with a fault of the program in one of them."""

    def subjects(self, reports: Sequence[BookingIn], *, site: Site, lock: bool) -> BrokenOrders:
        """Return the orders of some reports."""
        return BrokenOrders(site, *orders_found(site, [report.order for report in reports], lock=lock))


def line(number: int, **more: Any) -> StreamLine:
    return StreamLine(number, BookingIn(order="W-BRACKET", good=Decimal(1), at=DAY, **more))


@pytest.fixture
def order(plant: Plant) -> None:
    """An open order."""
    plant.releases(100, "BRACKET")


@pytest.mark.usefixtures("order")
@pytest.mark.parametrize("size", [1, 2, 7])
def test_a_failure_in_one_line_refuses_that_line_with_a_reference(
    plant: Plant, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    booker = Booker([BrokenKind()], plant.site, plant.storekeeper)
    lines = [line(number, scrap_reason="broken" if number == size else "") for number in range(1, size + 1)]
    with caplog.at_level(logging.ERROR):
        results = booker.book_chunk(lines)
    assert [result.booking is not None for result in results] == [True] * (size - 1) + [False]
    (refusal,) = results[-1].refusals
    assert refusal.code == "failed"
    reference = refusal.params["reference"]
    assert any(str(reference) in record.getMessage() and record.exc_info for record in caplog.records)
    assert Booking.objects.count() == size - 1


@pytest.mark.usefixtures("order")
def test_a_database_that_is_away_breaks_the_stream_off(plant: Plant) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("the server closed the connection")

    booker = Booker(KINDS, plant.site, plant.storekeeper, "press")
    with connection.execute_wrapper(away), pytest.raises(OperationalError):
        booker.book_chunk([line(1), line(2)])
    assert [result.booking is not None for result in booker.book_chunk([line(1), line(2)])] == [True, True]


@pytest.mark.usefixtures("order")
def test_a_line_of_a_stream_and_a_booking_have_different_keys(plant: Plant) -> None:
    booker = Booker(KINDS, plant.site, plant.storekeeper, "press")
    (first,) = booker.book_chunk([line(1)])
    single = BookingIn(order="W-BRACKET", good=Decimal(1), at=DAY, key="press 1")
    assert book_production(single, site=plant.site, by=plant.storekeeper).pk != first.booking.pk  # type: ignore[union-attr]
    (again,) = booker.book_chunk([line(1)])
    assert (again.repeated, again.booking.pk) == (True, first.booking.pk)  # type: ignore[union-attr]
    assert Booking.objects.count() == 2


@pytest.mark.usefixtures("order")
def test_a_booking_first_and_the_line_of_a_stream_then_are_two(plant: Plant) -> None:
    single = BookingIn(order="W-BRACKET", good=Decimal(1), at=DAY, key="press 1")
    book_production(single, site=plant.site, by=plant.storekeeper)
    (result,) = Booker(KINDS, plant.site, plant.storekeeper, "press").book_chunk([line(1)])
    assert not result.repeated
    assert Booking.objects.count() == 2


@pytest.mark.usefixtures("order")
def test_lines_that_were_posted_before_the_upgrade_are_recognised(plant: Plant) -> None:
    single = BookingIn(order="W-BRACKET", good=Decimal(1), at=DAY)
    for number in (1, 2):
        book_production(replace(single, key=f"press {number}"), site=plant.site, by=plant.storekeeper)
    plant.site.spaced_keys_through = Key.objects.latest("pk").pk
    booker = Booker(KINDS, plant.site, plant.storekeeper, "press")
    assert [result.repeated for result in booker.book_chunk([line(1), line(2), line(3)])] == [True, True, False]
    assert Booking.objects.count() == 3
    book_production(replace(single, key="press 4"), site=plant.site, by=plant.storekeeper)
    assert not booker.book_chunk([line(4)])[0].repeated


def test_no_caller_may_have_a_key_of_a_stream() -> None:
    assert require_own_key("press 7/4711") == "press 7/4711"
    with pytest.raises(InvalidValue) as refused:
        require_own_key(f"press{STREAM_MARK}1")
    assert refused.value.field == "key"
