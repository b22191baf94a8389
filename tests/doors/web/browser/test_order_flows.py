"""Orders in a browser: release, print, issue by hand, receive, make a kit."""

from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from tests.cast import Plant
from tests.doors.web.browser.visit import Visit

pytestmark = pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)


def opened(visit: Visit, name: str, path: str) -> Page:
    """Sign in and open a page."""
    visit.sign_in(name).goes(path)
    return visit.page


def test_an_order_is_made_released_and_completed(committed_plant: Plant, visit: Visit) -> None:
    page = opened(visit, "ama", "/orders/new/")
    page.fill("#number", "W-77")
    page.fill("#item", "BOLT")
    page.fill("#quantity", "12")
    page.click("text=Create the order")
    expect(page.locator("#item-error")).to_contain_text("A works order is for a manufactured item.")
    page.fill("#item", "BRACKET")
    page.click("text=Create the order")
    expect(page.locator("h1")).to_contain_text("W-77")
    page.click("button:has-text('Release')")
    expect(page.locator(".page-head")).to_contain_text("Released")
    expect(page.locator("tr.is-bad")).to_contain_text("BOLT")
    page.click("text=Complete…")
    page.click("text=Complete W-77")
    expect(page.locator(".page-head")).to_contain_text("Complete")


def test_material_is_issued_by_scanner_and_taken_back_with_one_press(committed_plant: Plant, visit: Visit) -> None:
    committed_plant.has(50, "LUG", at="RAW")
    committed_plant.releases(10, "BRACKET")
    page = opened(visit, "ama", "/orders/issue/W-BRACKET/")
    page.keyboard.type("LUG\n")
    expect(page.locator("#quantity")).to_be_focused()
    page.keyboard.type("12\n")
    expect(page.locator("text=12 EA of LUG will move from MAIN/RAW to MAIN/WIP")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#banner")).to_contain_text("12 EA of LUG moved")
    expect(page.locator("#item")).to_be_focused()
    assert committed_plant.balance("LUG", at="RAW") == Decimal(38)
    page.click("#banner >> text=Undo")
    expect(page.locator("#banner")).to_contain_text("Reversed.")
    assert committed_plant.balance("LUG", at="RAW") == Decimal(50)


def test_a_receipt_previews_its_consumption_while_it_is_typed(committed_plant: Plant, visit: Visit) -> None:
    committed_plant.has(30, "LUG", at="ACME/STOCK")
    committed_plant.buys(10, "PLATED")
    page = opened(visit, "ama", "/orders/receive/?order=P-PLATED")
    page.fill("#accepted", "7")
    expect(page.locator("#preview")).to_contain_text("28 EA")
    page.fill("#rejected", "1")
    expect(page.locator("#preview")).to_contain_text("LUG is")
    expect(page.locator("#go-text")).to_have_text("Receive 7, reject 1")
    page.click("#go")
    expect(page.locator("#banner")).to_contain_text("Received 7, rejected 1 of PLATED")
    expect(page.locator("#banner")).to_contain_text("1 component is unresolved.")
    assert committed_plant.balance("PLATED", at="FG") == Decimal(7)
    assert visit.complaints == []


def test_a_kit_is_booked_after_a_refusal(committed_plant: Plant, visit: Visit) -> None:
    committed_plant.has(16, "BOLT")
    committed_plant.has(16, "LUG")
    page = opened(visit, "ken", "/book/item/")
    page.keyboard.type("PACK\n")
    expect(page.locator("#good")).to_be_focused()
    page.click("#go")
    expect(page.locator("#good-error")).to_contain_text("enter a quantity, good or scrap")
    page.fill("#good", "3")
    page.click("text=Make it 2")
    expect(page.locator("#go-text")).to_have_text("Book 2 good")
    page.click("#go")
    expect(page.locator("#banner")).to_contain_text("Made 2 good, 0 scrap of PACK")
    assert committed_plant.balance("PACK", at="FG") == Decimal(2)
