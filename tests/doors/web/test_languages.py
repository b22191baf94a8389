"""Languages and number formats: what a page offers, how it reads and writes numbers, and how a language is added."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from django.conf import settings
from django.test import Client, override_settings
from django.urls import reverse
from django.utils.translation import deactivate, override

from backflush.backflushing.models import Booking
from backflush.core.moves import Status
from backflush.core.refusals import InvalidQuantity
from backflush.core.sentences import Sentence
from backflush.people.rights import Role
from backflush.setup_check.findings import KINDS
from backflush.web.display import number_format
from backflush.web.display.number_format import COMMA, POINT
from backflush.web.display.translation import sentence_of, translated
from backflush.web.forms.values import number_in
from tests.cast import Plant
from tests.doors.web.visitors import browser, signed_in, text_of
from tools import messages

GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}
SENTENCE = "{item} needs a quantity above zero, not {quantity}."
TEXTS = messages.all_texts()


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Reset the language and number format that a request leaves in the thread."""
    with number_format.override(POINT):
        yield
    deactivate()


def in_commas(plant: Plant, role: Role) -> Client:
    client = signed_in(plant, role)
    client.cookies[number_format.COOKIE] = COMMA.name
    return client


def test_a_browser_reads_and_writes_numbers_as_its_language_does(plant: Plant) -> None:
    client = browser()
    assert '<html lang="en" data-decimal=","' in text_of(client.get(reverse("log-in"), headers=GERMAN))
    for other in ("en-GB,de;q=0.5", "es-MX", "xx,en;q=0.1", "*", ""):
        page = client.get(reverse("log-in"), headers={"accept-language": other})
        assert '<html lang="en" data-decimal="."' in text_of(page)


def test_a_person_chooses_the_number_format(plant: Plant) -> None:
    client = signed_in(plant, Role.STORES)
    for choice, sign in (("comma", ","), ("point", "."), ("xx", "."), ("", ",")):
        client.post(reverse("choose-number-format"), {"numbers": choice})
        page = text_of(client.get(reverse("you"), headers=GERMAN))
        assert f'<html lang="en" data-decimal="{sign}"' in page
        assert bool(re.search(r'<option value="point"\s+selected', page)) is (sign == ".")


def test_comma_decimals_are_read_and_written_back(plant: Plant) -> None:
    with number_format.override(COMMA):
        assert number_in({"good": "1460,5"}, "good") == Decimal("1460.5")
        assert number_in({"good": "0,5"}, "good") == Decimal("0.5")
    text = text_of(in_commas(plant, Role.ENGINEER).get(reverse("item", args=["CABINET"])))
    assert re.search(r"\d,\d{4}", text)
    plant.releases(10, "BRACKET")
    in_commas(plant, Role.OPERATOR).post(reverse("book-post"), {"order": "W-BRACKET", "good": "2,0", "key": "k"})
    assert [booking.good for booking in Booking.objects.all()] == [Decimal(2)]


def test_the_values_of_a_sentence_are_written_as_the_reader_writes_them() -> None:
    refusal = InvalidQuantity(SENTENCE, item="PNT-5010", quantity=Decimal("-6.25"))
    assert sentence_of(refusal) == "PNT-5010 needs a quantity above zero, not \N{MINUS SIGN}6.25."
    with number_format.override(COMMA):
        assert sentence_of(refusal) == "PNT-5010 needs a quantity above zero, not \N{MINUS SIGN}6,25."


def test_no_choice_of_a_language_shows_where_there_is_one_only(plant: Plant) -> None:
    assert 'id="language"' not in text_of(signed_in(plant, Role.STORES).get(reverse("you")))


@override_settings(LANGUAGES=[("en", "English"), ("de", "Deutsch")])
def test_a_person_chooses_the_language(plant: Plant) -> None:
    client = signed_in(plant, Role.STORES)
    assert 'id="language"' in text_of(client.get(reverse("you")))
    assert '<html lang="de"' in text_of(browser().get(reverse("log-in"), headers=GERMAN))
    client.post(reverse("choose-language"), {"language": "en"})
    assert '<html lang="en"' in text_of(client.get(reverse("you"), headers=GERMAN))
    client.post(reverse("choose-language"), {"language": ""})
    assert '<html lang="de" data-decimal=","' in text_of(client.get(reverse("you"), headers=GERMAN))


def test_only_complete_languages_are_offered() -> None:
    for code, _name in settings.LANGUAGES:
        if code != settings.LANGUAGE_CODE:
            file = settings.LOCALE_PATHS[0] / code / "LC_MESSAGES" / "django.po"
            catalog = messages.read(file)
            assert messages.faults(catalog, TEXTS) == []
            assert file.with_suffix(".mo").read_bytes() == messages.compiled(catalog)


def test_a_language_that_is_begun_says_what_it_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = Catalog()
    texts.add(SENTENCE)
    texts.add("unresolved", context=messages.WORD)
    texts.add(("%(number)s left.", "%(number)s left."))
    messages.update(tmp_path, texts, ["fr"])
    assert "fr: 3 texts, 3 of them missing or wrong" in capsys.readouterr().out
    file = tmp_path / "fr" / "LC_MESSAGES" / "django.po"
    begun = file.read_text(encoding="utf-8")
    for text, french in (
        (SENTENCE, "Entrez une quantité positive de {item}, pas {quantite}."),
        ("unresolved", "en suspens"),
    ):
        begun = begun.replace(f'msgid "{text}"\nmsgstr ""', f'msgid "{text}"\nmsgstr "{french}"')
    file.write_text(begun.replace('msgstr[0] ""\nmsgstr[1] ""', 'msgstr[0] "Reste %(number)s."\nmsgstr[1] "Reste."'))
    assert messages.faults(messages.read(file), texts) == [
        "'Entrez une quantité positive de {item}, pas {quantite}.' has other places"
    ]
    file.write_text(file.read_text(encoding="utf-8").replace("{quantite}", "{quantity}"), encoding="utf-8")
    messages.update(tmp_path, texts, [])
    assert "fr: 3 texts, 0 of them missing or wrong" in capsys.readouterr().out

    with override_settings(LOCALE_PATHS=[tmp_path]), override("fr"):
        refusal = InvalidQuantity(SENTENCE, item="VIS", quantity=Decimal(0))
        assert sentence_of(refusal) == "Entrez une quantité positive de VIS, pas 0."
        sentence = Sentence("{status}: {kept}", status=Status.UNRESOLVED, kept=["{item}"])
        assert translated(sentence) == "en suspens: {item}"
        assert translated("A plain text.") == "A plain text."


def test_every_kind_of_text_is_collected() -> None:
    found = {(text.context, text.id if isinstance(text.id, str) else text.id[0]) for text in TEXTS}
    assert {("word", kind.heading) for kind in KINDS.values()} <= found
    assert {
        (None, "There is no item {item}."),  # a refusal
        (None, "Choose the batch that was used."),  # a sentence by itself
        (None, "Number format"),  # a page's text
        (None, "Good pieces, in the order's unit."),  # marked in a room
        ("word", "manufactured"),  # a label
        ("word", "serial number"),  # a word
        ("date", "j M Y"),
    } <= found
