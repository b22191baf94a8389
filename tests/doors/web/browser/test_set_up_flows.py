"""Items, rules and the stock map in a browser: lines edited and saved, a rule chosen, arrows highlighted."""

import pytest
from playwright.sync_api import Page, expect

from backflush.stockmap.models import Action, Location, Store
from backflush.stockmap.services import add_rule
from tests.cast import Plant
from tests.doors.web.browser.visit import Visit

READABLE = 11
"""The smallest text on the stock map in pixels; a larger map scrolls instead."""

pytestmark = pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)


def opened(visit: Visit, path: str) -> Page:
    """Sign in as the administrator and open a page."""
    visit.sign_in("ama").goes(path)
    return visit.page


def test_a_level_is_closed_and_opened_and_focus_stays_on_its_arrow(committed_plant: Plant, visit: Visit) -> None:
    page = opened(visit, "/items/code/CABINET/")
    expect(page.locator(".structure-tree")).to_contain_text("SHEET")
    page.click("a[aria-label='Lines of PANEL']")
    expect(page.locator(".structure-tree")).not_to_contain_text("SHEET")
    assert visit.focused() == "line-10"
    page.keyboard.press("Enter")
    expect(page.locator(".structure-tree")).to_contain_text("SHEET")


def test_a_faulty_line_keeps_all_input(committed_plant: Plant, visit: Visit) -> None:
    page = opened(visit, "/items/structure/BRACKET/")
    page.fill("#component-1", "LUG")
    page.press("#component-1", "Tab")
    expect(page.locator(".cell-with-note:has(#component-1) [data-code-note]")).to_contain_text("EA")
    page.fill("#quantity-1", "0")
    page.click("text=Save structure")
    expect(page.locator("#quantity-1-error")).to_contain_text("needs a quantity above zero")
    expect(page.locator("#component-1")).to_have_value("LUG")
    page.fill("#quantity-1", "2")
    page.click("text=Save structure")
    expect(page.locator(".structure-tree")).to_contain_text("LUG")


def test_the_same_place_twice_is_shown_before_anything_is_saved(committed_plant: Plant, visit: Visit) -> None:
    page = opened(visit, "/set-up/actions/at/REPLENISH/")
    page.select_option("#from", "MAIN/RAW")
    page.select_option("#to", "MAIN/RAW")
    expect(page.locator("#rule-live-check")).to_contain_text("needs two different locations")


def test_choosing_an_item_highlights_its_arrows_without_moving_the_map(committed_plant: Plant, visit: Visit) -> None:
    page = opened(visit, "/stock-map/")
    before = page.locator("#map .map-place rect").evaluate_all("boxes => boxes.map(box => box.getAttribute('x'))")
    page.select_option("#trace", "FRAME")
    expect(page.locator("#trace-says")).to_contain_text("When FRAME is completed")
    expect(page.locator("#map .map-step-number")).to_have_count(2)
    assert sorted(page.locator("#map .map-step-number").all_text_contents()) == ["1", "2"]
    after = page.locator("#map .map-place rect").evaluate_all("boxes => boxes.map(box => box.getAttribute('x'))")
    assert after == before


def test_every_place_on_the_map_is_reached_by_keys(committed_plant: Plant, visit: Visit) -> None:
    page = opened(visit, "/stock-map/")
    page.focus("#map .map-place >> nth=0")
    page.keyboard.press("Tab")
    second = page.locator("#map .map-place").nth(1)
    expect(second).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/set-up/locations/at/**")


def many_places(plant: Plant) -> None:
    """Add two stores of thirty locations each, so that the stock map folds its stores."""
    replenish = Action.objects.get(name="REPLENISH")
    for code in ("ANNEX", "YARD"):
        store = Store.objects.create(site=plant.site, code=code)
        places = Location.objects.bulk_create(
            Location(site=plant.site, store=store, code=f"X{number}", path=f"{code}/X{number}") for number in range(30)
        )
        add_rule(action=replenish, source=plant.location("RAW"), target=places[0])


def test_folded_stores_open_where_they_are_pressed_and_fold_again(committed_plant: Plant, visit: Visit) -> None:
    many_places(committed_plant)
    page = opened(visit, "/stock-map/")
    places = page.locator("#map .map-place")
    expect(places.filter(has_text="ANNEX")).to_contain_text("30 places")
    folded = places.count()
    places.filter(has_text="ANNEX").click()
    expect(places.filter(has_text="ANNEX/X")).to_have_count(30)
    expect(places.filter(has_text="ANNEX/X0 ")).to_be_focused()
    places.filter(has_text="YARD").click()
    expect(places.filter(has_text="YARD/X")).to_have_count(30)
    expect(places.filter(has_text="ANNEX/X")).to_have_count(30)
    sizes = page.locator("#map text").evaluate_all(
        "texts => texts.map(one => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a)"
    )
    assert min(sizes) >= READABLE
    page.click("text=store YARD (fold)")
    expect(places.filter(has_text="YARD/X")).to_have_count(0)
    page.click("text=Fold all stores")
    expect(places).to_have_count(folded)


def test_a_traced_path_is_visible_although_its_store_is_folded(committed_plant: Plant, visit: Visit) -> None:
    many_places(committed_plant)
    page = opened(visit, "/stock-map/?item=FRAME")
    assert sorted(page.locator("#map .map-step-number").all_text_contents()) == ["1", "2"]
    expect(page.locator("#map .map-place.is-on-trace")).to_have_count(3)
    expect(page.locator("#map .map-place.is-on-trace").first).to_be_in_viewport()
    expect(page.locator("#map .map-place").filter(has_text="ANNEX")).to_contain_text("30 places")
