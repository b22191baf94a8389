"""A stream that reports everything: moves, counts, issues, returns, settlements and reversals among bookings."""

import json
from decimal import Decimal
from typing import Any

import pytest

from backflush.counts.models import CountStatus, StockCount
from backflush.counts.tolerances import ToleranceIn, set_tolerances
from backflush.ledger.models import Movement, Posting
from backflush.people.rights import Role
from backflush.people.services import known_user
from backflush.streams.line_format import answers, read_line
from backflush.streams.line_posting import LinePoster
from backflush.streams.operations import OPERATIONS
from tests.cast import Plant
from tests.doors.api.programs import program
from tests.oracle import faults
from tests.rooms.test_statement_budgets import statements_of

BOOKING = {"order": "W-BRACKET", "good": "2", "key": "B1", "at": "2026-03-02T08:00"}
MOVE = {"kind": "move", "action": "REPLENISH", "item": "BOLT", "quantity": "40", "from": "MAIN/RAW", "to": "MAIN/LINE"}
COUNT = {"kind": "count", "item": "BOLT", "location": "MAIN/LINE", "quantity": "37", "at": "2026-03-03T15:10"}


@pytest.fixture
def stocked(plant: Plant) -> Plant:
    plant.has(200, "BOLT", at="RAW")
    plant.has(50, "LUG", at="RAW")
    plant.releases(100, "BRACKET")
    return plant


def sent(plant: Plant, *lines: dict[str, Any], stream: str = "") -> list[dict[str, Any]]:
    """Send lines and return their answers."""
    read = [read_line(number, json.dumps(line).encode()) for number, line in enumerate(lines, 1)]
    results = LinePoster(plant.site, plant.storekeeper, stream).post(read)
    return list(answers(read, results, plant.site))


def test_everything_that_happens_comes_in_one_stream_in_its_order(stocked: Plant) -> None:
    known_user(name="rosa.marsh")
    told = sent(
        stocked,
        BOOKING,
        {**MOVE, "at": "2026-03-02T09:00", "key": "E1"},
        {"kind": "resolve", "of": "B1", "item": "BOLT", "quantity": "5", "remainder": "keep", "key": "E4"},
        {"kind": "cancel", "of": "B1", "item": "BOLT", "remarks": "not used", "key": "E5"},
        {**COUNT, "key": "E2", "by": "rosa.marsh", "method": "weighed"},
        {"kind": "issue", "order": "W-BRACKET", "item": "LUG", "quantity": "12", "key": "E3"},
        {"kind": "return", "order": "W-BRACKET", "item": "LUG", "quantity": "2", "key": "E7"},
        {**BOOKING, "key": "B2"},
        {"kind": "reverse", "of": "B2", "key": "E6"},
    )
    assert [answer["outcome"] for answer in told] == ["booked"] * 9
    assert [answer["kind"] for answer in told] == [
        *("booking", "move", "resolve", "cancel", "count", "issue", "return", "booking", "reverse")
    ]
    count = StockCount.objects.get()
    assert (count.counted_by.username, count.method) == ("rosa.marsh", "weighed")
    assert told[4]["difference"] == "2"
    assert stocked.balance("BOLT") == 37
    assert stocked.balance("LUG", at="RAW") == 40
    assert stocked.queue() == []
    assert faults(stocked.site) == []


def test_the_same_stream_sent_again_posts_nothing(stocked: Plant) -> None:
    lines = (
        BOOKING,
        MOVE,
        {"kind": "resolve", "of": "B1", "item": "BOLT", "quantity": "5", "remainder": "keep"},
        {"kind": "cancel", "of": "B1", "item": "BOLT", "remarks": "not used"},
        COUNT,
        {"kind": "reverse", "of": "B1"},
    )
    first = sent(stocked, *lines, stream="press")
    postings = Posting.objects.count()
    again = sent(stocked, *lines, stream="press")
    assert [answer["outcome"] for answer in again] == ["repeated"] * 6
    assert [answer["posting"] for answer in again] == [answer["posting"] for answer in first]
    assert Posting.objects.count() == postings


