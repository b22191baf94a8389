"""Scan or find: an exact code opens its page, whatever its kind; otherwise similar codes are listed."""

from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backflush.ledger.models import Movement
from backflush.people.rights import Role
from tests.cast import Plant
from tests.doors.web.visitors import signed_in, statements, text_of


@pytest.fixture
def stocked(plant: Plant) -> Plant:
    """A plant with an order to book, one to receive, and too few bolts."""
    plant.has(4, "BOLT")
    plant.releases(5, "BRACKET")
    plant.buys(5, "PLATED")
    plant.books(2, "BRACKET")
    return plant


def found(plant: Plant, asked: str, role: Role = Role.VIEWER) -> str:
    response: Any = signed_in(plant, role, name=role.value).get(reverse("find"), {"q": asked})
    assert response.status_code == HTTPStatus.FOUND, response.content.decode()
    return str(response.headers["Location"])


def test_an_order_number_opens_booking_for_users_who_book_and_the_order_page_for_others(stocked: Plant) -> None:
    assert found(stocked, "W-BRACKET", Role.OPERATOR) == f"{reverse('book')}?order=W-BRACKET"
    assert found(stocked, "W-BRACKET") == reverse("order", args=["W-BRACKET"])


@pytest.mark.parametrize(
    ("asked", "opens"),
    [
        ("P-PLATED", "/orders/purchase/lines/P-PLATED/"),
        ("BOLT", "/items/code/BOLT/"),
        ("bolt", "/items/code/BOLT/"),
        ("MAIN/LINE", "/stock/balances/?location=MAIN%2FLINE"),
        ("MAIN/RACK/R1", "/stock/balances/?location=MAIN%2FRACK"),
        ("R1", "/stock/balances/?location=MAIN%2FRACK"),
        ("MAIN/WIP", "/set-up/locations/at/MAIN/WIP/"),
    ],
)
def test_each_kind_of_thing_opens_by_its_code(stocked: Plant, asked: str, opens: str) -> None:
    assert found(stocked, asked) == opens


def test_a_movement_opens_its_page_and_an_unresolved_one_its_panel(stocked: Plant) -> None:
    waits = Movement.objects.get(status="unresolved")
    moved = Movement.objects.filter(status="ok").latest("pk")
    assert found(stocked, str(waits.pk)) == f"{reverse('unresolved')}?open={waits.pk}"
    assert found(stocked, str(moved.pk)) == reverse("movement", args=[moved.pk])


def test_partial_matches_are_listed_by_kind(stocked: Plant) -> None:
    text = text_of(signed_in(stocked, Role.VIEWER).get(reverse("find"), {"q": "BRACK"}))
    assert "These are similar." in text
    assert reverse("item", args=["BRACKET"]) in text
    assert "BOLT" not in text
    orders = text_of(signed_in(stocked, Role.VIEWER).get(reverse("find"), {"q": "W-"}))
    assert reverse("order", args=["W-BRACKET"]) in orders


def test_records_of_another_site_are_not_found(stocked: Plant) -> None:
    other = Plant.build_site(code="NORTH")
    other.releases(5, "FRAME")
    text = text_of(signed_in(stocked, Role.VIEWER).get(reverse("find"), {"q": "W-FRAME"}))
    assert reverse("order", args=["W-FRAME"]) not in text


def test_more_orders_cost_no_more_statements(stocked: Plant) -> None:
    client = signed_in(stocked, Role.VIEWER)
    address = reverse("find")
    with CaptureQueriesContext(connection) as few:
        text_of(client.get(address, {"q": "BRACK"}))
    for number in range(12):
        stocked.orders(1, "FRAME", number=f"BRACK-{number}")
    with statements(len(few)):
        assert "BRACK-3" in text_of(client.get(address, {"q": "BRACK"}))
