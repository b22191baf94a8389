"""Opening stock, deactivation, and two sites with transfers and the site switch, in a browser."""

from contextlib import closing
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from backflush.people.models import User
from backflush.people.rights import Role
from backflush.people.services import give_role
from tests.cast import Plant
from tests.doors.web.browser.visit import SIZES, THEMES, Visit

pytestmark = pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)

AT_BOTH: Final = (Role.ADMINISTRATOR, Role.STORES)


@pytest.fixture
def south(committed_plant: Plant, served: str) -> Plant:
    """A second site, at which Ama is an administrator too."""
    made = Plant.build_site(code="SOUTH")
    for role in AT_BOTH:
        give_role(user=User.objects.get(username="ama"), site=made.site, role=role)
    return made


def opened(visit: Visit, path: str) -> Page:
    """Sign in as the administrator and open a page."""
    visit.sign_in("ama").goes(path)
    return visit.page


def goes_to(page: Page, site: str) -> None:
    """Choose a site at the top of the page."""
    with page.expect_navigation():
        page.select_option("#site", site)


def test_opening_stock_is_entered_and_undone_and_the_field_is_empty_again(committed_plant: Plant, visit: Visit) -> None:
    page = opened(visit, "/stock/opening/")
    assert visit.focused() == "location"
    page.keyboard.type("MAIN/LINE")
    page.keyboard.press("Enter")
    expect(page.locator("#item")).to_be_focused()
    page.keyboard.type("BOLT")
    page.keyboard.press("Enter")
    expect(page.locator("#quantity")).to_be_focused()
    page.keyboard.type("12")
    expect(page.locator("#preview")).to_contain_text("will be posted at MAIN/LINE")
    page.keyboard.press("Enter")
    expect(page.locator(".notice-good")).to_contain_text("Posted 12 EA BOLT at MAIN/LINE")
    expect(page.locator("#item")).to_be_focused()
    expect(page.locator("#item")).to_have_value("")
    expect(page.locator("#location")).to_have_value("MAIN/LINE")
    assert committed_plant.balance("BOLT") == 12
    page.click("text=Undo")
    expect(page.locator(".scan-page .notice").first).to_contain_text("Undone: the opening stock of 12 EA BOLT")
    assert committed_plant.balance("BOLT") == 0
    assert visit.complaints == []


def test_a_used_unit_is_deactivated_and_reactivated(committed_plant: Plant, visit: Visit) -> None:
    page = opened(visit, "/set-up/units/at/BOX/")
    page.click("text=Deactivate BOX")
    expect(page.locator("#status-h")).to_have_text("Inactive")
    visit.goes("/set-up/units/")
    page.click(".chip:has-text('Inactive')")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.click("a:has-text('BOX')")
    page.click("text=Reactivate")
    expect(page.locator("text=Deactivate BOX")).to_be_visible()
    assert visit.complaints == []


def test_the_user_form_shows_faults_while_it_is_filled_in(committed_plant: Plant, visit: Visit) -> None:
    page = opened(visit, "/set-up/people/new/")
    page.fill("#name", "rosa")
    page.press("#name", "Tab")
    expect(page.locator("#live-check")).to_contain_text("There is a user rosa already.")
    page.fill("#name", "nina")
    page.press("#name", "Tab")
    expect(page.locator("#live-check")).to_be_empty()
    visit.goes("/set-up/people/at/ama/")
    page.uncheck("input[name='roles-MAIN'][value='administrator']")
    expect(page.locator("#live-check")).to_contain_text("is the only administrator here")
    expect(page.locator("#effect")).to_contain_text("Taken away:")
    page.uncheck("#active")
    expect(page.locator("#effect")).to_contain_text("can no longer sign in")
    assert visit.complaints == []


def test_an_existing_rule_is_reported_while_it_is_chosen(committed_plant: Plant, visit: Visit) -> None:
    page = opened(visit, "/set-up/actions/at/REPLENISH/")
    page.select_option("#from", "MAIN/RAW")
    page.select_option("#to", "MAIN/LINE")
    expect(page.locator("#rule-live-check")).to_contain_text("already has a rule from MAIN/RAW to MAIN/LINE")
    visit.goes("/set-up/actions/new/")
    page.fill("#name", "ISSUE")
    page.press("#name", "Tab")
    expect(page.locator("#live-check")).to_contain_text("The action ISSUE exists already.")
    assert visit.complaints == []


