"""A period in a browser: what blocks closing, the closing, a refused booking, the reopening."""

import pytest
from playwright.sync_api import expect

from backflush.stockmap.models import Site
from tests.cast import DAY, Plant
from tests.doors.web.browser.visit import Visit

pytestmark = pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)


def test_a_period_is_closed_refuses_bookings_and_is_reopened(committed_plant: Plant, visit: Visit) -> None:
    plant = committed_plant
    plant.books(1, "BRACKET", at=DAY)
    visit.sign_in("ama").goes("/audit/")
    page = visit.page
    page.click("main >> text=Periods")
    page.fill("#through", "2026-03-31")
    page.click("text=Check what blocks closing")
    page.click("text=Show unresolved movements")
    expect(page.locator("main")).to_contain_text("BOLT")
    page.go_back()
    page.click("text=Close through 31 Mar 2026")
    expect(page.locator("#although-error")).to_contain_text("Unresolved movements up to 31 Mar 2026: 1")
    page.check("#although")
    page.click("text=Close through 31 Mar 2026")
    expect(page.locator(".page-summary")).to_contain_text("MAIN is closed through 31 Mar 2026")

    visit.goes("/book/?order=W-BRACKET")
    page.click("text=Event time and more")
    page.fill("#at", "2026-03-02T10:00")
    page.fill("#good", "1")
    expect(page.locator("main")).to_contain_text("March 2026 is closed. Use 1 Apr 2026 or later")

    visit.goes("/audit/periods/")
    page.click("text=Reopen…")
    page.click("text=Reopen 1 period")
    assert page.locator("#remarks").evaluate("field => field.validity.valueMissing")
    page.fill("#remarks", "a slip was found")
    page.click("text=Reopen 1 period")
    expect(page.locator("main")).to_contain_text("a slip was found")
    assert Site.objects.get().closed_through is None
