"""A stream of bookings of all kinds: in chunks, with a result for every line; refused lines don't stop the others."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from backflush.backflushing.booking import ReportResult
from backflush.backflushing.models import Booking
from backflush.backflushing.stream import CHUNK, Booker, StreamLine
from backflush.booking_kinds import KINDS
from backflush.core.lifecycle import OrderStatus
from backflush.core.moves import Process
from backflush.core.refusals import InvalidValue
from backflush.subcontract.models import PurchaseOrder
from backflush.subcontract.receipts import ReceiptIn
from backflush.subcontract.services import close_order
from backflush.works.services.booking import BookingIn
from backflush.works.services.production_without_order import ProductionIn
from backflush.works.services.transitions import complete_order
from tests.cast import DAY, Plant
from tests.oracle import faults
from tests.rooms.test_statement_budgets import MOST, statements_of


def streamed(plant: Plant, reports: Sequence[Any], *, stream: str = "", chunk: int = CHUNK) -> list[ReportResult]:
    lines = (StreamLine(number, report) for number, report in enumerate(reports, 1))
    return [*Booker(KINDS, plant.site, plant.storekeeper, stream).book(lines, chunk=chunk)]


def told(outcomes: Sequence[ReportResult]) -> list[str]:
    """Return the outcome of each line in a word, or the codes of its refusals."""
    return [
        " ".join(one.code for one in outcome.refusals) or ("repeated" if outcome.repeated else "booked")
        for outcome in outcomes
    ]


def brackets(plant: Plant, count: int, **more: Any) -> list[BookingIn]:
    return [plant.booking(1, "BRACKET", **more) for _ in range(count)]


def missing(number: str = "NOT THERE") -> BookingIn:
    return BookingIn(order=number, good=Decimal(1), at=DAY)


def test_every_line_is_booked_in_the_order_of_the_stream(plant: Plant) -> None:
    plant.has(10, "BOLT")
    outcomes = streamed(plant, brackets(plant, 5), chunk=2)
    assert told(outcomes) == ["booked"] * 5
    postings = [outcome.booking.posting_id for outcome in outcomes if outcome.booking]
    assert postings == sorted(postings)
    # The first two found their four bolts each, the third and later ones two.
    assert plant.waiting() == ["BOLT 4 short"] * 3
    assert faults(plant.site) == []


def test_a_refused_line_does_not_stop_the_others(plant: Plant) -> None:
    reports: list[Any] = brackets(plant, 7)
    reports[0] = missing()
    reports[3] = plant.booking(0, "BRACKET")
    reports[6] = plant.booking(1, "BRACKET", batch="B" * 999)
    outcomes = streamed(plant, reports)
    assert [outcome.booking is not None for outcome in outcomes] == [False, True, True, False, True, True, False]
    assert told(outcomes)[0] == "not_found"
    assert told(outcomes)[3] == "invalid_quantity"
    assert Booking.objects.count() == 4
    assert faults(plant.site) == []


def test_a_refused_line_names_all_its_faults(plant: Plant) -> None:
    twice_wrong = BookingIn(order=plant.order_number("BRACKET"), good=Decimal("1.5"), scrap=Decimal(-1), at=DAY)
    outcomes = streamed(plant, [*brackets(plant, 2), twice_wrong])
    assert {refusal.field for refusal in outcomes[2].refusals} == {"good", "scrap"}
    assert all(refusal.sentence.endswith(".") for refusal in outcomes[2].refusals)


def test_an_unreadable_line_has_an_outcome_in_its_place(plant: Plant) -> None:
    one, two = brackets(plant, 2)
    outcomes = streamed(plant, [one, InvalidValue("This is no booking.", field=""), two])
    assert told(outcomes) == ["booked", "invalid_value", "booked"]
    assert told(streamed(plant, [InvalidValue("This is no booking.")])) == ["invalid_value"]


def test_a_refusal_that_occurs_only_during_posting_is_assigned_to_its_line(plant: Plant) -> None:
    """The check before posting doesn't read structures, so it can't find a line whose source is its target."""
    plant.action("GO ROUND", "backflush", "RAW", "LINE")
    plant.type_code("ROUND", completion="COMPLETE", backflush="GO ROUND")
    plant.stocks("RING", component_class="M", type_code="ROUND")
    plant.consists("RING", plant.line(10, "BOLT", 1, source="LINE"))
    reports = brackets(plant, 9)
    reports[4] = plant.booking(1, "RING")
    outcomes = streamed(plant, reports)
    assert told(outcomes) == ["booked"] * 4 + ["same_location"] + ["booked"] * 4
    assert faults(plant.site) == []


def test_the_stream_sent_again_posts_nothing_twice(plant: Plant) -> None:
    reports: list[Any] = [*brackets(plant, 4), missing(), *brackets(plant, 2, key="own")]
    first = streamed(plant, reports, stream="shift 7", chunk=3)
    assert told(first) == [*["booked"] * 4, "not_found", "booked", "repeated"]
    again = streamed(plant, reports, stream="shift 7", chunk=4)
    assert told(again) == [*["repeated"] * 4, "not_found", "repeated", "repeated"]
    assert [one.booking and one.booking.posting_id for one in again] == [
        one.booking and one.booking.posting_id for one in first
    ]
    assert Booking.objects.count() == 5


def test_the_same_stream_under_another_name_is_another(plant: Plant) -> None:
    streamed(plant, brackets(plant, 2), stream="monday")
    assert told(streamed(plant, brackets(plant, 2), stream="tuesday")) == ["booked", "booked"]
    assert told(streamed(plant, brackets(plant, 2))) == ["booked", "booked"]
    assert Booking.objects.count() == 6


def test_a_key_used_for_something_else_is_refused_for_its_line_alone(plant: Plant) -> None:
    plant.books(5, "BRACKET", key="taken")
    reports = [*brackets(plant, 2), plant.booking(6, "BRACKET", key="taken"), plant.booking(5, "BRACKET", key="taken")]
    assert told(streamed(plant, reports)) == ["booked", "booked", "key_reused", "repeated"]


def test_a_repeated_line_is_answered_with_its_first_outcome(plant: Plant) -> None:
    reports = brackets(plant, 2)
    streamed(plant, reports, stream="S")
    complete_order(site=plant.site, number=plant.order_number("BRACKET"), by=plant.storekeeper)
    outcomes = streamed(plant, [*reports, *brackets(plant, 1)], stream="S")
    assert told(outcomes) == ["repeated", "repeated", "order_not_open"]


@pytest.mark.parametrize("chunk", [1, 2, 3, 10])
def test_a_full_order_takes_no_more_bookings_wherever_the_chunks_end(plant: Plant, chunk: int) -> None:
    plant.completes_when_full()
    plant.releases(3, "BRACKET")
    plant.releases(50, "TRAY")
    reports = [*brackets(plant, 4), plant.booking(1, "TRAY"), *brackets(plant, 1)]
    assert told(streamed(plant, reports, chunk=chunk)) == [
        *["booked"] * 3,
        "order_not_open",
        "booked",
        "order_not_open",
    ]
    assert (plant.cost_object("BRACKET").good, plant.order("BRACKET").status) == (3, OrderStatus.COMPLETE)


def test_a_chunk_is_booked_only_when_its_outcome_is_requested(plant: Plant) -> None:
    def endless() -> Iterator[StreamLine]:
        number = 0
        while True:
            number += 1
            yield StreamLine(number, plant.booking(1, "BRACKET"))

    outcomes = Booker(KINDS, plant.site, plant.storekeeper).book(endless(), chunk=3)
    assert Booking.objects.count() == 0
    next(outcomes)
    assert Booking.objects.count() == 3


def test_a_chunk_without_fault_takes_no_more_statements_than_one_booking(plant: Plant) -> None:
    plant.has(1000, "BOLT")
    streamed(plant, brackets(plant, 1))
    few, many = brackets(plant, 2), brackets(plant, 200)
    assert statements_of(lambda: streamed(plant, many)) == statements_of(lambda: streamed(plant, few))


def test_a_refused_line_costs_its_chunk_a_few_statements_for_any_number_of_lines(plant: Plant) -> None:
    plant.has(1000, "BOLT")
    streamed(plant, brackets(plant, 1))

    def with_one_at_fault(count: int) -> list[BookingIn]:
        reports = brackets(plant, count)
        reports[count // 2] = missing()
        return reports

    few, many = with_one_at_fault(8), with_one_at_fault(200)
    assert statements_of(lambda: streamed(plant, many)) == statements_of(lambda: streamed(plant, few))


def test_lines_without_keys_and_stream_post_as_often_as_they_come(plant: Plant) -> None:
    reports = brackets(plant, 2)
    streamed(plant, [*reports, *reports])
    assert Booking.objects.count() == 4


# Receipts and productions


def platings(plant: Plant, count: int, *, orders: int = 1, **more: Any) -> list[ReceiptIn]:
    """Return receipts of one piece each on several purchase orders in turn."""
    numbers = [f"P-{turn}" for turn in range(orders)]
    for number in numbers:
        if not PurchaseOrder.objects.filter(number=number).exists():
            plant.buys(1000, "PLATED", number=number)
    return [plant.receipt(1, numbers[turn % orders], **more) for turn in range(count)]


def packs(plant: Plant, count: int, **more: Any) -> list[ProductionIn]:
    return [plant.production(1, "PACK", **more) for _ in range(count)]


def test_every_receipt_is_booked_in_the_order_of_the_stream(plant: Plant) -> None:
    plant.has(10, "LUG", at="ACME/STOCK")
    outcomes = streamed(plant, platings(plant, 5, orders=2), chunk=2)
    assert told(outcomes) == ["booked"] * 5
    postings = [outcome.booking.posting_id for outcome in outcomes if outcome.booking]
    assert postings == sorted(postings)
    assert plant.waiting() == ["LUG 4 short"] * 3
    assert (plant.balance("PLATED", at="FG"), plant.balance("LUG", at="ACME/STOCK")) == (5, 2)
    assert faults(plant.site) == []


def test_reports_of_all_kinds_are_posted_together_in_order(plant: Plant) -> None:
    """A report doesn't find stock that an earlier one took, whatever their kinds."""
    plant.has(12, "BOLT")
    plant.has(4, "LUG")
    plant.has(4, "LUG", at="ACME/STOCK")
    mixed = [*brackets(plant, 1), *platings(plant, 1), *packs(plant, 2), *brackets(plant, 1), *platings(plant, 1)]
    outcomes = streamed(plant, mixed)
    assert told(outcomes) == ["booked"] * 6
    assert [outcome.booking and outcome.booking.posting.process for outcome in outcomes] == [
        Process.WORKS_ORDER,
        Process.GOODS_RECEIVED,
        Process.PRODUCTION,
        Process.PRODUCTION,
        Process.WORKS_ORDER,
        Process.GOODS_RECEIVED,
    ]
    assert plant.waiting() == ["BOLT 8 short", "BOLT 4 short", "LUG 4 short"]
    assert faults(plant.site) == []