def test_the_site_switch_keeps_the_page_or_leads_to_the_list_of_the_other_site(
    committed_plant: Plant, south: Plant, visit: Visit
) -> None:
    committed_plant.has(7, "BOLT")
    committed_plant.releases(5, "BRACKET")
    page = opened(visit, "/stock/balances/?item=BOLT")
    expect(page.locator("main")).to_contain_text("MAIN/LINE")
    goes_to(page, "SOUTH")
    assert page.url == f"{visit.address}/stock/balances/"
    expect(page.locator("#site")).to_have_value("SOUTH")
    expect(page.locator("main")).not_to_contain_text("MAIN/LINE")
    visit.goes("/orders/materials/W-BRACKET/")
    expect(page.locator("main")).to_contain_text("You are at the site SOUTH.")
    goes_to(page, "MAIN")
    visit.goes("/orders/materials/W-BRACKET/")
    goes_to(page, "SOUTH")
    assert page.url == f"{visit.address}/orders/"


def test_stock_is_transferred_between_sites_by_its_note(committed_plant: Plant, south: Plant, visit: Visit) -> None:
    committed_plant.has(10, "BOLT", at="RAW")
    page = opened(visit, "/stock/")
    page.click("main >> text=Transfers")
    # The first line is entered while the last script of the page is still on its way.
    late: list[Route] = []

    def hold(route: Route) -> None:
        late.append(route)

    page.route("**/app/edit-table.*", hold, times=1)
    page.click("main a:has-text('Send')")
    page.fill("#item-0", "BOLT")
    page.fill("#quantity-0", "11")
    page.fill("#source-0", "MAIN/RAW")
    page.press("#source-0", "Tab")
    for route in late:
        route.continue_()
    expect(page.locator("#preview")).to_contain_text("10 EA")
    expect(page.locator("#item-1")).to_be_visible()
    page.click("main button:has-text('Send')")
    expect(page.locator("#quantity-0-error")).to_contain_text("10 EA")
    expect(page.locator("#item-0")).to_have_value("BOLT")
    page.fill("#quantity-0", "6")
    page.press("#quantity-0", "Tab")
    expect(page.locator("#preview")).to_contain_text("will be left")
    page.fill("#number", "7")
    page.click("main button:has-text('Send')")
    expect(page.locator(".notice-good")).to_contain_text("Transfer 7 is in transit to SOUTH.")
    assert committed_plant.balance("BOLT", at="RAW") == 4
    visit.goes("/stock/transfers/")
    goes_to(page, "SOUTH")
    page.click("a:has-text('7')")
    expect(page.locator("main")).to_contain_text("7 from MAIN")
    page.fill("#into", "MAIN/RAW")
    expect(page.locator("#preview")).to_contain_text("Its one line will be at MAIN/RAW.")
    page.click("text=Receive the transfer")
    expect(page.locator(".notice-good")).to_contain_text("Transfer 7 from MAIN has been received.")
    assert south.balance("BOLT", at="RAW") == 6


def test_the_transfer_pages_have_no_accessibility_faults(
    committed_plant: Plant, south: Plant, browser: Browser, served: str
) -> None:
    committed_plant.has(10, "BOLT", at="RAW")
    pages = (
        "/stock/transfers/",
        "/stock/transfers/send/?to=SOUTH&item-0=BOLT&quantity-0=2&source-0=MAIN/RAW",
        "/stock/transfers/sent/SOUTH/7/?done=1",
        "/stock/transfers/receive/",
        "/set-up/units/",
        "/set-up/units/at/BOX/",
        "/stock/opening/?location=MAIN/RAW&item=BOLT&quantity=2",
    )
    with closing(Visit(browser, served)) as first:
        page = opened(first, pages[1])
        page.fill("#number", "7")
        page.click("main button:has-text('Send')")
        first.goes("/set-up/units/at/BOX/")
        page.click("text=Deactivate BOX")
    found: list[str] = []
    for number, (size, theme) in enumerate((size, theme) for size in SIZES for theme in THEMES):
        with closing(Visit(browser, served, size, theme)) as visit:
            visit.sign_in("ama")
            for path in pages[number :: len(SIZES) * len(THEMES)]:
                visit.goes(path)
                found += [f"{path} {size} {theme}: {fault}" for fault in visit.violations()]
            found += visit.complaints
    assert found == []
