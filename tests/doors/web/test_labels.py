"""Printed labels: of a location and its bins, of one bin, of a store. Scanned, each opens its place."""

import re
from http import HTTPStatus

import pytest
from django.urls import reverse

from backflush.ledger.models import Balance
from backflush.people.rights import Role
from backflush.stockmap.deactivation import bin_coded, end_bin
from backflush.stockmap.services import add_bin, add_location, add_store
from backflush.web.setup import labels
from tests.cast import DAY, Plant
from tests.doors.web.visitors import signed_in, statements, text_of

BUDGET = 16


def printed(plant: Plant, name: str, key: str, **asked: str) -> list[str]:
    """Return the contents of the QR codes on a page."""
    text = text_of(signed_in(plant, Role.ENGINEER).get(reverse(name, args=[key]), asked))
    return re.findall(r'aria-label="QR code of ([^"]+)"', text)


def test_a_location_is_printed_with_its_bins(plant: Plant) -> None:
    assert printed(plant, "location-labels", "MAIN/RACK") == ["MAIN/RACK", "MAIN/RACK/R1", "MAIN/RACK/R2"]
    assert printed(plant, "location-labels", "MAIN/LINE") == ["MAIN/LINE"]


def test_one_bin_is_printed_alone(plant: Plant) -> None:
    assert printed(plant, "location-labels", "MAIN/RACK", bin="R2") == ["MAIN/RACK/R2"]


def test_the_labels_of_a_store_cover_its_locations_with_balances_and_all_bins(plant: Plant) -> None:
    assert printed(plant, "store-labels", "MAIN") == [
        "MAIN/FG",
        "MAIN/LINE",
        "MAIN/RACK",
        "MAIN/RAW",
        "MAIN/RACK/R1",
        "MAIN/RACK/R2",
    ]
    add_store(site=plant.site, code="EMPTY")
    assert printed(plant, "store-labels", "EMPTY") == []


def test_deactivated_locations_get_no_label(plant: Plant) -> None:
    end_bin(location=plant.location("RACK"), code="R1", on=DAY, holds_stock=False)
    assert bin_coded(plant.location("RACK"), "R1").ended_on
    assert printed(plant, "location-labels", "MAIN/RACK") == ["MAIN/RACK", "MAIN/RACK/R2"]
    assert printed(plant, "store-labels", "MAIN")[-1] == "MAIN/RACK/R2"


def test_a_scanned_label_opens_its_place(plant: Plant) -> None:
    shelf = add_location(store=plant.location("RACK").store, code="A/1", bin_controlled=True)
    add_bin(location=shelf, code="R1")
    add_bin(location=shelf, code="L/2")
    client = signed_in(plant, Role.STORES)
    codes = printed(plant, "store-labels", "MAIN")
    assert "MAIN/A/1/L/2" in codes
    for code in codes:
        response = client.get(reverse("find"), {"q": code})
        assert response.status_code == HTTPStatus.FOUND, code
        location = "MAIN/A/1" if code.startswith("MAIN/A/1") else "/".join(code.split("/")[:2])
        assert response.headers["Location"].endswith(f"?location={location.replace('/', '%2F')}"), code


def test_a_label_shows_the_code_large_with_its_place_and_kind(plant: Plant) -> None:
    text = text_of(signed_in(plant, Role.ENGINEER).get(reverse("location-labels", args=["MAIN/RACK"])))
    assert '<b class="code">RACK</b>' in text
    assert '<p class="code">MAIN/RACK</p>' in text
    assert "style=" not in text


def test_labels_are_reached_from_set_up(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    rack = reverse("location-labels", args=["MAIN/RACK"])
    location = text_of(client.get(reverse("set-up-record", args=["locations", "MAIN/RACK"])))
    assert f'href="{rack}"' in location
    assert f'href="{rack}?bin=R1"' in location
    store = text_of(client.get(reverse("set-up-record", args=["stores", "MAIN"])))
    assert f'href="{reverse("store-labels", args=["MAIN"])}"' in store


def test_every_role_may_print_labels_and_set_up_is_linked_only_for_users_who_may_see_it(plant: Plant) -> None:
    page = reverse("location-labels", args=["MAIN/RACK"])
    back = reverse("set-up-record", args=["locations", "MAIN/RACK"])
    assert back not in text_of(signed_in(plant, Role.OPERATOR, name="ken").get(page))
    assert back in text_of(signed_in(plant, Role.ENGINEER).get(page))


@pytest.mark.parametrize(("name", "key"), [("location-labels", "MAIN/NONE"), ("store-labels", "NONE")])
def test_an_unknown_place_has_no_label(plant: Plant, name: str, key: str) -> None:
    response = signed_in(plant, Role.ENGINEER).get(reverse(name, args=[key]))
    assert response.status_code == HTTPStatus.NOT_FOUND


def test_many_labels_are_printed_in_parts_and_cost_no_more_statements(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "AT_ONCE", 4)
    client, page = signed_in(plant, Role.ENGINEER), reverse("store-labels", args=["MAIN"])
    client.get(page)
    seen: list[str] = []
    while page:
        with statements(BUDGET):
            text = text_of(client.get(page))
        seen += re.findall(r'aria-label="QR code of ([^"]+)"', text)
        following = re.search(r'href="(\?[^"]*after=[^"]*)" rel="next"', text)
        page = reverse("store-labels", args=["MAIN"]) + following.group(1).replace("&amp;", "&") if following else ""
    monkeypatch.undo()
    assert seen == printed(plant, "store-labels", "MAIN")


def test_a_bin_s_label_is_accepted_where_a_location_is_asked_for(plant: Plant) -> None:
    client = signed_in(plant, Role.STORES)
    asked = {"location": "MAIN/RACK/R2", "item": "LUG"}
    text = text_of(client.get(reverse("opening-stock"), asked))
    assert 'name="location" value="MAIN/RACK"' in text
    assert 'id="bin" name="bin" value="R2"' in text
    will = text_of(client.get(reverse("opening-preview"), {**asked, "quantity": "5"}))
    assert "will be in this bin." in will
    for bin in ("R1", "R2"):
        plant.has(5, "LUG", at="RACK", bin=bin)
    text = text_of(client.get(reverse("move"), {"source": "MAIN/RACK/R2", "item": "LUG"}))
    stock_key = Balance.objects.get(item__code="LUG", bin="R2").pk
    assert 'name="source" value="MAIN/RACK"' in text
    assert re.findall(r'name="stock_key" value="(\d+)" checked', text) == [str(stock_key)]
    refused = text_of(client.get(reverse("move"), {"source": "MAIN/RACK/R9"}))
    assert 'id="source-error"' in refused
