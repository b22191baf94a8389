"""The booking page: preview, posting, undo and refusals."""

import re
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backflush.backflushing.models import Booking
from backflush.people.rights import Role
from tests.cast import Plant
from tests.doors.web.visitors import signed_in, statements, text_of


@pytest.fixture
def operator(plant: Plant) -> Client:
    """An operator with an order of brackets, each of four bolts, and eight bolts at the line."""
    plant.has(8, "BOLT")
    plant.releases(100, "BRACKET")
    return signed_in(plant, Role.OPERATOR)


def key_of(text: str) -> str:
    """Return the idempotency key in a form on the page."""
    found = re.search(r'name="key" value="([^"]+)"', text)
    assert found
    return found.group(1)


def books(client: Client, **typed: str) -> Any:
    """Press *Book*."""
    page = text_of(client.get(reverse("book"), {"order": "W-BRACKET"}))
    return client.post(reverse("book-post"), {"order": "W-BRACKET", "key": key_of(page), **typed})


def test_the_booking_page_opens_without_input(operator: Client) -> None:
    text = text_of(operator.get(reverse("book"), {"order": "W-BRACKET"}))
    assert "Enter what was made" in text
    assert "100 to go" in text


def test_the_preview_shows_what_is_short_and_the_largest_good_quantity(operator: Client) -> None:
    text = text_of(operator.get(reverse("booking-preview"), {"order": "W-BRACKET", "good": "3"}))
    assert "BOLT is 4 short." in text
    assert "With 2 good, nothing runs short." in text
    assert "Book 3 good" in text
    assert not Booking.objects.exists()


def test_more_than_the_ordered_quantity_is_pointed_out_and_not_refused(operator: Client) -> None:
    text = text_of(operator.get(reverse("booking-preview"), {"order": "W-BRACKET", "good": "101"}))
    assert "more than the 100 to go" in text


def test_booking_posts_once_however_often_the_button_is_pressed(plant: Plant, operator: Client) -> None:
    page = text_of(operator.get(reverse("book"), {"order": "W-BRACKET"}))
    typed = {"order": "W-BRACKET", "key": key_of(page), "good": "2", "scrap": "", "expected_waiting": "0"}
    first, second = (operator.post(reverse("book-post"), typed) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert Booking.objects.count() == 1
    assert plant.balance("BOLT") == 0
    assert "Booked 2 good on W-BRACKET" in text_of(operator.get(first.headers["Location"]))


def test_the_page_says_what_is_unresolved_although_the_preview_differed(operator: Client) -> None:
    response = books(operator, good="3", expected_waiting="0")
    text = text_of(operator.get(response.headers["Location"]))
    assert "1 component is unresolved." in text
    assert "The preview showed 0; stock has moved since." in text


def test_undo_reverses_everything(plant: Plant, operator: Client) -> None:
    response = books(operator, good="2", scrap="0")
    text = text_of(operator.get(response.headers["Location"]))
    posting = re.search(r'name="posting" value="(\d+)"', text)
    assert posting
    done = operator.post(reverse("book-undo"), {"posting": posting.group(1), "key": key_of(text)})
    assert "Booking on W-BRACKET reversed. All stock is back where it was." in text_of(
        operator.get(done.headers["Location"])
    )
    assert plant.balance("BOLT") == Decimal(8)


def test_an_operator_reverses_only_own_bookings_of_the_day(plant: Plant, operator: Client) -> None:
    earlier = plant.books(1, "BRACKET")
    response = operator.post(reverse("book-undo"), {"posting": earlier.posting_id})
    assert "supervisor" in text_of(response, HTTPStatus.FORBIDDEN)
    assert plant.balance("BOLT") == Decimal(4)
    supervisor = signed_in(plant, Role.SUPERVISOR, name="sue")
    assert supervisor.post(reverse("book-undo"), {"posting": earlier.posting_id}).status_code == HTTPStatus.FOUND


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"good": "", "scrap": ""}, "good", "BRACKET: enter a quantity, good or scrap."),
        ({"good": "1.5"}, "good", "is counted in whole pieces. Enter 1 or 2."),
        ({"good": "two"}, "good", "is not a number"),
        ({"good": "1", "at": "2999-01-01T10:00"}, "at", "is in the future"),
    ],
)
def test_a_refusal_is_shown_at_its_field_and_the_input_is_kept(
    operator: Client, typed: dict[str, str], field: str, sentence: str
) -> None:
    text = text_of(books(operator, **{"scrap": "7", **typed}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert f'id="{field}-error"' in text
    assert sentence in text
    assert f'value="{typed.get("scrap", "7")}"' in text or not typed.get("scrap", "7")
    assert not Booking.objects.exists()


def test_an_order_that_takes_no_bookings_says_why(plant: Plant, operator: Client) -> None:
    plant.orders(5, "BRACKET", number="W-NEW")
    assert "W-NEW is new. Release it first." in text_of(operator.get(reverse("book"), {"order": "W-NEW"}))
    response = operator.post(reverse("book-post"), {"order": "W-NEW", "good": "1"})
    assert response.status_code == HTTPStatus.CONFLICT


def test_an_unknown_number_is_refused_at_the_field_that_it_was_scanned_into(operator: Client) -> None:
    text = text_of(operator.get(reverse("book"), {"order": "W-404"}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "There is no works order W-404." in text


def test_numbers_are_read_as_people_write_them(plant: Plant, operator: Client) -> None:
    plant.has(4000, "BOLT", at="RAW")
    text = text_of(operator.get(reverse("booking-preview"), {"order": "W-BRACKET", "good": "1000 EA"}))
    assert "Book 1,000 good" in text


@pytest.mark.parametrize("role", [role for role in Role if role not in {"operator", "stores", "supervisor"}])
def test_booking_needs_its_right(plant: Plant, role: Role) -> None:
    plant.releases(100, "BRACKET")
    client = signed_in(plant, role)
    expected = HTTPStatus.FOUND if role is Role.ADMINISTRATOR else HTTPStatus.FORBIDDEN
    response = client.post(reverse("book-post"), {"order": "W-BRACKET", "good": "1", "key": "k"})
    assert response.status_code == expected
    assert Booking.objects.exists() == (role is Role.ADMINISTRATOR)


def test_the_page_costs_the_same_for_a_long_structure(plant: Plant, operator: Client) -> None:
    asked = {"order": "W-BRACKET", "good": "1"}
    operator.get(reverse("book"), asked)
    with statements(26):
        text_of(operator.get(reverse("book"), asked))
    for number in range(30):
        plant.stocks(f"PART-{number}")
    plant.consists("BRACKET", *(plant.line(number + 1, f"PART-{number}", 1) for number in range(30)))
    plant.releases(10, "BRACKET", number="W-LONG")
    with statements(26):
        text = text_of(operator.get(reverse("book"), {"order": "W-LONG", "good": "1"}))
    assert "30 components are short." in text


def test_scanning_a_works_order_opens_its_booking(operator: Client) -> None:
    response = operator.get(reverse("find"), {"q": "W-BRACKET"})
    assert response.headers["Location"] == f"{reverse('book')}?order=W-BRACKET"
    assert "Nothing has the code or number W-404" in text_of(operator.get(reverse("find"), {"q": "W-404"}))
