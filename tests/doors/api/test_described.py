"""The page about the API: it agrees with the OpenAPI document and loads nothing from other servers."""

import json
import re
from html import unescape
from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse

from backflush.api import errors
from backflush.api.remedies import REMEDIES
from backflush.delivery.refusals import RequestRefusal
from backflush.people.rights import Role
from tests.cast import Plant
from tests.doors.api.programs import ORDER, Program, program
from tests.doors.web.visitors import signed_in, statements, text_of

SENTENCE = re.compile(r"[A-Z].*\.")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.BUYER, Role.VIEWER])
def test_the_page_shows_every_address_field_and_refusal_of_the_description(plant: Plant, role: Role) -> None:
    described = Client(headers={"host": "localhost"}).get("/api/v1/openapi.json").json()
    said = unescape(text_of(signed_in(plant, role).get(reverse("programs"))))
    for address, methods in described["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {address}" in said
            assert operation["summary"] in said
    for name, shape in described["components"]["schemas"].items():
        assert name in said
        assert all(field in said for kind in shape.get("oneOf", [shape]) for field in kind.get("properties", ()))
    assert all(f">{kind.code}<" in said and remedy in said for kind, remedy in REMEDIES.items())


def test_every_table_of_the_page_has_a_name_of_its_own(plant: Plant) -> None:
    """Otherwise a screen reader lists tables that nobody can tell apart."""
    page = signed_in(plant, Role.OPERATOR).get(reverse("programs")).content.decode()
    names = re.findall(r'aria-label="([^"]*, table)"', page)
    assert names
    assert len(names) == len(set(names))


def test_the_page_is_linked_from_the_account_page_and_needs_a_log_in(plant: Plant) -> None:
    client = signed_in(plant, Role.OPERATOR)
    assert f'href="{reverse("programs")}"' in client.get(reverse("you")).content.decode()
    assert Client(headers={"host": "localhost"}).get(reverse("programs")).status_code == HTTPStatus.FOUND


def test_the_page_has_no_external_or_inline_resources(plant: Plant) -> None:
    response = signed_in(plant, Role.OPERATOR).get(reverse("programs"))
    page = response.content.decode()
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert re.search(r"<script(?![^>]*src=)|<style| style=| on[a-z]+=", page) is None
    assert re.findall(r"(?:src|href)=\"(?!/|#)[^\"]*\"", page) == []


def test_its_examples_are_accepted(plant: Plant) -> None:
    """A copied example works once its order numbers are replaced."""
    plant.releases(100, "BRACKET")
    plant.buys(100, "PLATED")
    described = Client(headers={"host": "localhost"}).get("/api/v1/openapi.json").json()
    own = {"order": ORDER, "item": "PACK"}
    comes_in = program(plant, Role.STORES)
    for kind in described["components"]["schemas"]["Booking"]["oneOf"]:
        example = {**kind["examples"][0]}
        named = own | {"order": "P-PLATED"} if kind["title"] == "receipt" else own
        sent = {name: named.get(name, value) for name, value in example.items()}
        assert comes_in.posts("/sites/MAIN/bookings", sent)[0] == HTTPStatus.CREATED
    page = unescape(text_of(signed_in(plant, Role.OPERATOR).get(reverse("programs"))))
    assert "curl http://localhost/api/v1/sites/MAIN/bookings \\" in page
    assert '-H "Authorization: Bearer $TOKEN"' in page


def test_every_refusal_of_the_api_itself_has_a_remedy() -> None:
    own = {refusal for refusal in RequestRefusal.__subclasses__() if refusal.__module__ == errors.__name__}
    assert {refusal for refusal in own if refusal.code != "not_found"} <= REMEDIES.keys()
    assert len({kind.code for kind in REMEDIES}) == len(REMEDIES)
    assert all(SENTENCE.fullmatch(remedy) for remedy in REMEDIES.values())


def test_the_page_takes_as_many_statements_as_an_empty_page(plant: Plant) -> None:
    client = signed_in(plant, Role.OPERATOR)
    client.get(reverse("programs"))
    with statements(6):
        client.get(reverse("programs"))


def test_without_a_token_only_the_description_is_available(plant: Plant) -> None:
    assert Program("").asks("GET", "/api/v1/openapi.json").status_code == HTTPStatus.OK
    assert json.loads(Program("").asks("GET", "/api/v1/sites/MAIN/unresolved").content)["code"] == "not_signed_in"
