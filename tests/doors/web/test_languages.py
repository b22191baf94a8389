"""The second language: a page speaks it whole, numbers are read as it writes them, and refusals are translated."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils.translation import deactivate, override

from backflush.backflushing.models import Booking
from backflush.core.refusals import InvalidQuantity
from backflush.people.rights import Role
from backflush.setup_check.findings import KINDS
from backflush.web.display.translation import said
from backflush.web.forms.values import number_in
from tests.cast import Plant
from tests.doors.web.visitors import browser, signed_in, text_of

GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}
LANGUAGES = sorted(settings.LOCALE_PATHS[0].glob("*/LC_MESSAGES/django.po"))
PLACES = re.compile(r"%\((\w+)\)|\{(\w+)\}")


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    """A request leaves its language behind in the thread, and the next test makes none first."""
    yield
    deactivate()


def in_german(plant: Plant, role: Role) -> Client:
    client = signed_in(plant, role)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    return client


@pytest.mark.parametrize(
    ("page", "words"),
    [("book", "Fertigung melden"), ("unresolved", "Nichts ist offen"), ("you", "Ihre Rollen hier"), ("find", "Suchen")],
)
def test_a_page_speaks_german(plant: Plant, page: str, words: str) -> None:
    text = text_of(in_german(plant, Role.STORES).get(reverse(page)))
    assert '<html lang="de" data-decimal=","' in text
    assert words in text


def test_the_log_in_speaks_as_the_browser_wishes_and_as_the_person_chose(plant: Plant) -> None:
    client = browser()
    assert "Kennwort" in text_of(client.get(reverse("log-in"), headers=GERMAN))
    client.post(reverse("choose-language"), {"language": "en"})
    assert "Password" in text_of(client.get(reverse("log-in"), headers=GERMAN))
    client.post(reverse("choose-language"), {"language": ""})
    assert "Kennwort" in text_of(client.get(reverse("log-in"), headers=GERMAN))
    client.post(reverse("choose-language"), {"language": "xx"})
    assert "Kennwort" in text_of(client.get(reverse("log-in"), headers=GERMAN))


def test_comma_decimals_are_read_in_german_and_written_back(plant: Plant) -> None:
    with override("de"):
        assert number_in({"good": "1460,5"}, "good") == Decimal("1460.5")
        assert number_in({"good": "0,5"}, "good") == Decimal("0.5")
    client = in_german(plant, Role.ENGINEER)
    text = text_of(client.get(reverse("item", args=["CABINET"])))
    assert re.search(r"\d,\d{4}", text)
    plant.releases(10, "BRACKET")
    in_german(plant, Role.OPERATOR).post(reverse("book-post"), {"order": "W-BRACKET", "good": "2,0", "key": "k"})
    assert [booking.good for booking in Booking.objects.all()] == [Decimal(2)]


def test_the_values_of_a_sentence_are_written_as_the_reader_writes_them() -> None:
    refusal = InvalidQuantity(
        "{item} needs a quantity above zero, not {quantity}.", item="PNT-5010", quantity=Decimal("-6.25")
    )
    with override("en"):
        assert said(refusal) == "PNT-5010 needs a quantity above zero, not \N{MINUS SIGN}6.25."
    with override("de"):
        assert said(refusal) == "PNT-5010 needs a quantity above zero, not \N{MINUS SIGN}6,25."


@pytest.mark.parametrize("file", LANGUAGES, ids=lambda file: file.parts[-3])
def test_a_translation_has_the_places_of_its_original(file: Path) -> None:
    with file.open("rb") as source:
        catalog = read_po(source)
    wrong = []
    for message in catalog:
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        texts = [message.string] if isinstance(message.string, str) else list(message.string or ())
        allowed = set().union(*(PLACES.findall(one) for one in ids))
        wrong += [text for text in texts if text and message.id and not set(PLACES.findall(text)) <= allowed]
    assert wrong == []


def test_the_words_of_the_rooms_are_translated_too(plant: Plant) -> None:
    text = text_of(in_german(plant, Role.STORES).get(reverse("you")))
    assert "Lager" in text
    assert "Wareneingang buchen" in text
    assert "manufactured" in text_of(signed_in(plant, Role.ENGINEER).get(reverse("item", args=["BRACKET"]))).lower()
    assert "Gefertigt" in text_of(in_german(plant, Role.ENGINEER).get(reverse("item", args=["BRACKET"])))


def test_what_the_doctor_says_is_ready_for_translation() -> None:
    german = read_po(LANGUAGES[0].open("rb"), locale="de")
    kept = {(message.context, message.id) for message in german}
    assert all(("word", kind.heading) in kept for kind in KINDS.values())
    assert {context for context, _ in kept} >= set(KINDS)
