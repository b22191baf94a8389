"""Numbers of 5,000 digits, changed page marks and days of the years 1 and 9999 are refused: never a server error."""

import base64
import json
from http import HTTPStatus
from typing import Any, Final

import pytest
from django.test import Client
from django.urls import reverse

from backflush.core.moves import Status
from backflush.ledger.models import Movement
from backflush.people.rights import Role
from tests.cast import Plant
from tests.doors.api.programs import program
from tests.doors.web.visitors import signed_in, text_of

LONG: Final = "9" * 5_000
NUMBERS: Final = [LONG, "9" * 19, "1_0", "\u0661", "\uff11", "\u00b2", "-1", "1e9", "", " ", "0x1"]
DAYS: Final = ["0001-01-01", "9999-12-31", "0000-00-00", "\u0662026-01-01", "2026-02-30", LONG]


@pytest.fixture
def client(plant: Plant) -> Client:
    """Everything may be seen and done; something is unresolved, and there is a purchase order."""
    plant.releases(10, "BRACKET")
    plant.books(2, "BRACKET")
    plant.buys(10, "PLATED")
    plant.receives(1, "PLATED")
    return signed_in(plant, Role.ADMINISTRATOR)


def mark(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


EARLY, LATE = '"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-23:59"'
MARKS: Final = [
    *("x", "=", "%00", "\u0661", "9" * 5_000, mark("["), mark("null"), mark("[]"), mark("{}")),
    mark("[" * 100_000),
    mark('[0, ["a"], 1, 1]'),
    *(mark(f"[0, {value}]") for value in ("1e999", "NaN", "Infinity", "null", "true", "9" * 5_000, "9" * 19, '"x"')),
    *(mark(f"[0, {value}, 1]") for value in (EARLY, LATE, '"\\u0000"')),
    *(mark(f"[0, {value}, 1, 1]") for value in (EARLY, LATE, '"\\ud800"')),
    *(mark(f"[{value}, 1]") for value in ("9" * 30, "-1", "0.5", '"0"', "1e0")),
    *(mark(json.dumps([0, value])) for value in ("\0", "a" * 3_000, "\U0001f600", "\ud800")),
]
LISTS: Final = [
    *("unresolved", "stock", "items", "orders", "purchase-orders", "receipts", "balances", "periods", "archives"),
]
SHOWN_OR_REFUSED: Final = {HTTPStatus.OK, HTTPStatus.FOUND, HTTPStatus.UNPROCESSABLE_ENTITY}


@pytest.mark.parametrize("name", LISTS)
def test_a_changed_mark_of_a_page_is_refused(client: Client, name: str) -> None:
    for changed in MARKS:
        for direction in ("after", "before"):
            status = client.get(reverse(name), {direction: changed}).status_code
            assert status in {HTTPStatus.OK, HTTPStatus.FOUND, HTTPStatus.UNPROCESSABLE_ENTITY}, (
                direction,
                changed[:80],
            )


def test_a_changed_mark_of_the_api_is_refused(plant: Plant, client: Client) -> None:
    comes_in = program(plant, Role.ADMINISTRATOR)
    for changed in MARKS:
        status, body = comes_in.gets("/sites/MAIN/unresolved", after=changed)
        assert status in SHOWN_OR_REFUSED, (changed[:80], body)


ASKED: Final = [
    ("unresolved", "open"),
    ("unresolved", "settled"),
    ("unresolved", "days"),
    ("stock", "count"),
    ("book", "booked"),
    ("book", "undone"),
    ("produce", "done"),
    ("find", "q"),
    ("retry-page", "arrived"),
    ("home", "place"),
]


@pytest.mark.parametrize(("name", "field"), ASKED)
@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_in_an_address_is_read_or_refused(client: Client, name: str, field: str, text: str) -> None:
    assert client.get(reverse(name), {field: text}).status_code < HTTPStatus.INTERNAL_SERVER_ERROR


@pytest.mark.parametrize(
    "address",
    ["/stock/movements/{}/", "/stock/postings/{}/", "/unresolved/{}/", "/audit/archives/{}/", "/items/orders/{}/"],
)
@pytest.mark.parametrize("number", [LONG, "9" * 19, "9" * 18, "0"])
def test_a_number_as_an_address_is_not_found(client: Client, address: str, number: str) -> None:
    assert client.get(address.format(number)).status_code < HTTPStatus.INTERNAL_SERVER_ERROR


@pytest.mark.parametrize(
    ("name", "field"),
    [("unresolved", "until"), ("stock", "since"), ("stock", "until"), ("balances", "on"), ("periods", "through")],
)
@pytest.mark.parametrize("day", DAYS)
def test_a_day_in_an_address_is_taken_or_refused(client: Client, name: str, field: str, day: str) -> None:
    assert client.get(reverse(name), {field: day}).status_code < HTTPStatus.INTERNAL_SERVER_ERROR


POSTED: Final[list[tuple[str, dict[str, Any]]]] = [
    ("cancel", {"pick": [LONG, "\u0661"], "remarks": "x"}),
    ("retry", {"pick": LONG}),
    ("undo-settling", {"posting": LONG}),
    ("book-undo", {"posting": LONG}),
    ("move-undo", {"posting": LONG}),
    ("arrange", {"add": "works-orders", "place": LONG, "width": LONG}),
    ("order-create", {"item": "BRACKET", "quantity": LONG, "start_date": "0001-01-01"}),
    ("purchase-order-create", {"number": "P", "item-0": "PLATED", "number-0": LONG, "quantity-0": "1"}),
    ("receive-post", {"order": "P-PLATED", "line": LONG, "accepted": "1"}),
    ("period-close", {"through": "0001-01-01", "waiting": LONG, "although": "on"}),
    ("opening-post", {"source": "MAIN/RAW", "item": "BOLT", "quantity": LONG, "at": "0001-01-01"}),
]


@pytest.mark.parametrize(("name", "typed"), POSTED)
def test_a_number_in_a_form_is_refused(client: Client, name: str, typed: dict[str, Any]) -> None:
    assert client.post(reverse(name), typed).status_code < HTTPStatus.INTERNAL_SERVER_ERROR


def test_an_item_of_a_closed_purchase_order_shows_its_orders(plant: Plant, client: Client) -> None:
    client.post(reverse("purchase-order-close-now", args=["P-PLATED"]))
    assert "P-PLATED" in text_of(client.get(reverse("item-orders", args=["PLATED"])))


def test_a_movement_that_never_waited_opens_no_panel(plant: Plant, client: Client) -> None:
    moved = Movement.objects.filter(status=Status.OK).latest("pk")
    response = client.get(reverse("unresolved"), {"open": str(moved.pk)})
    assert response.status_code in {*SHOWN_OR_REFUSED, HTTPStatus.NOT_FOUND}