@pytest.mark.parametrize(
    ("line", "code", "field"),
    [
        ({**MOVE, "from": "MAIN/NOWHERE"}, "not_found", "location"),
        ({**MOVE, "quantity": "1000"}, "insufficient_stock", "quantity"),
        ({**MOVE, "quantity": "many"}, "invalid_value", "quantity"),
        ({**MOVE, "from": 7}, "invalid_value", "from"),
        ({**MOVE, "source": "MAIN/RAW"}, "invalid_value", ""),
        ({name: value for name, value in MOVE.items() if name != "to"}, "invalid_value", "to"),
        ({**COUNT, "item": "NOWHERE"}, "not_found", "item"),
        ({**COUNT, "by": "nobody"}, "not_found", "by"),
        ({**COUNT, "quantity": "1.5"}, "invalid_quantity", "quantity"),
        ({**COUNT, "at": "2999-01-01"}, "date_in_future", "at"),
        ({"kind": "resolve", "of": "B9", "item": "BOLT"}, "not_found", "of"),
        ({"kind": "resolve", "item": "BOLT"}, "invalid_value", "of"),
        ({"kind": "resolve", "of": "B1", "item": "LUG"}, "not_found", "of"),
        ({"kind": "resolve", "of": "B1", "item": "BOLT", "remainder": "lose"}, "invalid_value", "remainder"),
        ({"kind": "cancel", "of": "B1", "item": "BOLT"}, "remarks_required", "remarks"),
        ({"kind": "issue", "order": "W-NONE", "item": "LUG", "quantity": "1"}, "not_found", "order"),
        ({"kind": "return", "order": "W-BRACKET", "item": "LUG", "quantity": "1"}, "more_than_issued", "quantity"),
        ({"kind": "reverse", "of": "B9"}, "not_found", "of"),
        ({"kind": "reverse", "of": "999999"}, "not_found", "posting"),
        ({"kind": "swallow"}, "invalid_value", "kind"),
    ],
)
def test_a_faulty_line_is_refused_and_keeps_no_other_back(
    stocked: Plant, line: dict[str, Any], code: str, field: str
) -> None:
    told = sent(stocked, BOOKING, line, {**MOVE, "key": "E1"}, {**COUNT, "key": "E2"})
    assert [answer["outcome"] for answer in told] == ["booked", "refused", "booked", "booked"]
    assert (told[1]["refusals"][0]["code"], told[1]["refusals"][0]["field"]) == (code, field)


def test_a_faulty_count_among_counts_is_the_only_one_refused(stocked: Plant) -> None:
    counts = [{**COUNT, "quantity": str(quantity)} for quantity in range(7)]
    counts[3]["location"] = "MAIN/NOWHERE"
    told = sent(stocked, *counts)
    assert [answer["outcome"] for answer in told].count("booked") == 6
    assert told[3]["refusals"][0]["field"] == "location"
    assert stocked.balance("BOLT") == 6


def test_a_unit_behind_a_quantity_is_converted(stocked: Plant) -> None:
    stocked.boxes("BOLT", of=12)
    (told,) = sent(stocked, {**MOVE, "quantity": "2 BOX"})
    assert told["outcome"] == "booked"
    assert stocked.balance("BOLT") == 24


def test_a_booking_may_be_named_by_its_posting_and_a_movement_by_its_number(stocked: Plant) -> None:
    (booked,) = sent(stocked, BOOKING)
    sent(stocked, MOVE)
    waiting = Movement.objects.get(status="unresolved")
    (told,) = sent(stocked, {"kind": "resolve", "movement": waiting.pk, "item": "BOLT", "quantity": "3"})
    assert told["outcome"] == "booked"
    (told,) = sent(stocked, {"kind": "reverse", "of": str(booked["posting"])})
    assert told["outcome"] == "booked"
    assert stocked.balance("BOLT") == 40


def test_a_count_beyond_its_tolerance_says_so(stocked: Plant) -> None:
    set_tolerances([ToleranceIn(quantity_up=Decimal(1))], site=stocked.site)
    (told,) = sent(stocked, COUNT)
    assert (told["status"], told["expected"], told["difference"]) == (CountStatus.RECOUNT, "0", "37")


def test_the_api_takes_the_same_lines_and_asks_for_the_rights_of_each(stocked: Plant) -> None:
    status, told = program(stocked, Role.STORES).posts("/sites/MAIN/bookings/bulk", [BOOKING, MOVE, COUNT])
    assert (status, [answer["outcome"] for answer in told]) == (200, ["booked"] * 3)
    _, told = program(stocked, Role.OPERATOR, name="op").posts(
        "/sites/MAIN/bookings/bulk", [{**BOOKING, "key": "B3"}, MOVE, COUNT]
    )
    assert [answer["outcome"] for answer in told] == ["booked", "refused", "refused"]
    assert {answer["refusals"][0]["code"] for answer in told[1:]} == {"not_allowed"}


def test_counts_in_a_row_take_as_many_statements_for_many_as_for_few(stocked: Plant) -> None:
    def counts(number: int, day: int) -> list[dict[str, Any]]:
        return [{**COUNT, "at": f"2026-03-{day:02}", "location": f"MAIN/{place}"} for place in ("LINE", "RAW")][:number]

    few = statements_of(lambda: sent(stocked, *counts(1, 3)))
    many = statements_of(lambda: sent(stocked, *counts(2, 4)))
    assert many <= few + 1


def test_every_operation_is_described() -> None:
    for word, operation in OPERATIONS.items():
        schema = operation.inputs().schema()
        assert schema["properties"], word
        assert operation.verb
