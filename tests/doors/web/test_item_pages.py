"""Items: search, page, editing, and structure."""

import re
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import pytest
from django.urls import reverse

from backflush.items.models import Item
from backflush.items.selectors import item_coded
from backflush.people.rights import Role
from backflush.structures.models import LineSource, StructureLine
from backflush.structures.selectors import structure_stamp
from tests.cast import Plant
from tests.doors.web.visitors import browser, person, signed_in, statements, text_of

PAGE_BUDGET = 32


def tagless(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).replace("&nbsp;", " ").split())


def lines_typed(item: str, *lines: dict[str, Any], seen: str | None = None) -> dict[str, str]:
    """Return the form data of an item's structure, as a browser sends it."""
    kept = StructureLine.objects.filter(item__code=item).order_by("pk").values_list("pk", flat=True)
    typed = {
        "stamp": structure_stamp(item_coded(item)),
        "seen": ",".join(map(str, kept)) if seen is None else seen,
        "save": "1",
    }
    for index, line in enumerate(lines):
        typed |= {f"{name}-{index}": str(value) for name, value in line.items()}
    return typed


def structure(item: str) -> list[tuple[int, str, str]]:
    rows = StructureLine.objects.filter(item__code=item).select_related("component").order_by("number", "pk")
    return [(row.number, row.component.code, str(row.quantity)) for row in rows]


def test_items_are_found_by_a_part_of_code_or_description(plant: Plant) -> None:
    Item.objects.filter(code="LUG").update(description="Ring with an eye")
    text = text_of(signed_in(plant, Role.VIEWER).get(reverse("items"), {"q": "eye"}))
    assert reverse("item", args=["LUG"]) in text
    assert reverse("item", args=["BOLT"]) not in text


def test_the_list_costs_the_same_statements_for_one_item_as_for_many(plant: Plant) -> None:
    client = signed_in(plant, Role.VIEWER)
    for asked in ({"q": "LUG"}, {}):
        with statements(14):
            text_of(client.get(reverse("items"), asked))


def test_an_empty_search_result_links_to_all_items(plant: Plant) -> None:
    text = text_of(signed_in(plant, Role.VIEWER).get(reverse("items"), {"q": "no such thing"}))
    assert "No item matches" in text


def test_an_item_shows_its_costed_structure_with_each_line_s_consumption(plant: Plant) -> None:
    text = tagless(text_of(signed_in(plant, Role.CONTROLLER).get(reverse("item", args=["FRAME"]))))
    # 3.2 m of tube at 4, six lugs at 0.75, and 150 g of paint at 12.50 per kilogram with 4 % waste.
    assert "12.8000" in text
    assert "4.5000" in text
    assert "0.15625 KG" in text
    assert "19.2531" in text


def test_a_phantom_s_lines_are_shown_below_it_and_counted_in_its_place(plant: Plant) -> None:
    text = tagless(text_of(signed_in(plant, Role.CONTROLLER).get(reverse("item", args=["CABINET"]))))
    # Two panels of two sheets at 7 and six bolts at 0.10 each, a motor at 90, half a kilogram of resin at 8.
    assert "phantom" in text
    assert "serial" in text
    assert "123.2000" in text
    assert "4 EA" in text


def test_costs_are_shown_only_to_users_with_the_right(plant: Plant) -> None:
    assert "19.2531" not in text_of(signed_in(plant, Role.OPERATOR).get(reverse("item", args=["FRAME"])))


def test_a_closed_level_opens_by_its_own_address(plant: Plant) -> None:
    client = signed_in(plant, Role.VIEWER)
    closed = text_of(client.get(reverse("item", args=["CABINET"]), {"open": "-"}))
    opened = text_of(client.get(reverse("item", args=["CABINET"]), {"open": "10"}))
    assert "SHEET" not in closed
    assert "SHEET" in opened


def test_a_large_structure_opens_its_first_level_only(plant: Plant) -> None:
    plant.consists("BRACKET", plant.line(10, "BOLT", 1), plant.line(20, "LUG", 1))
    lines = [plant.line(number, "BRACKET", 1) for number in range(10, 260, 10)]
    plant.consists("PACK", *lines)
    text = tagless(text_of(signed_in(plant, Role.VIEWER).get(reverse("item", args=["PACK"]))))
    assert "Open all" in text
    assert "Level 2" not in text