def test_a_refused_receipt_or_production_does_not_stop_the_others(plant: Plant) -> None:
    plant.buys(5, "PLATED", number="P-SHUT")
    close_order(site=plant.site, number="P-SHUT", by=plant.storekeeper)
    reports: list[Any] = [*platings(plant, 3), *packs(plant, 2), *brackets(plant, 2)]
    reports[1:1] = [plant.receipt(1, "P-NONE"), plant.receipt(1, "P-SHUT"), plant.receipt(0, "P-0")]
    reports[5:5] = [plant.production(1, "BOLT"), plant.production(1, "NOTHING"), plant.receipt(1, "P-0", line=99)]
    assert told(streamed(plant, reports)) == [
        *("booked", "not_found", "order_not_open", "invalid_quantity", "booked"),
        *("wrong_class", "not_found", "not_found", "booked"),
        *["booked"] * 4,
    ]
    assert Booking.objects.count() == 7
    assert faults(plant.site) == []


def test_a_refused_receipt_names_all_its_faults(plant: Plant) -> None:
    twice_wrong = ReceiptIn(order="P-0", accepted=Decimal("0.5"), rejected=Decimal(-1), at=date(2999, 1, 1))
    outcomes = streamed(plant, [*platings(plant, 2), twice_wrong])
    assert {refusal.field for refusal in outcomes[2].refusals} == {"accepted", "rejected", "at"}


