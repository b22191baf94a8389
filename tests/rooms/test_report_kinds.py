"""The declaration of a kind of report applies at every door, and keys of earlier versions still match."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from backflush.backflushing.report_kinds import Report, ReportKind
from backflush.booking_kinds import KINDS
from backflush.core.input_values import Dialect
from backflush.core.refusals import InvalidValue
from backflush.subcontract.receipts import RECEIPTS, ReceiptIn
from backflush.works.services.booking import ON_ORDERS, BookingIn
from backflush.works.services.production_without_order import ProductionIn

SUMMER = timezone(timedelta(hours=2))
BOOKED_ONCE = [
    (
        BookingIn(order="W-1001", good=Decimal(38)),
        ("book", "18266fe0657cd221c6f32c8cc8f04052f1734d19b04d1f3a9e568e84c64d3279"),
    ),
    (
        BookingIn(
            order="W-1001",
            good=Decimal("38.500"),
            scrap=Decimal(2),
            scrap_reason="Bent",
            at=date(2026, 3, 12),
            key="a",
        ),
        ("book", "4c6b7936ecf916e27a640f2c89d1143028b9a839d8db1ad2903f1c04de10e231"),
    ),
    (
        BookingIn(
            order="W-1001",
            good=Decimal(0),
            scrap=Decimal("1E+1"),
            at=datetime(2026, 3, 12, 14, 30),  # noqa: DTZ001
            batch="B-1",
            serials=("S-2", "S-1"),
            bin="A1",
        ),
        ("book", "5c61e41eb192383ea063c8b9e6d5d2b9f7ae404d448e7f37619d81c303a22146"),
    ),
    (
        BookingIn(order="W-1001", good=Decimal(1), at=datetime(2026, 3, 12, 14, 30, 5, 250, tzinfo=SUMMER)),
        ("book", "7fa82d9c9b78f9012c507113fc8d284385e3514ea0acf519b7caa3f1d5e2dbc4"),
    ),
    (
        ProductionIn(item="PACK", good=Decimal(5)),
        ("produce", "f1548d4b5c8b1a3f6b5007df6d097ad6ec377b9c8d59fa91a55fabcbd88406eb"),
    ),
    (
        ProductionIn(
            item="PACK",
            good=Decimal("0.25"),
            scrap=Decimal("0.75"),
            scrap_reason="\u00dc",
            at=datetime(2026, 3, 12, 14, 30, tzinfo=UTC),
            batch="B",
            serials=("2", "10"),
            bin="X",
        ),
        ("produce", "4bb57d364ee3245a6e00426903f22249384a9352f517338537ec809d791e5213"),
    ),
    (
        ReceiptIn(order="P-207", accepted=Decimal(18), line=10),
        ("receive", "6d013ae48f69e31d246fb45edcc301aaad6d13339d16212e8014516e46c7517f"),
    ),
    (
        ReceiptIn(
            order="P-207",
            accepted=Decimal(18),
            rejected=Decimal(2),
            line=20,
            at=date(2026, 1, 1),
            batch="B",
            serials=("a",),
            bin="Z",
        ),
        ("receive", "3046eb7da7bd69ddeb44a662598df174de9ccb6c7c4fcab3b664095fd38a6d78"),
    ),
]
"""Reports with the digests that version 0.1 stored with their keys, before kinds were declared."""


@pytest.mark.parametrize(("report", "kept"), BOOKED_ONCE)
def test_a_key_that_was_posted_before_still_matches(report: Report, kept: tuple[str, str]) -> None:
    request = report.request()
    assert (request.operation, request.digest) == kept


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_each_input_is_declared_with_title_and_help(kind: ReportKind[Any]) -> None:
    for one in kind.inputs.all:
        assert one.title
        assert one.help.endswith(".")
    assert [one.name for one in kind.inputs.all if one.required] == [kind.inputs.subject.name]
    assert len(kind.inputs.quantities) == 2


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_the_examples_are_valid(kind: ReportKind[Any]) -> None:
    assert kind.read(kind.example).key == kind.example["key"]
    columns = {one.column: one.name for one in kind.inputs.all}
    assert kind.read({columns[name]: text for name, text in kind.row.items()}).of


def test_raw_values_become_a_report() -> None:
    raw = {"order": "W-1", "good": "1,5", "scrap": " ", "at": "2026-03-12", "serials": ["S1"], "scrap_reason": None}
    assert ON_ORDERS.read(raw, Dialect(",")) == BookingIn(
        order="W-1", good=Decimal("1.5"), at=date(2026, 3, 12), serials=("S1",)
    )
    assert RECEIPTS.read({"order": "P-1", "line": "10"}).line == 10


@pytest.mark.parametrize(
    ("raw", "field", "sentence"),
    [
        ({"good": "1"}, "order", "Works order is missing. Enter the works order number."),
        ({"order": " "}, "order", "Works order is missing. Enter the works order number."),
        ({"order": "W", "good": "x"}, "good", "'x' is not a number. Write it like 12.5."),
        ({"order": "W", "god": "1"}, "", "There is no field 'god'."),
        ({"order": 1}, "order", "order must be text in quotes."),
        ({"order": "W\0"}, "order", "This text contains a NUL character."),
    ],
)
def test_an_unreadable_value_is_refused_at_its_field(raw: Mapping[str, Any], field: str, sentence: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        ON_ORDERS.read(raw)
    assert refused.value.field == field
    assert refused.value.sentence.startswith(sentence)


def test_every_unreadable_input_is_named() -> None:
    with pytest.raises(InvalidValue) as refused:
        ON_ORDERS.read({"order": "W", "good": "x", "scrap": "1_0", "at": "soon"})
    assert refused.value.field == "good"
    assert len(refused.value.details) == 2
    assert refused.value.details[0] == "'1_0' is not a number. Write it like 12.5."
