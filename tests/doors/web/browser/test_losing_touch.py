"""A lost connection or an expired session never loses input, and the page says what happened."""

import pytest
from playwright.sync_api import expect

from backflush.counts.models import StockCount
from backflush.counts.sheets import SheetIn, make_sheet
from tests.cast import Plant
from tests.doors.web.browser.visit import Visit

pytestmark = pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)


def test_a_lost_connection_is_shown_at_the_form_and_the_next_try_succeeds(committed_plant: Plant, visit: Visit) -> None:
    page = visit.sign_in("ama").goes("/set-up/units/new/").page
    page.fill("#code", "DOZ")
    page.context.set_offline(True)
    page.click("button:has-text('Add unit')")
    note = page.locator("form [data-offline-note]")
    expect(note).to_have_text("No connection. Your entries are kept on this page, and nothing was posted.")
    expect(page.locator("#code")).to_have_value("DOZ")
    page.context.set_offline(False)
    page.click("button:has-text('Add unit')")
    page.wait_for_url("**/set-up/units/at/DOZ/")


def test_a_signed_out_user_returns_to_the_form_after_the_log_in(committed_plant: Plant, visit: Visit) -> None:
    page = visit.sign_in("ama").goes("/set-up/units/new/").page
    page.fill("#code", "DOZ")
    page.context.clear_cookies(name="backflush_session")
    page.click("button:has-text('Add unit')")
    expect(page.get_by_role("alert")).to_contain_text("You were signed out.")
    page.fill("#username", "ama")
    page.fill("#password", "northmoor-12")
    page.click("button:has-text('Sign in')")
    expect(page.locator("#code")).to_have_value("DOZ")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was posted yet.")
    page.click("button:has-text('Add unit')")
    page.wait_for_url("**/set-up/units/at/DOZ/")


def test_the_chosen_day_is_shown_in_words_beside_its_field(committed_plant: Plant, visit: Visit) -> None:
    page = visit.sign_in("ama").goes("/orders/new/").page
    page.fill("#start_date", "2026-03-12")
    expect(page.locator("#start_date + [data-day-said]")).to_have_text("Thursday 12 March 2026")


def test_a_form_shows_what_would_be_refused_and_which_rights_a_role_change_removes(
    committed_plant: Plant, visit: Visit
) -> None:
    page = visit.sign_in("ama").goes("/set-up/units/new/").page
    page.fill("#code", "EA")
    page.press("#code", "Tab")
    expect(page.locator("#live-check")).to_contain_text("EA")
    page = visit.goes("/set-up/people/at/ken/").page
    page.uncheck("input[value=operator]")
    expect(page.locator("#effect")).to_contain_text("Taken away: book, issue, produce, return")
    assert [one for one in visit.complaints if "Content Security Policy" in one] == []


def test_counts_are_kept_without_a_network_and_sent_once_when_it_is_back(committed_plant: Plant, visit: Visit) -> None:
    plant = committed_plant
    plant.has(700, "BOLT")
    plant.has(50, "LUG")
    plant.has(9, "LUG", at="RAW")
    sheet = make_sheet(SheetIn(), site=plant.site, by=plant.storekeeper).sheet
    page = visit.sign_in("ama").goes(f"/stock/counts/sheets/{sheet.pk}/enter/").page
    page.context.set_offline(True)
    for key in ("1", "2", " \N{MULTIPLICATION SIGN} ", "5", "0", " + ", "3", "0"):
        page.click(f"[data-key='{key}']")
    expect(page.locator("[data-sum]")).to_have_text("= 630 EA")
    page.click("button:has-text('Next')")
    expect(page.locator("[data-line] .count-item")).to_contain_text("LUG")
    page.click("button:has-text('Empty')")
    expect(page.locator("[data-kept]")).to_contain_text("Counts kept here: 2.")
    assert not StockCount.objects.exists()
    page.context.set_offline(False)
    expect(page.locator("[data-kept]")).to_be_hidden()
    # The page of a single count keeps its form in the same way.
    visit.goes("/stock/counts/enter/?location=MAIN/RAW&item=LUG")
    page.context.set_offline(True)
    page.fill("#quantity", "8")
    page.click("button:has-text('Enter the count')")
    expect(page.locator("[data-kept]")).to_contain_text("Counts kept here: 1.")
    expect(page.locator("#quantity")).to_have_value("")
    page.context.set_offline(False)
    expect(page.locator("[data-kept]")).to_be_hidden()
    assert sorted(StockCount.objects.values_list("item__code", "quantity")) == [("BOLT", 630), ("LUG", 0), ("LUG", 8)]
