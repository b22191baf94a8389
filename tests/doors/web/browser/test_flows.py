"""The three daily flows, by mouse and by keyboard."""

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.cast import Plant
from tests.doors.web.browser.visit import Visit

pytestmark = pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)
"""The tests of the pages run on both engines; the behaviour of the browser doesn't depend on it."""


def short_of_bolts(plant: Plant) -> int:
    """Eight bolts are due at the line, which has five; the raw store has a hundred."""
    plant.has(5, "BOLT")
    plant.has(100, "BOLT", at="RAW")
    plant.books(2, "BRACKET")
    return plant.queue("BOLT")[0].pk


def test_from_home_to_resolved_in_three_presses(committed_plant: Plant, visit: Visit) -> None:
    number = short_of_bolts(committed_plant)
    page = visit.sign_in_by_hand("rosa").page
    page.click(f"a[href$='open={number}'] >> nth=0")
    expect(page.locator("#panel-title")).to_be_focused()
    page.check("text=MAIN/RAW")
    expect(page.locator("#outcome")).to_contain_text("from MAIN/RAW to MAIN/WIP now and leaves 92")
    page.click("text=Resolve and next")
    expect(page.locator("#banner")).to_contain_text("BOLT: 8 EA resolved. 0 unresolved movements left.")
    assert committed_plant.balance("BOLT", at="RAW") == Decimal(92)
    assert visit.complaints == []


def test_the_queue_is_worked_by_keyboard_alone(committed_plant: Plant, visit: Visit) -> None:
    short_of_bolts(committed_plant)
    committed_plant.books(3, "BRACKET")
    first, second = (one.pk for one in committed_plant.queue("BOLT"))
    visit.sign_in("rosa").goes(f"/unresolved/?open={first}")
    page = visit.page
    page.keyboard.press("j")
    expect(page.locator(f"#panel[data-number='{second}']")).to_be_visible()
    expect(page.locator("#panel-title")).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator(f"#panel[data-number='{first}']")).to_be_visible()
    page.keyboard.press("c")
    expect(page.locator("#remarks")).to_be_visible()
    page.fill("#remarks", "wrong colour")
    page.click("text=Cancel the movement")
    expect(page.locator("#banner")).to_contain_text("BOLT: 8 EA cancelled. 1 unresolved movement left.")
    page.wait_for_load_state()  # shortcuts work only once the script has loaded
    page.keyboard.press("Escape")
    expect(page.locator(f"[data-row='{second}'] [data-open]")).to_be_focused()
    assert len(committed_plant.queue()) == 1


def test_scanned_booked_and_undone(committed_plant: Plant, visit: Visit) -> None:
    committed_plant.has(8, "BOLT")
    committed_plant.releases(100, "BRACKET")
    page = visit.sign_in("ken").page
    page.keyboard.press("/")
    page.keyboard.type("W-BRACKET\n")
    expect(page.locator("#good")).to_be_focused()
    page.keyboard.type("3")
    expect(page.locator("#preview")).to_contain_text("BOLT is 4 short.")
    expect(page.locator("#go-text")).to_have_text("Book 3 good")
    page.click("text=Make it 2")
    expect(page.locator("#go-text")).to_have_text("Book 2 good")
    expect(page.locator("#preview")).not_to_contain_text("short")
    page.click("#go")
    expect(page.locator("#banner")).to_contain_text("Booked 2 good on W-BRACKET")
    expect(page.locator("#order")).to_be_focused()
    assert committed_plant.balance("BOLT") == Decimal(0)
    page.click("#banner >> text=Undo")
    expect(page.locator("#banner")).to_contain_text("All stock is back where it was.")
    assert committed_plant.balance("BOLT") == Decimal(8)
    assert visit.complaints == []


def test_a_refusal_keeps_the_input_and_gets_the_focus(committed_plant: Plant, visit: Visit) -> None:
    committed_plant.releases(100, "BRACKET")
    visit.sign_in("ken").goes("/book/?order=W-BRACKET")
    page = visit.page
    page.fill("#scrap", "2")
    page.fill("#good", "1.5")
    page.click("#go")
    expect(page.locator("#good-error")).to_contain_text("Enter 1 or 2.")
    expect(page.locator("#good")).to_be_focused()
    assert page.input_value("#scrap") == "2"


def test_an_amount_is_stepped_and_set_by_buttons(committed_plant: Plant, visit: Visit) -> None:
    committed_plant.has(100, "BOLT")
    committed_plant.releases(100, "BRACKET")
    page = visit.sign_in("ken").goes("/book/?order=W-BRACKET").page
    page.click("[data-step='good 1']")
    page.click("[data-step='good 1']")
    expect(page.locator("#go-text")).to_have_text("Book 2 good")
    page.click("[data-set='good 100']")
    page.click("[data-step='good -1']")
    expect(page.locator("#go-text")).to_have_text("Book 99 good")
    page.fill("#good", "2.3")
    page.click("[data-step='good -1']")
    assert page.input_value("#good") == "1.3"
    page.fill("#good", "0")
    page.click("[data-step='good -1']")
    assert page.input_value("#good") == "0"
    page.fill("#good", "some")
    page.click("[data-step='good 1']")
    assert page.input_value("#good") == "some"
    assert visit.complaints == []


def test_the_second_person_sees_that_it_is_done(committed_plant: Plant, visit: Visit) -> None:
    number = short_of_bolts(committed_plant)
    visit.sign_in("rosa").goes(f"/unresolved/?open={number}")
    visit.page.check("text=MAIN/RAW")
    committed_plant.resolves(number, source="RAW")
    visit.page.click("text=Resolve and next")
    expect(visit.page.locator("#panel")).to_contain_text("resolved this today")
    expect(visit.page.locator("#panel")).to_contain_text("Nothing you entered was posted.")


def test_the_theme_is_kept(committed_plant: Plant, visit: Visit) -> None:
    visit.sign_in("rosa")
    html = visit.page.locator("html")
    visit.page.click("[data-theme-switch] button")
    expect(html).to_have_attribute("data-theme", "dark")
    visit.goes("/unresolved/")
    expect(html).to_have_attribute("data-theme", "dark")
