"""Home in a browser: arranged by keyboard and by dragging, charts, shortcuts switched off."""

import pytest
from playwright.sync_api import Page, expect

from tests.cast import Plant
from tests.doors.web.browser.test_flows import short_of_bolts
from tests.doors.web.browser.visit import Visit

pytestmark = pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)


def names(page: Page) -> list[str]:
    """Return the blocks on the board in order."""
    found: list[str] = page.locator("[data-block]").evaluate_all("blocks => blocks.map(one => one.dataset.block)")
    return found


def test_blocks_are_arranged_by_keyboard_alone_and_keep_the_focus(committed_plant: Plant, visit: Visit) -> None:
    short_of_bolts(committed_plant)
    page = visit.sign_in("rosa").page
    first, second, *others = names(page)
    page.focus("#arrange")
    page.keyboard.press("Enter")
    expect(page.locator(f"#{first}-later")).to_be_visible()
    expect(page.locator("#arrange")).to_be_focused()
    page.focus(f"#{first}-later")
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("Backflush errors is now number 2 of 9")
    assert visit.focused() == f"{first}-later"
    assert names(page) == [second, first, *others]
    page.focus(f"#{second}-remove")
    page.keyboard.press("Space")
    expect(page.locator("#board-undo")).to_be_focused()
    assert second not in names(page)
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("Works orders released and open is on your board")
    expect(page.locator(f"#{second}-earlier")).to_be_focused()
    assert visit.violations() == []
    visit.goes("/")
    assert names(page) == [second, first, *others]
    assert visit.complaints == []


def test_a_block_is_dragged_onto_the_place_of_another(committed_plant: Plant, visit: Visit) -> None:
    short_of_bolts(committed_plant)
    page = visit.sign_in("rosa").goes("/?arrange=1").page
    first, second, third, *others = names(page)
    page.drag_and_drop(f"#block-{third} h2", f"#block-{first} h2")
    expect(page.locator("#live")).to_contain_text("is now number 1 of 9")
    assert names(page) == [third, first, second, *others]


def test_charts_are_drawn_from_their_tables_and_again_in_the_other_theme(committed_plant: Plant, visit: Visit) -> None:
    short_of_bolts(committed_plant)
    page = visit.sign_in("rosa").page
    plot = page.locator("#unresolved-over-time-plot")
    expect(plot.locator("svg")).to_be_visible()
    expect(page.locator("#unresolved-over-time-table")).to_be_hidden()
    page.click("[data-theme-switch] button")
    expect(plot.locator("svg")).to_be_visible()
    page.click("[data-swaps=unresolved-over-time]")
    expect(page.locator("#unresolved-over-time-table")).to_be_visible()
    expect(plot).to_be_hidden()
    assert visit.violations() == []
    assert visit.complaints == []


def test_single_letter_keys_open_pages_until_they_are_switched_off(committed_plant: Plant, visit: Visit) -> None:
    short_of_bolts(committed_plant)
    page = visit.sign_in("rosa").page
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("u")
    page.wait_for_url("**/unresolved/")
    visit.goes("/you/")
    page.click("text=Switch single-letter keys off")
    expect(page.locator("text=Switch single-letter keys on")).to_be_visible()
    page.keyboard.press("/")
    assert visit.focused() != "find"
    page.keyboard.press("g")
    page.keyboard.press("u")
    expect(page).to_have_url(f"{visit.address}/you/")
