"""Opening stock line by line: a preview, kept input, and undo on the same page."""

from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backflush.core.moves import Process
from backflush.ledger.models import Movement, Posting
from backflush.people.rights import Role
from tests.cast import Plant
from tests.doors.web.visitors import signed_in, statements, text_of

BUDGET = 20


def stores(plant: Plant) -> Client:
    return signed_in(plant, Role.STORES)


def enters(client: Client, **said: str) -> Any:
    asked = {"location": "MAIN/LINE", "item": "BOLT", "quantity": "5", "at": "2026-03-02", "key": "k"}
    return client.post(reverse("opening-post"), {**asked, **said})


def test_location_and_item_are_scanned_before_the_quantity(plant: Plant) -> None:
    client, page = stores(plant), reverse("opening-stock")
    assert 'id="quantity"' not in text_of(client.get(page))
    assert 'id="quantity"' not in text_of(client.get(page, {"location": "MAIN/LINE"}))
    with statements(BUDGET):
        text = text_of(client.get(page, {"location": "MAIN/LINE", "item": "BOLT"}))
    assert 'id="quantity"' in text
    assert "are in stock at MAIN/LINE. Nothing has been posted yet." in text


def test_the_preview_shows_the_new_balance_and_posts_nothing(plant: Plant) -> None:
    plant.has(2, "BOLT")
    postings = Posting.objects.count()
    said = {"location": "MAIN/LINE", "item": "BOLT", "quantity": "5"}
    text = text_of(stores(plant).get(reverse("opening-preview"), said))
    assert "will be posted at MAIN/LINE" in text
    assert "7\u00a0" in text or ">7<" in text
    assert Posting.objects.count() == postings


def test_a_line_is_entered_and_the_field_is_empty_again(plant: Plant) -> None:
    client = stores(plant)
    answer = enters(client)
    assert answer.status_code == HTTPStatus.FOUND
    assert plant.balance("BOLT") == 5
    text = text_of(client.get(answer["Location"]))
    assert "Posted 5 EA BOLT at MAIN/LINE, there since 2 Mar 2026." in text
    assert 'value="MAIN/LINE"' in text
    assert 'value="2026-03-02"' in text
    assert 'value="BOLT"' not in text
    assert Movement.objects.get(item__code="BOLT").posting.process == Process.OPENING


def test_a_double_press_enters_once(plant: Plant) -> None:
    client = stores(plant)
    enters(client)
    enters(client)
    assert plant.balance("BOLT") == 5


def test_the_user_who_entered_it_undoes_it_on_the_same_page(plant: Plant) -> None:
    client = stores(plant)
    enters(client)
    posting = Posting.objects.get(process=Process.OPENING)
    other = signed_in(plant, Role.STORES, name="jan")
    assert other.post(reverse("opening-undo"), {"posting": posting.pk}).status_code == HTTPStatus.FORBIDDEN
    undone = client.post(reverse("opening-undo"), {"posting": posting.pk, "location": "MAIN/LINE", "key": "u"})
    assert "Undone: the opening stock of 5 EA BOLT at MAIN/LINE." in text_of(client.get(undone["Location"]))
    assert plant.balance("BOLT") == 0


def test_opening_stock_that_has_moved_is_not_undone_and_the_page_says_why(plant: Plant) -> None:
    client = stores(plant)
    enters(client, location="MAIN/RAW")
    plant.moves(1, "BOLT", at=None)
    posting = Posting.objects.get(process=Process.OPENING)
    refused = client.post(reverse("opening-undo"), {"posting": posting.pk, "key": "u"})
    assert "4 EA" in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert plant.balance("BOLT", at="RAW") == 4


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"location": "MAIN/NONE"}, "location"),
        ({"location": "MAIN/WIP"}, "location"),
        ({"item": "NONE"}, "item"),
        ({"quantity": "1.5"}, "quantity"),
        ({"quantity": ""}, "quantity"),
        ({"quantity": "five"}, "quantity"),
        ({"item": "RESIN"}, "batch"),
        ({"item": "MOTOR"}, "serials"),
        ({"location": "MAIN/RACK"}, "bin"),
        ({"location": "MAIN/RACK", "bin": "R9"}, "bin"),
        ({"at": "2999-01-01"}, "at"),
        ({"at": "soon"}, "at"),
    ],
)
def test_a_fault_is_shown_at_its_field_and_the_input_is_kept(plant: Plant, said: dict[str, str], field: str) -> None:
    refused = enters(stores(plant), **said)
    text = text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert f'id="{field}-error"' in text
    typed = {"location": "MAIN/LINE", "item": "BOLT", **said}
    assert all(f'value="{typed[name]}"' in text for name in ("location", "item"))
    assert not Posting.objects.exists()


def test_tracked_stock_names_its_batch_bin_and_serials(plant: Plant) -> None:
    client = stores(plant)
    enters(client, item="RESIN", quantity="2.5", batch="B-7", key="1")
    enters(client, item="MOTOR", quantity="", serials="M1 M2\nM3", key="2")
    enters(client, item="LUG", location="MAIN/RACK", bin="R1", key="3")
    assert plant.balance("RESIN") == Decimal("2.5")
    assert sorted(Movement.objects.filter(item__code="MOTOR").values_list("serial", flat=True)) == ["M1", "M2", "M3"]
    assert Movement.objects.get(item__code="LUG").target_bin == "R1"
    twice = enters(client, item="MOTOR", quantity="", serials="M3", key="4")
    assert 'id="serials-error"' in text_of(twice, HTTPStatus.UNPROCESSABLE_ENTITY)


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.STORES, True),
        (Role.SUPERVISOR, True),
        (Role.ADMINISTRATOR, True),
        (Role.OPERATOR, False),
        (Role.ENGINEER, False),
        (Role.AUDITOR, False),
    ],
)
def test_opening_stock_needs_its_right(plant: Plant, role: Role, may: bool) -> None:
    client = signed_in(plant, role)
    page = client.get(reverse("opening-stock"))
    assert page.status_code == (HTTPStatus.OK if may else HTTPStatus.FORBIDDEN)
    assert enters(client).status_code == (HTTPStatus.FOUND if may else HTTPStatus.FORBIDDEN)
    assert (reverse("opening-stock") in text_of(client.get(reverse("stock")))) is may


def test_start_here_links_to_opening_stock(plant: Plant) -> None:
    assert reverse("opening-stock") in text_of(stores(plant).get(reverse("home")))
