"""Several sites: the switch keeps the page where possible, and rights are those of the chosen site."""

from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse

from backflush.people.models import User
from backflush.people.rights import Role
from backflush.people.services import give_role
from tests.cast import Plant
from tests.doors.web.visitors import person, signed_in, text_of


@pytest.fixture
def north(plant: Plant) -> Plant:
    return Plant.build_site(code="NORTH")


def at_both(plant: Plant, north: Plant, here: Role = Role.SUPERVISOR, there: Role = Role.SUPERVISOR) -> Client:
    """A user with roles at both sites, at the first one."""
    give_role(user=person(plant, here), site=north.site, role=there)
    client = signed_in(plant)
    switches(client, "MAIN", back="/")
    return client


def switches(client: Client, site: str, *, back: str) -> str:
    """Choose a site on a page, and return the address it leads to."""
    answer = client.post(reverse("choose-site"), {"site": site, "back": back})
    assert answer.status_code == HTTPStatus.FOUND
    return str(answer["Location"])


def test_the_site_switch_is_shown_only_to_users_with_several_sites(plant: Plant, north: Plant) -> None:
    assert 'class="site-switch"' not in text_of(signed_in(plant, Role.STORES).get(reverse("stock")))
    assert 'class="site-switch"' in text_of(at_both(plant, north).get(reverse("stock")))


@pytest.mark.parametrize("name", ["home", "stock", "balances", "unresolved", "orders", "items", "move", "stock-map"])
def test_a_list_stays_open_at_the_other_site(plant: Plant, north: Plant, name: str) -> None:
    client = at_both(plant, north)
    assert switches(client, "NORTH", back=reverse(name)) == reverse(name)
    assert client.get(reverse(name)).status_code == HTTPStatus.OK


def test_a_page_common_to_all_sites_stays_open_and_shows_the_data_of_this_one(plant: Plant, north: Plant) -> None:
    plant.has(7, "BOLT")
    client, item = at_both(plant, north), reverse("item", args=["BOLT"])
    assert "MAIN/LINE" in text_of(client.get(item))
    assert switches(client, "NORTH", back=item) == item
    assert "MAIN/LINE" not in text_of(client.get(item))


def test_the_page_of_a_record_of_one_site_leads_to_the_list_of_the_other(plant: Plant, north: Plant) -> None:
    number = plant.releases(5, "BRACKET")
    client = at_both(plant, north)
    assert switches(client, "NORTH", back=reverse("order", args=[number])) == reverse("orders")


@pytest.mark.parametrize("back", ["", "/no/such/page/", "https://elsewhere.example/stock/", "//elsewhere.example/"])
def test_a_foreign_address_leads_back_to_this_application(plant: Plant, north: Plant, back: str) -> None:
    assert switches(at_both(plant, north), "NORTH", back=back) in {reverse("home"), reverse("stock")}


def test_a_page_that_posts_only_leads_to_its_area(plant: Plant, north: Plant) -> None:
    assert switches(at_both(plant, north), "NORTH", back=reverse("move-post")) == reverse("stock")


def test_rights_are_those_of_the_site(plant: Plant, north: Plant) -> None:
    client = at_both(plant, north, Role.STORES, Role.VIEWER)
    assert client.get(reverse("move")).status_code == HTTPStatus.OK
    assert switches(client, "NORTH", back=reverse("move")) == reverse("stock")
    assert client.get(reverse("move")).status_code == HTTPStatus.FORBIDDEN
    assert client.get(reverse("stock")).status_code == HTTPStatus.OK


def test_a_site_without_a_role_cannot_be_chosen(plant: Plant, north: Plant) -> None:
    client = signed_in(plant, Role.SUPERVISOR)
    refused = client.post(reverse("choose-site"), {"site": "NORTH", "back": reverse("stock")})
    assert "You have no role at this site." in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    plant.releases(5, "BRACKET")
    assert client.get(reverse("order", args=["W-BRACKET"])).status_code == HTTPStatus.OK


def test_removing_a_role_ends_the_access_to_its_site(plant: Plant, north: Plant) -> None:
    client = at_both(plant, north)
    switches(client, "NORTH", back="/")
    User.objects.get(username="rosa").assignments.filter(site=north.site).delete()
    text = text_of(client.get(reverse("stock")))
    assert 'class="site-switch"' not in text


def test_the_page_of_another_site_s_record_says_which_site_is_chosen(plant: Plant, north: Plant) -> None:
    plant.has(40, "BOLT")
    number = plant.releases(5, "BRACKET")
    plant.books(1, "BRACKET")
    movement = plant.moves(1, "BOLT", "LINE", "RAW").movements.get(site=plant.site)
    client = at_both(plant, north, Role.ADMINISTRATOR, Role.ADMINISTRATOR)
    switches(client, "NORTH", back="/")
    for address in (
        reverse("order", args=[number]),
        reverse("movement", args=[movement.pk]),
        reverse("reversal", args=[movement.posting_id]),
        reverse("set-up-record", args=["locations", "MAIN/NONE"]),
    ):
        text = text_of(client.get(address), HTTPStatus.NOT_FOUND)
        assert "You are at the site NORTH." in text
    switches(client, "MAIN", back="/")
    assert client.get(reverse("order", args=[number])).status_code == HTTPStatus.OK


def test_nothing_of_the_other_site_is_changed_from_here(plant: Plant, north: Plant) -> None:
    plant.has(40, "BOLT")
    posting = plant.moves(1, "BOLT", "LINE", "RAW")
    number = plant.orders(5, "BRACKET")
    client = at_both(plant, north)
    switches(client, "NORTH", back="/")
    for address in (reverse("take-back", args=[posting.pk]), reverse("order-release", args=[number])):
        assert client.post(address, {"key": "k"}).status_code == HTTPStatus.NOT_FOUND
    assert plant.balance("BOLT", at="RAW") == 1
    assert plant.order("BRACKET").status == "new"