def test_the_structure_in_force_on_a_day_is_shown(plant: Plant) -> None:
    spring = date(2026, 4, 1)
    old = plant.line(10, "BOLT", 4, ends=spring - timedelta(days=1))
    plant.consists("BRACKET", old, plant.line(10, "LUG", 2, starts=spring))
    client = signed_in(plant, Role.VIEWER)
    before = tagless(text_of(client.get(reverse("item", args=["BRACKET"]), {"on": "2026-03-31"})))
    after = tagless(text_of(client.get(reverse("item", args=["BRACKET"]), {"on": "2026-04-01"})))
    assert "BOLT" in before
    assert "LUG" not in before
    assert "LUG" in after


def test_an_items_page_costs_the_same_statements_however_long_its_structure(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    with statements(PAGE_BUDGET):
        text_of(client.get(reverse("item", args=["BRACKET"])))
    plant.consists("BRACKET", *(plant.line(number, "BOLT", 1) for number in range(1, 200)))
    with statements(PAGE_BUDGET):
        text_of(client.get(reverse("item", args=["BRACKET"])))


def test_the_structures_that_use_an_item_are_listed_with_dates(plant: Plant) -> None:
    text = tagless(text_of(signed_in(plant, Role.VIEWER).get(reverse("item-used", args=["LUG"]))))
    assert "TRAY" in text
    assert "FRAME" in text


def test_an_item_with_a_slash_has_a_page(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    response = client.post(reverse("item-new"), {**ITEM, "code": "A/4 sheet"})
    assert response.headers["Location"] == reverse("item", args=["A/4 sheet"])
    assert "A/4 sheet" in text_of(client.get(response.headers["Location"]))


ITEM = {
    "code": "NUT",
    "description": "Nut",
    "class": "B",
    "type_code": "BOUGHT",
    "unit": "EA",
    "decimals": "0",
    "cost_decimals": "4",
    "tracking": "none",
}


def test_an_engineer_adds_an_item(plant: Plant) -> None:
    response = signed_in(plant, Role.ENGINEER).post(reverse("item-new"), ITEM)
    assert response.headers["Location"] == reverse("item", args=["NUT"])
    assert item_coded("NUT").description == "Nut"


def test_a_code_that_is_taken_is_refused_at_its_field_and_the_input_is_kept(plant: Plant) -> None:
    typed = {**ITEM, "code": "BOLT", "description": "Another one"}
    text = text_of(signed_in(plant, Role.ENGINEER).post(reverse("item-new"), typed), HTTPStatus.CONFLICT)
    assert 'id="code-error"' in text
    assert "Another one" in text


def test_only_a_controller_sets_costs(plant: Plant) -> None:
    url = reverse("item-edit", args=["BOLT"])
    typed = {**ITEM, "code": "BOLT", "standard_material": "0.20"}
    signed_in(plant, Role.ENGINEER).post(url, typed)
    assert str(Item.objects.select_related("cost").get(code="BOLT").cost.standard_material) == "0.1"  # type: ignore[union-attr]
    signed_in(plant, Role.ENGINEER, Role.CONTROLLER).post(url, typed)
    assert str(Item.objects.select_related("cost").get(code="BOLT").cost.standard_material) == "0.2"  # type: ignore[union-attr]


def test_fields_fixed_by_use_are_shown_and_cannot_change(plant: Plant) -> None:
    plant.has(5, "BOLT", at="LINE")
    client = signed_in(plant, Role.ENGINEER)
    url = reverse("item-edit", args=["BOLT"])
    assert "Stock has moved" in text_of(client.get(url))
    text = text_of(client.post(url, {**ITEM, "code": "BOLT", "unit": "KG"}), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "so its unit stays EA" in text


@pytest.mark.parametrize("name", ["item-new", "item-edit", "item-structure", "item-copy"])
def test_users_with_read_access_cannot_change_items(plant: Plant, name: str) -> None:
    url = reverse(name, args=[] if name == "item-new" else ["BRACKET"])
    client = signed_in(plant, Role.STORES)
    assert client.get(url).status_code == HTTPStatus.FORBIDDEN
    assert client.post(url, {}).status_code == HTTPStatus.FORBIDDEN


def test_a_structure_is_entered_line_by_line(plant: Plant) -> None:
    typed = lines_typed(
        "BRACKET",
        {"number": 10, "component": "BOLT", "quantity": "6"},
        {"number": 20, "component": "PAINT", "quantity": "12500", "unit": "G", "waste": "4", "source": "MAIN/LINE"},
        {"number": 30, "component": "", "quantity": ""},
    )
    response = signed_in(plant, Role.ENGINEER).post(reverse("item-structure", args=["BRACKET"]), typed)
    assert response.headers["Location"] == reverse("item", args=["BRACKET"])
    assert structure("BRACKET") == [(10, "BOLT", "6"), (20, "PAINT", "12500")]
    assert LineSource.objects.get(line__item__code="BRACKET").location.path == "MAIN/LINE"


def test_every_fault_is_shown_at_its_line_and_the_input_is_kept(plant: Plant) -> None:
    typed = lines_typed(
        "BRACKET",
        {"number": 10, "component": "BOLT", "quantity": "0"},
        {"number": 20, "component": "NOSUCH", "quantity": "2"},
        {"number": 30, "component": "LUG", "quantity": "many", "waste": "100"},
        {"number": 40, "component": "PANEL", "quantity": "1", "fixed": "2"},
        {"number": 50, "component": "LUG", "quantity": "1", "starts": "2026-05-02", "ends": "2026-05-01"},
        {"number": 50, "component": "BOLT", "quantity": "1"},
    )
    url = reverse("item-structure", args=["BRACKET"])
    text = text_of(signed_in(plant, Role.ENGINEER).post(url, typed), HTTPStatus.UNPROCESSABLE_ENTITY)
    for faulty in ("quantity-0", "component-1", "quantity-2", "fixed-3", "ends-4"):
        assert f'id="{faulty}-error"' in text
    assert "many" in text
    assert structure("BRACKET") == [(10, "BOLT", "4")]


def test_versions_of_a_line_may_not_overlap(plant: Plant) -> None:
    typed = lines_typed(
        "BRACKET",
        {"number": 10, "component": "BOLT", "quantity": "4"},
        {"number": 10, "component": "LUG", "quantity": "4", "starts": "2026-05-01"},
    )
    url = reverse("item-structure", args=["BRACKET"])
    text = text_of(signed_in(plant, Role.ENGINEER).post(url, typed), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="number-1-error"' in text


def test_an_item_cannot_contain_itself_and_the_fault_is_shown_at_the_line(plant: Plant) -> None:
    typed = lines_typed(
        "PANEL",
        {"number": 10, "component": "BOLT", "quantity": "1"},
        {"number": 20, "component": "CABINET", "quantity": "1"},
    )
    url = reverse("item-structure", args=["PANEL"])
    text = text_of(signed_in(plant, Role.ENGINEER).post(url, typed), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert 'id="component-1-error"' in text
    assert "PANEL &gt; CABINET &gt; PANEL" in text


def test_the_second_user_to_save_overwrites_nothing(plant: Plant) -> None:
    typed = lines_typed("BRACKET", {"number": 10, "component": "LUG", "quantity": "1"})
    plant.consists("BRACKET", plant.line(10, "BOLT", 5))
    url = reverse("item-structure", args=["BRACKET"])
    text = text_of(signed_in(plant, Role.ENGINEER).post(url, typed), HTTPStatus.CONFLICT)
    assert "Another user changed the structure of BRACKET after you opened it" in text
    assert structure("BRACKET") == [(10, "BOLT", "5")]


def test_a_new_version_ends_the_line_today_and_saves_nothing_yet(plant: Plant) -> None:
    typed = lines_typed("BRACKET", {"number": 10, "component": "BOLT", "quantity": "4"})
    del typed["save"]
    url = reverse("item-structure", args=["BRACKET"])
    text = text_of(signed_in(plant, Role.ENGINEER).post(url, {**typed, "new-version": "0"}))
    assert text.count('value="BOLT"') == 2
    assert structure("BRACKET") == [(10, "BOLT", "4")]


def test_a_long_structure_is_edited_in_parts_and_the_rest_is_kept(plant: Plant) -> None:
    plant.consists("BRACKET", *(plant.line(number, "BOLT", 1) for number in range(1, 121)))
    client = signed_in(plant, Role.ENGINEER)
    url = reverse("item-structure", args=["BRACKET"])
    text = text_of(client.get(url, {"start": "50"}))
    assert "51 to 100 of 120" in text
    seen = re.search(r'name="seen" value="([\d,]+)"', text)
    assert seen is not None
    typed = lines_typed("BRACKET", {"number": 60, "component": "LUG", "quantity": "9"}, seen=seen[1])
    client.post(url, {**typed, "start": "50"})
    kept = structure("BRACKET")
    assert len(kept) == 71
    assert (60, "LUG", "9") in kept


def test_the_from_locations_of_another_site_survive_an_edit(plant: Plant) -> None:
    other = Plant.build_site(code="NORTH")
    line = StructureLine.objects.get(item__code="BRACKET")
    LineSource.objects.create(site=other.site, line=line, location=other.location("RAW"))
    typed = lines_typed("BRACKET", {"number": 10, "component": "BOLT", "quantity": "5", "key": line.pk})
    signed_in(plant, Role.ENGINEER).post(reverse("item-structure", args=["BRACKET"]), typed)
    assert structure("BRACKET") == [(10, "BOLT", "5")]
    assert LineSource.objects.get(line__item__code="BRACKET").location == other.location("RAW")


def test_a_structure_is_copied_from_another_item(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    url = reverse("item-copy", args=["PACK"])
    assert "Copy 3 lines to PACK" in tagless(text_of(client.get(url, {"source": "FRAME"})))
    refused = text_of(client.post(url, {"source": "FRAME"}), HTTPStatus.CONFLICT)
    assert 'id="replace-error"' in refused
    client.post(url, {"source": "FRAME", "replace": "on"})
    assert structure("PACK") == structure("FRAME")


def test_a_copy_that_would_make_a_loop_is_refused(plant: Plant) -> None:
    url = reverse("item-copy", args=["PANEL"])
    typed = {"source": "CABINET", "replace": "on"}
    text = text_of(signed_in(plant, Role.ENGINEER).post(url, typed), HTTPStatus.UNPROCESSABLE_ENTITY)
    assert "An item can&#x27;t contain itself" in text


def test_changes_need_the_csrf_token(plant: Plant) -> None:
    client = browser(enforce_csrf_checks=True)
    client.force_login(person(plant, Role.ENGINEER), backend="django.contrib.auth.backends.ModelBackend")
    for name in ("item-edit", "item-structure", "item-copy"):
        assert client.post(reverse(name, args=["BRACKET"]), ITEM).status_code == HTTPStatus.FORBIDDEN


def test_an_unknown_item_has_no_page(plant: Plant) -> None:
    client = signed_in(plant, Role.ENGINEER)
    assert client.get(f"/items/code/{quote('NO/SUCH')}/").status_code == HTTPStatus.NOT_FOUND


def test_an_items_code_typed_into_find_opens_its_page(plant: Plant) -> None:
    client = signed_in(plant, Role.STORES)
    assert client.get(reverse("find"), {"q": "BOLT"}).headers["Location"] == reverse("item", args=["BOLT"])
    assert "MAIN%2FLINE" in client.get(reverse("find"), {"q": "MAIN/LINE"}).headers["Location"]


# ---- orders and cost ----------------------------------------------------------------------------------------------


def test_an_item_lists_its_orders_latest_first(plant: Plant) -> None:
    client = signed_in(plant, Role.OPERATOR)
    plant.releases(5, "BRACKET", number="W-1")
    plant.orders(7, "BRACKET", number="W-2")
    plant.orders(7, "FRAME", number="W-3")
    plant.buys(5, "PLATED")
    text = text_of(client.get(reverse("item-orders", args=["BRACKET"])))
    assert text.index("W-2") < text.index("W-1")
    assert "W-3" not in text
    assert "P-PLATED" in text_of(client.get(reverse("item-orders", args=["PLATED"])))


def test_more_orders_of_an_item_cost_no_more_statements(plant: Plant) -> None:
    client = signed_in(plant, Role.OPERATOR)
    for number in range(25):
        plant.orders(1, "BRACKET", number=f"W-{number}")
    with statements(16):
        text_of(client.get(reverse("item-orders", args=["BRACKET"])))


def test_an_items_cost_is_shown_by_element_and_rolled_up(plant: Plant) -> None:
    text = text_of(signed_in(plant, Role.CONTROLLER).get(reverse("item-cost", args=["BRACKET"])))
    assert "Outside work" in text
    assert "Its 1 line in force on" in text
    assert "adds up to 0.4000, outside work included." in text


def test_the_cost_page_needs_the_right_to_see_costs(plant: Plant) -> None:
    client = signed_in(plant, Role.OPERATOR)
    assert client.get(reverse("item-cost", args=["BRACKET"])).status_code == HTTPStatus.FORBIDDEN
    assert reverse("item-cost", args=["BRACKET"]) not in text_of(client.get(reverse("item", args=["BRACKET"])))


def test_the_stock_of_an_item_links_to_its_bin_card(plant: Plant) -> None:
    plant.has(8, "BOLT")
    text = text_of(signed_in(plant, Role.OPERATOR).get(reverse("item", args=["BOLT"])))
    assert f"{reverse('bin-card')}?item=BOLT&amp;location=MAIN%2FLINE" in text
