"""The queue in a browser: by keyboard, without single-letter keys, and with a retry in the background."""

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from backflush.people.models import User
from tests.cast import Plant
from tests.doors.web.browser.visit import Visit

pytestmark = pytest.mark.parametrize("committed_database", ["sqlite"], indirect=True)


def test_a_morning_at_the_queue_by_keys(committed_plant: Plant, visit: Visit) -> None:
    plant = committed_plant
    plant.has(5, "BOLT")
    plant.has(100, "BOLT", at="RAW")
    plant.books(2, "BRACKET")
    plant.books(3, "BRACKET")
    first, second = (one.pk for one in plant.queue("BOLT"))
    page = visit.sign_in("rosa").page
    page.keyboard.press("g")
    page.keyboard.press("u")
    page.wait_for_url("**/unresolved/")
    page.keyboard.press("Enter")
    expect(page.locator(f"#panel[data-number='{first}']")).to_be_visible()
    expect(page.locator("#panel-title")).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator(f"[data-row='{first}'] .checkbox")).to_be_checked()
    expect(page.locator(".choice").first).to_have_css("display", "flex")
    page.check("text=MAIN/RAW")
    expect(page.locator("#outcome")).to_contain_text("leaves 92")
    page.keyboard.press("r")
    expect(page.locator("#banner")).to_contain_text("BOLT: 8 EA resolved. 1 unresolved movement left.")
    expect(page.locator(f"#panel[data-number='{second}']")).to_be_visible()
    assert plant.balance("BOLT", at="RAW") == Decimal(92)
    assert visit.complaints == []


def test_single_letter_keys_can_be_switched_off(committed_plant: Plant, visit: Visit) -> None:
    committed_plant.books(2, "BRACKET")
    committed_plant.books(3, "BRACKET")
    first = committed_plant.queue("BOLT")[0].pk
    User.objects.filter(username="rosa").update(single_keys=False)
    visit.sign_in("rosa").goes(f"/unresolved/?open={first}")
    visit.page.keyboard.press("j")
    visit.page.keyboard.press("c")
    visit.page.wait_for_timeout(300)
    expect(visit.page.locator(f"#panel[data-number='{first}']")).to_be_visible()
    expect(visit.page.locator("#remarks")).to_have_count(0)


@pytest.mark.background
def test_a_long_retry_continues_while_the_user_is_on_another_page(committed_plant: Plant, visit: Visit) -> None:
    plant = committed_plant
    for _ in range(210):
        plant.books(1, "BRACKET")
    plant.finds(1000, "BOLT")
    page = visit.sign_in("rosa").goes("/unresolved/retry/").page
    expect(page.locator("h1")).to_have_text("Retry everything in this list")
    page.click("text=Retry all in the background")
    page.wait_for_url("**/background-jobs/*/")
    address = page.url
    visit.goes("/stock/")
    page.goto(address)
    expect(page.locator("#background-job")).to_contain_text("210 settled.", timeout=30_000)
    visit.goes("/unresolved/")
    expect(page.locator("main")).to_contain_text("Nothing is unresolved")
    assert plant.waiting() == []
    assert visit.complaints == []
