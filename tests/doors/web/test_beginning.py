"""The first page of an empty database: who may open it, what it creates, and the ready-made set-ups."""

from http import HTTPStatus

import pytest
from django.urls import reverse

from backflush.config.env import BEGIN_CODE
from backflush.people.rights import Role
from backflush.stockmap.models import Site, TransferRule
from tests.cast import Plant
from tests.databases import Database
from tests.doors.web.visitors import browser, signed_in, text_of

CODE = "k3lso-code-of-the-server"
ENTERED = {
    "name": "Kelso Lamps",
    "code_of_site": "KELSO",
    "time_zone": "Europe/London",
    "person": "nina",
    "password": "lantern-brass-94-quay",
    "code": CODE,
}


@pytest.fixture(autouse=True)
def _served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BEGIN_CODE, CODE)


def test_a_plant_begins_with_the_code_of_the_server_and_its_first_person_is_signed_in(database: Database) -> None:
    client = browser()
    assert client.get(reverse("log-in")).headers["Location"] == reverse("begin")
    assert 'name="password"' in text_of(client.get(reverse("begin"), {"code": CODE}))
    done = client.post(reverse("begin"), ENTERED)
    assert done.headers["Location"] == reverse("home")
    text = text_of(client.get(reverse("home")))
    assert "How do you work?" in text
    assert Site.objects.get().name == "Kelso Lamps"
    client.post(reverse("begin-ready-made"), {"pattern": "line"})
    assert TransferRule.objects.filter(site__code="KELSO").count() > 5
    assert "How do you work?" not in text_of(client.get(reverse("home")))
    assert client.post(reverse("begin"), {**ENTERED, "code_of_site": "SECOND"}).headers["Location"] == reverse("home")
    assert Site.objects.count() == 1


@pytest.mark.parametrize("code", ["", "wrong", "k3lso-code-of-the-serve"])
def test_without_the_code_nothing_begins(database: Database, code: str) -> None:
    client = browser()
    assert 'name="password"' not in text_of(client.get(reverse("begin"), {"code": code}))
    assert "backflush serve" in text_of(client.post(reverse("begin"), {**ENTERED, "code": code}))
    assert not Site.objects.exists()


def test_without_a_code_of_the_server_the_page_is_closed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BEGIN_CODE)
    browser().post(reverse("begin"), {**ENTERED, "code": ""})
    assert not Site.objects.exists()


def test_a_refusal_stands_at_its_field_and_keeps_what_was_entered(database: Database) -> None:
    refused = browser().post(reverse("begin"), {**ENTERED, "password": "12345"})
    text = text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="password-error"' in text
    assert 'value="Kelso Lamps"' in text
    assert "12345" not in text


def test_only_who_sets_up_takes_a_ready_made_set_up(plant: Plant) -> None:
    answer = signed_in(plant, Role.OPERATOR).post(reverse("begin-ready-made"), {"pattern": "line"})
    assert answer.status_code == HTTPStatus.FORBIDDEN
    refused = signed_in(plant, Role.ENGINEER).post(reverse("begin-ready-made"), {"pattern": "none"})
    assert 'id="pattern-error"' in text_of(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