def test_a_missing_conversion_refuses_only_the_receipt_that_needs_it(plant: Plant) -> None:
    reports = platings(plant, 6)
    plant.stocks("LEAF", "S", "SUBCON")
    plant.buys(10, "LEAF")
    plant.consists("LEAF", plant.line(10, "LUG", 1, "KG"))
    reports[2:2] = [plant.receipt(1, "LEAF")]
    outcomes = streamed(plant, reports)
    assert told(outcomes) == ["booked", "booked", "no_conversion", *["booked"] * 4]


def test_receipts_sent_again_post_nothing_twice_whether_or_not_they_name_their_line(plant: Plant) -> None:
    reports = [*platings(plant, 2), *packs(plant, 1)]
    named = [*(replace(one, line=10) for one in platings(plant, 2)), *packs(plant, 1)]
    first = streamed(plant, reports, stream="gate")
    close_order(site=plant.site, number="P-0", by=plant.storekeeper)
    again = streamed(plant, named, stream="gate", chunk=2)
    assert (told(first), told(again)) == (["booked"] * 3, ["repeated"] * 3)
    assert [one.booking and one.booking.posting_id for one in again] == [
        one.booking and one.booking.posting_id for one in first
    ]


def test_one_key_is_for_one_report_of_any_kind(plant: Plant) -> None:
    plant.books(1, "BRACKET", key="taken")
    plant.receives(1, platings(plant, 1)[0].order, key="in")
    reports = [*platings(plant, 1, key="taken"), *packs(plant, 1, key="in"), *platings(plant, 1, key="in")]
    assert told(streamed(plant, reports)) == ["key_reused", "key_reused", "repeated"]


