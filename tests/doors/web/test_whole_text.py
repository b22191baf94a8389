"""A NUL character is refused at every door, on both databases."""

from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse

from backflush.people.rights import Role
from tests.cast import Plant
from tests.doors.console import Console
from tests.doors.web.visitors import browser, signed_in

SENTENCE = "contains a NUL character"


@pytest.fixture
def client(plant: Plant) -> Client:
    """A user with all rights."""
    return signed_in(plant, Role.ADMINISTRATOR)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("unresolved", {"item": "BO\0LT"}),
        ("unresolved", {"order": "\0"}),
        ("stock", {"location": "MAIN/\0"}),
        ("find", {"q": "BOLT\0"}),
        ("items", {"q": "\0"}),
        ("book", {"order": "W-1\0"}),
        ("log-in", {"next": "/\0"}),
    ],
)
def test_a_null_character_in_a_search_is_refused(client: Client, name: str, typed: dict[str, str]) -> None:
    response = client.get(reverse(name), typed)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert SENTENCE in response.content.decode()


def test_a_null_character_in_an_address_is_refused(client: Client) -> None:
    for address in ("/orders/W%00/", "/items/BO%00LT/", "/no/such%00"):
        assert client.get(address).status_code == HTTPStatus.UNPROCESSABLE_ENTITY, address


def test_a_null_character_in_a_form_posts_nothing(plant: Plant, client: Client) -> None:
    plant.books(2, "BRACKET")
    number = plant.queue("BOLT")[0].pk
    sent = {"pick": number, "remarks": "no\0", "key": "k"}
    assert client.post(reverse("cancel"), sent).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert plant.waiting() == ["BOLT 8 short"]


def test_a_null_character_at_the_log_in_is_refused(plant: Plant) -> None:
    visitor = browser()
    typed = {"username": "ro\0sa", "password": "northmoor-12"}
    assert visitor.post(reverse("log-in"), typed).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    visitor.cookies["backflush_session"] = "0123456789\0abcdef"
    assert visitor.get(reverse("home")).status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_the_command_line_refuses_it_too(plant: Plant, console: Console) -> None:
    assert console.refuses("unresolved", "--item", "BO\0LT") == "invalid_value"
