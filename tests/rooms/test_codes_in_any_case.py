"""Codes are found however they are typed, and a mistyped one gets a suggestion; both by few statements."""

import pytest

from backflush.core.refusals import NotFound
from backflush.db.codes import find_by_code, type_ahead
from backflush.items.models import Item
from backflush.items.selectors import item_coded, items_coded, unit_coded
from backflush.stockmap.selectors import action_named, location_at, supplier_named
from backflush.subcontract.selectors import purchase_order_numbered
from backflush.works.selectors import order_numbered
from tests.cast import Plant
from tests.doors.web.visitors import statements


def test_upper_and_lower_case_do_not_matter(plant: Plant) -> None:
    plant.releases(5, "BRACKET")
    plant.buys(5, "PLATED")
    assert item_coded("bolt").code == "BOLT"
    assert unit_coded("ea").code == "EA"
    assert location_at(plant.site, "main/line").path == "MAIN/LINE"
    assert action_named("backflush").name == "BACKFLUSH"
    assert supplier_named("acme").code == "ACME"
    assert order_numbered(plant.site, "w-bracket").number == "W-BRACKET"
    assert purchase_order_numbered(plant.site, "p-plated").number == "P-PLATED"


def test_several_codes_are_found_by_how_they_were_typed(plant: Plant) -> None:
    assert {typed: item.code for typed, item in items_coded(["BOLT", "lug", "Frame"]).items()} == {
        "BOLT": "BOLT",
        "lug": "LUG",
        "Frame": "FRAME",
    }


def test_an_exact_match_wins_and_two_that_differ_only_in_case_must_be_typed_exactly(plant: Plant) -> None:
    plant.stocks("Clip")
    plant.stocks("CLIP")
    assert item_coded("Clip").code == "Clip"
    assert item_coded("CLIP").code == "CLIP"
    with pytest.raises(NotFound, match=r"There is no item clip\. Did you mean CLIP or Clip\?"):
        item_coded("clip")


@pytest.mark.parametrize(("typed", "meant"), [("BOLTT", "BOLT"), ("bracket1", "BRACKET"), ("PANT", "PAINT")])
def test_a_mistyped_code_gets_a_suggestion(plant: Plant, typed: str, meant: str) -> None:
    with pytest.raises(NotFound) as refused:
        item_coded(typed)
    assert refused.value.details[0].startswith(f"Did you mean {meant}")


def test_each_of_several_mistyped_codes_gets_a_suggestion(plant: Plant) -> None:
    with pytest.raises(NotFound) as refused:
        items_coded(["BOLT", "LUGG", "FRAMEE", "ZZZZZZ"])
    assert refused.value.details == ("LUGG: did you mean LUG?", "FRAMEE: did you mean FRAME?")


def test_nothing_is_suggested_where_nothing_is_alike(plant: Plant) -> None:
    with pytest.raises(NotFound) as refused:
        item_coded("ZZZZZZ")
    assert refused.value.details == ()


def test_exact_codes_cost_one_statement_and_others_one_more(plant: Plant) -> None:
    with statements(1):
        find_by_code(Item.objects.all(), ["BOLT", "LUG"])
    with statements(2):
        find_by_code(Item.objects.all(), ["bolt", "LUG", "nut"])


def described(plant: Plant, code: str, description: str) -> None:
    Item.objects.filter(pk=plant.stocks(code).pk).update(description=description)


def ahead(text: str, most: int = 4) -> list[str]:
    return [item.code for item in type_ahead(Item.objects.all(), text, about="description", most=most)]


def test_what_begins_with_the_text_comes_first(plant: Plant) -> None:
    described(plant, "LUG-2", "Big one")
    described(plant, "EYE-LUG", "Eye")
    described(plant, "HOOK", "Lugged hook")
    assert ahead("lug") == ["LUG", "LUG-2", "HOOK", "EYE-LUG"]


def test_a_few_letters_search_beginnings_only(plant: Plant) -> None:
    assert ahead("b", 20) == ["BOLT", "BRACKET"]
    with statements(2):
        ahead("b", 20)
    with statements(1):
        ahead("l", 1)


@pytest.mark.parametrize("text", ["100%", "_", "\\", "'", "ü", "\U0001f529"])
def test_signs_of_patterns_mean_themselves(plant: Plant, text: str) -> None:
    described(plant, "TAPE", f"Tape {text} wide")
    described(plant, "OTHER", "Something else")
    assert "OTHER" not in ahead(f"{text} wide")
    assert ahead(f"{text} wide") == ["TAPE"]
