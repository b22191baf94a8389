"""The look-up of codes while they are typed: what it finds, for whom, and what it costs."""

from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from backflush.items.models import Item
from backflush.people.rights import Role
from tests.cast import Plant
from tests.doors.web.visitors import person, signed_in, statements

BUDGET = 13
"""Session, user, roles, site and preferences, at most three searches, and three for codes that are spelt alike."""


def ask(client: Client, kind: str, text: str) -> Any:
    return client.get(reverse("look-up", args=[kind]), {"q": text})


def codes(client: Client, kind: str, text: str) -> list[str]:
    return [one["code"] for one in ask(client, kind, text).json()["codes"]]


def like(plant: Plant, code: str, description: str, count: int = 1) -> None:
    bolt = Item.objects.get(code="BOLT")
    Item.objects.bulk_create(
        Item(
            code=code if count == 1 else f"{code}-{number}",
            description=description,
            stock_unit=bolt.stock_unit,
            type_code=bolt.type_code,
            component_class=bolt.component_class,
        )
        for number in range(count)
    )


@pytest.mark.parametrize("typed", ["bol", "BOL", " Bolt "])
def test_an_item_is_found_by_the_beginning_of_its_code_in_any_case(plant: Plant, typed: str) -> None:
    assert codes(signed_in(plant, Role.VIEWER), "items", typed) == ["BOLT"]


def test_an_item_is_found_by_its_description(plant: Plant) -> None:
    like(plant, "X-100", "Copper cable")
    client = signed_in(plant, Role.VIEWER)
    assert codes(client, "items", "copp") == ["X-100"]
    assert codes(client, "items", "cable") == ["X-100"]


def test_codes_that_begin_with_the_text_come_first(plant: Plant) -> None:
    like(plant, "AAA-CABLE", "Short")
    like(plant, "CABLE", "Long")
    assert codes(signed_in(plant, Role.VIEWER), "items", "cable") == ["CABLE", "AAA-CABLE"]


def test_at_most_eight_are_offered_and_more_are_announced(plant: Plant) -> None:
    like(plant, "WIRE", "Wire", count=9)
    answer = ask(signed_in(plant, Role.VIEWER), "items", "wire").json()
    assert (len(answer["codes"]), answer["more"]) == (8, True)


def test_a_mistyped_code_brings_the_codes_that_are_spelt_most_like_it(plant: Plant) -> None:
    like(plant, "CABLE", "Long")
    client = signed_in(plant, Role.VIEWER)
    answer = ask(client, "items", "cabel").json()
    assert (answer["codes"], answer["similar"]) == ([{"code": "CABLE", "about": "Long, EA"}], True)
    assert not ask(client, "items", "cab").json()["similar"]
    assert ask(client, "items", "qqqq").json() == {"codes": [], "more": False, "similar": False}


@pytest.mark.parametrize("kind", ["items", "locations", "suppliers", "units", "works-orders", "purchase-orders"])
def test_each_kind_answers_a_viewer_and_costs_a_fixed_number_of_statements(plant: Plant, kind: str) -> None:
    like(plant, "WIRE", "Wire", count=200)
    client = signed_in(plant, Role.VIEWER)
    with statements(BUDGET):
        assert ask(client, kind, "wire").status_code == HTTPStatus.OK


def test_locations_of_another_site_are_not_offered(plant: Plant) -> None:
    south = Plant.build_site(code="SOUTH")
    south.location("MAIN/RAW").__class__.objects.filter(pk=south.location("MAIN/RAW").pk).update(path="MAIN/RAWHIDE")
    assert "MAIN/RAWHIDE" not in codes(signed_in(plant, Role.VIEWER), "locations", "MAIN/RAWH")


def test_an_unknown_kind_is_not_found(plant: Plant) -> None:
    assert ask(signed_in(plant, Role.VIEWER), "secrets", "a").status_code == HTTPStatus.NOT_FOUND


def test_nobody_looks_codes_up_without_logging_in(plant: Plant) -> None:
    person(plant, Role.VIEWER)
    response = ask(Client(headers={"host": "localhost"}), "items", "bolt")
    assert response.status_code == HTTPStatus.FOUND
    assert reverse("log-in") in response.headers["Location"]