@pytest.mark.parametrize("make", [platings, packs], ids=["receipts", "productions"])
def test_a_chunk_of_receipts_takes_no_more_statements_than_one(plant: Plant, make: Any) -> None:
    plant.has(10_000, "LUG", at="ACME/STOCK")
    plant.has(10_000, "LUG")
    plant.has(10_000, "BOLT")
    many_orders = {"orders": 50} if make is platings else {}
    streamed(plant, make(plant, 100, **many_orders))
    few, many = make(plant, 2, **many_orders), make(plant, 200, **many_orders)
    alone = statements_of(lambda: streamed(plant, few))
    assert statements_of(lambda: streamed(plant, many)) == alone
    assert alone <= MOST["receive"] if make is platings else MOST["produce"]


def test_a_chunk_of_all_kinds_takes_the_statements_of_each_kind_once(plant: Plant) -> None:
    def mixed(count: int) -> list[Any]:
        return [
            one
            for three in zip(brackets(plant, count), platings(plant, count), packs(plant, count), strict=True)
            for one in three
        ]

    streamed(plant, mixed(1))
    few, many = mixed(2), mixed(60)
    assert statements_of(lambda: streamed(plant, many)) == statements_of(lambda: streamed(plant, few))


def test_a_refused_receipt_costs_its_chunk_a_few_statements_for_any_number_of_lines(plant: Plant) -> None:
    def with_one_at_fault(count: int) -> list[ReceiptIn]:
        reports = platings(plant, count)
        reports[count // 2] = plant.receipt(1, "P-NONE")
        return reports

    streamed(plant, platings(plant, 1))
    few, many = with_one_at_fault(8), with_one_at_fault(200)
    assert statements_of(lambda: streamed(plant, many)) == statements_of(lambda: streamed(plant, few))
