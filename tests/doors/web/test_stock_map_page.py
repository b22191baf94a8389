"""The stock map: everything in the drawing is in its tables too."""

import re
from http import HTTPStatus

from django.urls import reverse

from backflush.people.rights import Role
from backflush.stockmap.models import Action, Location, Store, TransferRule
from tests.cast import Plant
from tests.doors.web.visitors import signed_in, statements, text_of

BUDGET = 20


def row(text: str, *facts: str) -> str:
    """Return the only table row with all of these attributes."""
    found: list[str] = [one for one in re.findall(r"<tr [^>]*>.*?</tr>", text) if all(fact in one for fact in facts)]
    assert len(found) == 1, found
    return found[0]


def test_rules_and_places_are_in_the_tables_that_it_is_drawn_from(plant: Plant) -> None:
    plant.has(5, "LUG", at="LINE")
    text = text_of(signed_in(plant, Role.VIEWER).get(reverse("stock-map")))
    rule = row(text, 'data-from="MAIN/LINE"', 'data-to="MAIN/WIP"', 'data-action="BACKFLUSH"')
    assert "data-flush" in rule
    place = row(text, 'data-path="MAIN/LINE"')
    assert 'data-items="1"' in place
    assert "3.75" in place
    assert "data-balance" not in row(text, 'data-path="MAIN/WIP"')
    assert "data-framed" in row(text, 'data-path="ACME/STOCK"')
    assert "data-framed" not in place


def test_unresolved_movements_are_counted_at_their_source_and_link_to_the_queue(plant: Plant) -> None:
    plant.orders(2, "BRACKET", number="W-1")
    plant.releases(2, "TRAY")
    plant.books(2, "TRAY")
    text = text_of(signed_in(plant, Role.VIEWER).get(reverse("stock-map")))
    place = row(text, 'data-path="MAIN/LINE"')
    assert 'data-wait="1"' in place
    assert reverse("unresolved") in place


def test_tracing_an_item_numbers_its_rules_and_describes_them(plant: Plant) -> None:
    text = text_of(signed_in(plant, Role.ENGINEER).get(reverse("stock-map"), {"item": "FRAME"}))
    assert 'data-steps="1"' in row(text, 'data-action="COMPLETE"')
    assert 'data-steps="2"' in row(text, 'data-action="BACKFLUSH"')
    assert len(re.findall("data-steps=", text)) == 2
    assert (
        "When FRAME is completed: 1 COMPLETE brings FRAME from MAIN/WIP to MAIN/FG; "
        "2 BACKFLUSH takes 3 components from MAIN/LINE to MAIN/WIP." in text
    )


def test_a_sub_contracted_item_is_received(plant: Plant) -> None:
    text = text_of(signed_in(plant, Role.ENGINEER).get(reverse("stock-map"), {"item": "PLATED"}))
    assert "When PLATED is received: 1 RECEIVE brings PLATED" in text
    assert "2 SUBFLUSH takes 1 component from ACME/STOCK to ACME/USED" in text


def test_a_line_with_a_place_of_its_own_is_an_arrow_of_its_own(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "BOLT", 4), plant.line(20, "LUG", 1, source="RAW"))
    text = text_of(signed_in(plant, Role.ENGINEER).get(reverse("stock-map"), {"item": "BRACKET"}))
    own = row(text, 'data-from="MAIN/RAW"', 'data-to="MAIN/WIP"', 'data-action="BACKFLUSH"')
    assert 'data-steps="3"' in own
    assert "own place" in own


def test_an_action_without_a_rule_is_named_below_the_map(plant: Plant) -> None:
    TransferRule.objects.filter(site=plant.site, action__name="BACKFLUSH").update(active=False)
    text = text_of(signed_in(plant, Role.ENGINEER).get(reverse("stock-map"), {"item": "FRAME"}))
    assert "2 BACKFLUSH has no rule here, so all of it is refused" in text
    assert "Without a rule here, so not drawn:" in text


def test_over_forty_places_stores_are_folded_and_open_by_their_address(plant: Plant) -> None:
    annex = Store.objects.create(site=plant.site, code="ANNEX")
    Location.objects.bulk_create(
        Location(site=plant.site, store=annex, code=f"X{number}", path=f"ANNEX/X{number}") for number in range(60)
    )
    client = signed_in(plant, Role.ENGINEER)
    assert 'data-fold="ANNEX"' in row(text_of(client.get(reverse("stock-map"))), 'data-path="ANNEX/X7"')
    opened = row(text_of(client.get(reverse("stock-map"), {"open": "ANNEX"})), 'data-path="ANNEX/X7"')
    assert "data-fold" not in opened


def test_more_places_and_rules_cost_no_more_statements(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    with statements(BUDGET):
        text_of(client.get(reverse("stock-map"), {"item": "FRAME"}))
    store = Store.objects.get(site=plant.site, code="MAIN")
    made = Location.objects.bulk_create(
        Location(site=plant.site, store=store, code=f"X{number}", path=f"MAIN/X{number}") for number in range(30)
    )
    action = Action.objects.get(name="REPLENISH")
    TransferRule.objects.bulk_create(
        TransferRule(site=plant.site, action=action, source=plant.location("RAW"), target=place, single=False)
        for place in made
    )
    with statements(BUDGET):
        text_of(client.get(reverse("stock-map"), {"item": "FRAME"}))


def test_an_unknown_item_cannot_be_traced(plant: Plant) -> None:
    text = text_of(signed_in(plant, Role.ENGINEER).get(reverse("stock-map"), {"item": "NOSUCH"}))
    assert "There is no item NOSUCH." in text


def test_values_need_the_right_to_see_costs(plant: Plant) -> None:
    plant.has(5, "LUG", at="LINE")
    response = signed_in(plant, Role.OPERATOR).get(reverse("stock-map"))
    assert response.status_code == HTTPStatus.OK
    assert "data-value" not in text_of(response)
