"""What the interfaces share: the status of every refusal, and its JSON."""

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from http import HTTPStatus
from pathlib import Path

import pytest

from backflush.core.failures import Failed
from backflush.core.moves import Status
from backflush.core.refusals import (
    Archived,
    DatabaseUnreachable,
    InvalidQuantity,
    InvalidValue,
    NotAllowed,
    NotFound,
    OrderNotOpen,
    Refusal,
)
from backflush.core.sentences import Count, Sentence
from backflush.delivery.payloads import as_text, refusal_payload
from backflush.delivery.refusals import RequestRefusal, status_of


class Teapot(RequestRefusal):
    """A refusal with a status of its own."""

    status = HTTPStatus.IM_A_TEAPOT


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (InvalidValue("Wrong.", field="good"), 422),
        (OrderNotOpen("Closed.", field="order"), 409),
        (NotAllowed("No."), 403),
        (NotFound("Nothing here."), 404),
        (NotFound("No such site.", field="site"), 404),
        (NotFound("No such item.", field="item"), 422),
        (Archived("In a file.", field="site"), 410),
        (Archived("In a file.", field="key"), 422),
        (DatabaseUnreachable("Away."), 503),
        (Failed("A fault."), 500),
        (Teapot("No coffee.", field="site"), 418),
        (Refusal("No family."), 422),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Refusal) else str(value),
)
def test_the_family_of_a_refusal_decides_its_status(refusal: Refusal, status: int) -> None:
    assert status_of(refusal, address=["site"]) == status


def test_a_refusal_as_json_has_its_values() -> None:
    refusal = InvalidQuantity(
        "{item} {quantity} {day} {status} {count} {ratio} {file} {names} {nearest} {nothing}",
        item="BOLT",
        quantity=Decimal("40.00"),
        day=date(2026, 3, 3),
        status=Status.UNRESOLVED,
        count=Count(12345),
        ratio=Fraction(1, 3),
        file=Path("notes.txt"),
        names=("A", Decimal("0.50")),
        nearest=Sentence("{below} or {above}", below=Decimal(2), above=Decimal(3)),
        nothing=None,
        field="quantity",
        details=[Sentence("{item} too.", item="LUG")],
    )
    assert json.loads(json.dumps(refusal_payload(refusal))) == {
        "code": "invalid_quantity",
        "field": "quantity",
        "sentence": "BOLT 40 3 Mar 2026 unresolved 12,345 1/3 notes.txt A, 0.5 2 or 3 None",
        "params": {
            "item": "BOLT",
            "quantity": "40",
            "day": "2026-03-03",
            "status": "unresolved",
            "count": 12345,
            "ratio": "1/3",
            "file": "notes.txt",
            "names": ["A", "0.5"],
            "nearest": "2 or 3",
            "nothing": None,
        },
        "details": ["LUG too."],
    }


def test_what_has_no_form_in_json_is_an_error() -> None:
    with pytest.raises(TypeError, match="can't be written as JSON"):
        as_text(object())
