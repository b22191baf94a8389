"""A lost connection or an expired session never loses input, and the page says what happened."""

import pytest
from playwright.sync_api import expect

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
