"""Production without an order, and kits: an item instead of an order, with the same preview and undo."""

from http import HTTPStatus

import pytest
from django.urls import reverse

from backflush.backflushing.models import Booking
from backflush.people.rights import Role
from tests.cast import Plant
from tests.doors.web.visitors import signed_in, statements, text_of

PAGE, PREVIEW, POST = reverse("produce"), reverse("produce-preview"), reverse("produce-post")
BUDGET = 24


def test_kits_are_offered_and_choosing_an_item_opens_the_quantities(plant: Plant) -> None:
    client = signed_in(plant, Role.OPERATOR)
    assert "?item=PACK" in text_of(client.get(PAGE))
    text = text_of(client.get(PAGE, {"item": "PACK"}))
    assert "EA, into MAIN/FG" in text
    assert 'id="good"' in text


def test_the_preview_shows_shortages_and_the_largest_quantity_without_any(plant: Plant) -> None:
    plant.has(20, "BOLT")
    plant.has(100, "LUG")
    text = text_of(signed_in(plant, Role.OPERATOR).get(PREVIEW, {"item": "PACK", "good": "3"}))
    assert "BOLT is 4 short." in text
    assert "Make it 2" in text
    assert "Book 3 good" in text
    assert not Booking.objects.exists()


def test_a_production_is_booked_once_and_undone_on_the_same_page(plant: Plant) -> None:
    plant.has(20, "BOLT")
    plant.has(100, "LUG")
    client = signed_in(plant, Role.OPERATOR)
    typed = {"item": "PACK", "good": "2", "scrap": "", "key": "once"}
    client.post(POST, typed)
    response = client.post(POST, typed)
    assert plant.balance("PACK", "FG") == 2
    text = text_of(client.get(response.headers["Location"]))
    assert "Made 2 good, 0 scrap of PACK" in text
    posting = Booking.objects.get().posting_id
    assert reverse("take-back", args=[posting]) in text
    undone = client.post(reverse("take-back", args=[posting]), {"home": "1"})
    assert plant.balance("BOLT") == 20
    assert "Reversed." in text_of(client.get(undone.headers["Location"]))


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"good": ""}, "good"),
        ({"good": "1.5"}, "good"),
        ({"good": "x"}, "good"),
        ({"scrap": "-1"}, "scrap"),
        ({"good": "1", "at": "2999-01-01T10:00"}, "at"),
    ],
)
def test_each_fault_is_shown_at_its_field(plant: Plant, typed: dict[str, str], field: str) -> None:
    asked = {"item": "PACK", "scrap_reason": "bent", **typed}
    text = text_of(signed_in(plant, Role.OPERATOR).post(POST, asked), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert f'id="{field}-error"' in text
    assert "bent" in text


@pytest.mark.parametrize("item", ["BOLT", "NOWHERE"])
def test_only_manufactured_items_and_kits_open(plant: Plant, item: str) -> None:
    text = text_of(signed_in(plant, Role.OPERATOR).get(PAGE, {"item": item}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="item-error"' in text


def test_goods_by_serial_number_are_named(plant: Plant) -> None:
    plant.stocks("PUMP", "M", "MADE", tracking="serial")
    client = signed_in(plant, Role.OPERATOR)
    assert 'id="serials"' in text_of(client.get(PAGE, {"item": "PUMP"}))
    refused = client.post(POST, {"item": "PUMP", "good": "2", "serials": "A1"})
    assert 'id="serials-error"' in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    client.post(POST, {"item": "PUMP", "good": "2", "serials": "A1\nA2"})
    assert plant.balance("PUMP", "FG") == 2


@pytest.mark.parametrize("role", [Role.VIEWER, Role.BUYER, Role.AUDITOR])
def test_production_needs_its_right(plant: Plant, role: Role) -> None:
    client = signed_in(plant, role)
    assert client.get(PAGE).status_code == HTTPStatus.FORBIDDEN
    assert client.post(POST).status_code == HTTPStatus.FORBIDDEN


def test_more_components_cost_no_more_statements(plant: Plant) -> None:
    client = signed_in(plant, Role.OPERATOR)
    plant.consists("PACK", *(plant.line(n, plant.stocks(f"PART-{n}").code, 1) for n in range(10, 400, 10)))
    for item in ("BRACKET", "PACK"):
        with statements(BUDGET):
            text_of(client.get(PREVIEW, {"item": item, "good": "3"}))
